// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InferenceLedger} from "../src/InferenceLedger.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {ClaimVerifier} from "../test/mocks/ClaimVerifier.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev A ledger at a given time, over one verifier that takes what it is told, and a model of that verifier.
abstract contract OneLedger is Symbolic {
    uint256 internal constant START = 1_700_000_000;

    ModelRegistry internal registry;
    ClaimVerifier internal claims;
    InferenceLedger internal ledger;
    uint256 internal model;

    function _setUp(bytes32 circuitHash) internal {
        vm.warp(START);
        registry = new ModelRegistry();
        claims = new ClaimVerifier();
        IProofVerifier[] memory verifiers = new IProofVerifier[](1);
        verifiers[0] = claims;
        ledger = new InferenceLedger(registry, verifiers);
        model = registry.registerModel(
            IERC7992Registry.ModelCommitment({
                modelHash: keccak256("model"),
                circuitHash: circuitHash,
                vkHash: keccak256("vk"),
                proofSystemId: claims.proofSystemId(),
                uri: ""
            })
        );
    }
}
