// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165, IERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {Grade} from "../../src/Grade.sol";
import {IERC7992Verifier} from "../../src/interfaces/draft-IERC7992.sol";
import {IProofVerifier} from "../../src/interfaces/IProofVerifier.sol";

/// @title A proof system of the lowest grade, under any id
/// @notice Accepts the proof "I say so" for any model and any instances, the first of which is the input.
contract NamedClaimVerifier is IProofVerifier, ERC165 {
    bytes4 public immutable proofSystemId;
    Grade public constant grade = Grade.Claimed;

    constructor(bytes4 proofSystemId_) {
        proofSystemId = proofSystemId_;
    }

    function verifyProof(uint256, uint256[] calldata, bytes calldata proof) external pure returns (uint256) {
        if (keccak256(proof) != keccak256("I say so")) revert IERC7992Verifier.InvalidProof();
        return 1;
    }

    function isStopped(uint256) external pure returns (bool) {
        return false;
    }

    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IProofVerifier).interfaceId || super.supportsInterface(interfaceId);
    }
}

/// @title The one that the stage routes to beside ezkl's
contract ClaimVerifier is NamedClaimVerifier(bytes4(keccak256("claim-v1"))) {}
