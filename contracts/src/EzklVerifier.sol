// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Circuit} from "./Circuit.sol";
import {CircuitVerifier} from "./CircuitVerifier.sol";
import {Grade} from "./Grade.sol";
import {IEzklVerifier} from "./interfaces/IEzklVerifier.sol";
import {IHalo2Verifier} from "./interfaces/IHalo2Verifier.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {Refusal} from "./Refusal.sol";
import {VerifierStop} from "./VerifierStop.sol";

/// @dev Documented in `IEzklVerifier`.
contract EzklVerifier is IEzklVerifier, CircuitVerifier {
    // | slot | bytes          | field                                              | why it is there                    |
    // |------|----------------|----------------------------------------------------|------------------------------------|
    // | 0    | 20 + 4 + 4 + 1 | verifier, inputInstances, outputInstances, stopped | all that a verification reads      |
    struct Binding {
        address verifier; // never zero in a binding that exists
        uint32 inputInstances;
        uint32 outputInstances;
        bool stopped; // never unset
    }

    /// @inheritdoc IProofVerifier
    bytes4 public constant proofSystemId = bytes4(keccak256("halo2-kzg-bn254-v1"));

    /// @inheritdoc IProofVerifier
    Grade public constant grade = Grade.Proven;

    // | slot | field     | why it is there             |
    // |------|-----------|-----------------------------|
    // | 1    | _bindings | a binding for each model id |
    mapping(uint256 modelId => Binding) private _bindings;

    constructor(IModelRegistry registry_, address guardian_) CircuitVerifier(registry_, guardian_) {}

    /// @inheritdoc IEzklVerifier
    function bind(uint256 modelId, Circuit calldata circuit, address verifier) external {
        Circuit memory description = circuit;
        (bytes32 vkHash, uint32 inputInstances, uint32 outputInstances) =
            _checkCircuit(modelId, description, proofSystemId);
        // An account without code has a code hash too, so a vkHash of that hash would bind to nothing at all.
        if (verifier.code.length == 0 || verifier.codehash != vkHash) {
            revert VerifierCodeMismatch({modelId: modelId, expected: vkHash, got: verifier.codehash});
        }
        if (_bindings[modelId].verifier != address(0)) return;

        _bindings[modelId] = Binding({
            verifier: verifier, inputInstances: inputInstances, outputInstances: outputInstances, stopped: false
        });
        emit ModelBound({modelId: modelId, verifier: verifier, circuit: description});
    }

    /// @inheritdoc IProofVerifier
    function verifyProof(uint256 modelId, uint256[] calldata instances, bytes calldata proof)
        public
        view
        override(IProofVerifier, VerifierStop)
        returns (uint256 inputInstances)
    {
        // All four at once: the compiler makes one read of it.
        Binding storage binding = _bindings[modelId];
        (address verifier, uint256 inputs, uint256 outputs, bool stopped) =
            (binding.verifier, binding.inputInstances, binding.outputInstances, binding.stopped);
        _requireRunning(modelId, stopped);
        if (verifier == address(0)) revert ModelNotBound({modelId: modelId});
        // Unchecked: two numbers of 32 bits.
        unchecked {
            _checkCount(instances, inputs + outputs);
        }

        // The code hash is not looked at again: a generated verifier has no opcode that could remove or replace its
        // code. A vkHash of code that has one belongs to a model whose id commits to that very code, and to nothing
        // that a proof could mean.
        // The answer is looked at and not decoded: one that is cut, or no answer at all because nobody is there, is a no.
        (bool success, bytes32 answer,) = LowLevelCall.staticcallReturn64Bytes(
            verifier, abi.encodeCall(IHalo2Verifier.verifyProof, (proof, instances))
        );
        if (success && LowLevelCall.returnDataSize() > 31 && answer == bytes32(uint256(1))) return inputs;

        // The one reason that can be told from here is an instance that is no field element.
        _checkField(instances);
        Refusal.raise({target: verifier, selector: IHalo2Verifier.verifyProof.selector, success: success});
    }

    /// @inheritdoc IEzklVerifier
    function bindingOf(uint256 modelId)
        external
        view
        returns (address verifier, uint32 inputInstances, uint32 outputInstances)
    {
        Binding memory binding = _bindings[modelId];
        return (binding.verifier, binding.inputInstances, binding.outputInstances);
    }

    /// @inheritdoc IEzklVerifier
    function registry() external view returns (IModelRegistry) {
        return _registry;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(CircuitVerifier, IERC165) returns (bool) {
        return interfaceId == type(IEzklVerifier).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @dev A model that is not bound has no proof to stop it by.
    function _stopModel(uint256 modelId) internal override {
        _bindings[modelId].stopped = true;
    }

    function _isModelStopped(uint256 modelId) internal view override returns (bool) {
        return _bindings[modelId].stopped;
    }
}
