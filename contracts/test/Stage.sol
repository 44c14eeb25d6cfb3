// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib, Tensor, Visibility} from "../src/Circuit.sol";
import {EzklVerifier} from "../src/EzklVerifier.sol";
import {InferenceGateway} from "../src/InferenceGateway.sol";
import {InferenceLedger} from "../src/InferenceLedger.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {Test} from "./Test.sol";
import {ClaimVerifier} from "./mocks/ClaimVerifier.sol";
import {MockHalo2Verifier} from "./mocks/MockHalo2Verifier.sol";

/// @dev The whole system, with one model of 4 inputs and 4 outputs registered, bound and ready to be proven.
abstract contract Stage is Test {
    uint32 internal constant INPUTS = 4;
    uint32 internal constant OUTPUTS = 4;
    uint256 internal constant PROOF_WORDS = 64;

    address internal immutable OWNER = address(uint160(uint256(keccak256("owner"))));
    address internal immutable STRANGER = address(uint160(uint256(keccak256("stranger"))));

    ModelRegistry internal registry = new ModelRegistry();
    EzklVerifier internal ezkl = new EzklVerifier(registry, address(0));
    ClaimVerifier internal claims = new ClaimVerifier();
    InferenceLedger internal ledger = new InferenceLedger(registry, _verifiers(ezkl, claims));
    InferenceGateway internal gateway = ledger; // it is one

    MockHalo2Verifier internal halo2 = new MockHalo2Verifier("one", INPUTS + OUTPUTS, PROOF_WORDS);
    uint256 internal model = _model(address(halo2));

    /// @dev What a relayer sends.
    struct Inference {
        bytes32 inputCommitment;
        bytes output;
        bytes proof;
    }

    function _verifiers(IProofVerifier first, IProofVerifier second)
        internal
        pure
        returns (IProofVerifier[] memory list)
    {
        list = new IProofVerifier[](2);
        (list[0], list[1]) = (first, second);
    }

    function _circuit() internal pure returns (Circuit memory) {
        return Circuit({
            settingsHash: keccak256("settings"),
            inputVisibility: Visibility.Public,
            rows: 1,
            inputs: _tensors(INPUTS),
            outputs: _tensors(OUTPUTS)
        });
    }

    function _tensors(uint32 elements) internal pure returns (Tensor[] memory tensors) {
        tensors = new Tensor[](1);
        tensors[0] = Tensor({elements: elements, scale: 13});
    }

    function _commitment(address verifier) internal view returns (IERC7992Registry.ModelCommitment memory) {
        return IERC7992Registry.ModelCommitment({
            modelHash: keccak256("model"),
            circuitHash: CircuitLib.hash(_circuit()),
            vkHash: verifier.codehash,
            proofSystemId: ezkl.proofSystemId(),
            uri: "ipfs://model"
        });
    }

    /// @dev A model of the usual circuit, registered by the owner and bound to this generated verifier.
    function _model(address verifier) internal returns (uint256 modelId) {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(verifier);
        vm.prank(OWNER);
        modelId = registry.registerModel(commitment);
        ezkl.bind(modelId, _circuit(), verifier);
    }

    /// @dev Eight instances that differ from one another, some negative.
    function _instances(uint256 seed) internal pure returns (uint256[] memory instances) {
        instances = new uint256[](INPUTS + OUTPUTS);
        for (uint256 i = 0; i < instances.length; ++i) {
            instances[i] = uint256(keccak256(abi.encode(seed, i))) >> 3;
        }
    }

    function _words(uint256[] memory instances, uint256 start, uint256 end)
        internal
        pure
        returns (uint256[] memory words)
    {
        words = new uint256[](end - start);
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = instances[start + i];
        }
    }

    /// @dev A true inference of the staged model.
    function _inference(uint256[] memory instances) internal view returns (Inference memory) {
        return Inference({
            inputCommitment: gateway.commitmentOf(_words(instances, 0, INPUTS)),
            output: abi.encodePacked(_words(instances, INPUTS, INPUTS + OUTPUTS)),
            proof: abi.encode(instances, halo2.mockProve(instances))
        });
    }
}
