// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Circuit} from "./Circuit.sol";
import {CircuitVerifier} from "./CircuitVerifier.sol";
import {CodeStore} from "./CodeStore.sol";
import {Grade} from "./Grade.sol";
import {IEzklReusableVerifier} from "./interfaces/IEzklReusableVerifier.sol";
import {IEzklVerifier} from "./interfaces/IEzklVerifier.sol";
import {IHalo2VerifierReusable} from "./interfaces/IHalo2VerifierReusable.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {Refusal} from "./Refusal.sol";
import {VerifierStop} from "./VerifierStop.sol";

/// @dev Documented in `IEzklReusableVerifier`.
contract EzklReusableVerifier is IEzklReusableVerifier, CircuitVerifier {
    // | slot | bytes              | field                                                        | why it is there               |
    // |------|--------------------|--------------------------------------------------------------|-------------------------------|
    // | 0    | 20 + 4 + 4 + 3 + 1 | verifier, inputInstances, outputInstances, vkaBytes, stopped | whom to ask, and how to read  |
    // | 1    | 32                 | vkaDigest                                                    | what has to be answered       |
    struct Binding {
        address verifier; // never zero in a binding that exists
        uint32 inputInstances;
        uint32 outputInstances;
        uint24 vkaBytes;
        bool stopped; // never unset
        bytes32 vkaDigest;
    }

    /// @inheritdoc IProofVerifier
    bytes4 public constant proofSystemId = bytes4(keccak256("halo2-kzg-bn254-reusable-v1"));

    /// @inheritdoc IProofVerifier
    Grade public constant grade = Grade.Proven;

    /// @dev Keeps the hash of code and artifact apart from every other hash in the system.
    bytes32 private constant KEY_TAG = keccak256("proofbridge.reusable.v1");

    // | slot | field     | why it is there                                                     |
    // |------|-----------|---------------------------------------------------------------------|
    // | 1    | _bindings | a binding for each model id                                         |
    // | 2    | _stores   | where an artifact is stored as code, by its digest; zero if nowhere |
    mapping(uint256 modelId => Binding) private _bindings;
    mapping(bytes32 vkaDigest => address store) private _stores;

    constructor(IModelRegistry registry_, address guardian_) CircuitVerifier(registry_, guardian_) {}

    /// @inheritdoc IEzklReusableVerifier
    function bind(uint256 modelId, Circuit calldata circuit, address verifier, bytes calldata vka) external {
        (bytes32 vkHash, uint32 inputInstances, uint32 outputInstances) = _checkCircuit(modelId, circuit, proofSystemId);
        bytes32 vkaDigest = keccak256(vka);
        // An account without code has a code hash too; asking it would be asking nobody.
        bytes32 keyHash = verifier.code.length == 0 ? bytes32(0) : keyHashOf(verifier.codehash, vkaDigest);
        if (keyHash != vkHash) revert KeyMismatch({modelId: modelId, expected: vkHash, got: keyHash});
        if (vka.length % 32 != 0) revert VkaNotWhole({length: vka.length});
        if (_bindings[modelId].verifier != address(0)) return;

        _bindings[modelId] = Binding({
            verifier: verifier,
            inputInstances: inputInstances,
            outputInstances: outputInstances,
            vkaBytes: SafeCast.toUint24(vka.length),
            stopped: false,
            vkaDigest: vkaDigest
        });
        emit ModelBound({modelId: modelId, verifier: verifier, vkaDigest: vkaDigest, circuit: circuit});

        bytes memory data = abi.encodeWithSelector(IHalo2VerifierReusable.registerVka.selector, vka);
        (bool success,) = verifier.call(_asWords(data, vka.length));
        if (!success) revert VkaNotTaken({modelId: modelId});
    }

    /// @inheritdoc IEzklReusableVerifier
    function storeVka(bytes calldata vka) external returns (address store) {
        bytes32 vkaDigest = keccak256(vka);
        store = _stores[vkaDigest];
        if (store != address(0)) return store;

        store = CodeStore.write(vka);
        if (store == address(0)) revert VkaNotStored({length: vka.length});
        _stores[vkaDigest] = store;
        emit VkaStored({vkaDigest: vkaDigest, store: store});
    }

    /// @inheritdoc IProofVerifier
    function verifyProof(uint256 modelId, uint256[] calldata instances, bytes calldata proof)
        public
        view
        override(IProofVerifier, VerifierStop)
        returns (uint256 inputInstances)
    {
        Binding memory binding = _bindings[modelId];
        _requireRunning(modelId, binding.stopped);
        if (binding.verifier == address(0)) revert IEzklVerifier.ModelNotBound({modelId: modelId});
        inputInstances = binding.inputInstances;
        _checkCount(instances, inputInstances + binding.outputInstances);

        bytes memory data;
        address store = _stores[binding.vkaDigest];
        if (store == address(0)) {
            if (proof.length < binding.vkaBytes) {
                revert VkaMissing({modelId: modelId, vkaDigest: binding.vkaDigest});
            }
            uint256 end = proof.length - binding.vkaBytes;
            if (keccak256(proof[end:]) != binding.vkaDigest) {
                revert VkaMissing({modelId: modelId, vkaDigest: binding.vkaDigest});
            }
            data = abi.encodeWithSelector(
                IHalo2VerifierReusable.verifyProof.selector, proof[:end], instances, proof[end:]
            );
        } else {
            data = abi.encodeWithSelector(
                IHalo2VerifierReusable.verifyProof.selector, proof, instances, CodeStore.read(store)
            );
        }
        // The answer as a whole is not valid ABI, so it is not decoded: its first two words say all.
        (bool success, bytes32 answer, bytes32 digest) =
            LowLevelCall.staticcallReturn64Bytes(binding.verifier, _asWords(data, binding.vkaBytes));
        bool isWhole = success && LowLevelCall.returnDataSize() > 63;
        if (isWhole && answer == bytes32(uint256(1)) && digest == binding.vkaDigest) return inputInstances;

        // The one reason that can be told from here is an instance that is no field element.
        _checkField(instances);
        Refusal.raise({
            target: binding.verifier, selector: IHalo2VerifierReusable.verifyProof.selector, success: success
        });
    }

    /// @inheritdoc IEzklReusableVerifier
    function bindingOf(uint256 modelId)
        external
        view
        returns (address verifier, uint32 inputInstances, uint32 outputInstances, bytes32 vkaDigest)
    {
        Binding memory binding = _bindings[modelId];
        return (binding.verifier, binding.inputInstances, binding.outputInstances, binding.vkaDigest);
    }

    /// @inheritdoc IEzklReusableVerifier
    function storeOf(bytes32 vkaDigest) external view returns (address) {
        return _stores[vkaDigest];
    }

    /// @inheritdoc IEzklReusableVerifier
    function registry() external view returns (IModelRegistry) {
        return _registry;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(CircuitVerifier, IERC165) returns (bool) {
        return interfaceId == type(IEzklReusableVerifier).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @inheritdoc IEzklReusableVerifier
    function keyHashOf(bytes32 verifierCodeHash, bytes32 vkaDigest) public pure returns (bytes32) {
        return keccak256(abi.encode(KEY_TAG, verifierCodeHash, vkaDigest));
    }

    /// @dev A model that is not bound has no proof to stop it by.
    function _stopModel(uint256 modelId) internal override {
        _bindings[modelId].stopped = true;
    }

    function _isModelStopped(uint256 modelId) internal view override returns (bool) {
        return _bindings[modelId].stopped;
    }

    /// @dev Encoded arguments that end with whole words as `bytes`, turned into the same with `bytes32[]`: the two differ
    /// in the length alone. Saves copying every word by itself.
    function _asWords(bytes memory data, uint256 length) private pure returns (bytes memory) {
        assembly ("memory-safe") {
            mstore(sub(add(add(data, 32), mload(data)), add(length, 32)), div(length, 32))
        }
        return data;
    }
}
