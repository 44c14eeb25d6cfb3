// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Circuit} from "./Circuit.sol";
import {CircuitVerifier} from "./CircuitVerifier.sol";
import {Grade} from "./Grade.sol";
import {Words} from "./Words.sol";
import {IEzklVerifier} from "./interfaces/IEzklVerifier.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {ISignedInferenceVerifier} from "./interfaces/ISignedInferenceVerifier.sol";
import {VerifierStop} from "./VerifierStop.sol";

/// @dev Documented in `ISignedInferenceVerifier`.
contract SignedInferenceVerifier is ISignedInferenceVerifier, CircuitVerifier, EIP712 {
    // | slot | bytes              | field                                                      | why it is there                 |
    // |------|--------------------|------------------------------------------------------------|---------------------------------|
    // | 0    | 20 + 4 + 4 + 1 + 1 | admin, inputInstances, outputInstances, threshold, stopped | read by every verification      |
    // | 1    | 32                 | signers                                                    | by position; one read per entry |
    struct Binding {
        address admin;
        uint32 inputInstances;
        uint32 outputInstances;
        uint8 threshold; // never zero in a binding that exists
        bool stopped; // never unset
        address[] signers;
    }

    /// @inheritdoc IProofVerifier
    bytes4 public constant proofSystemId = bytes4(keccak256("eip712-signed-inference-v1"));

    /// @inheritdoc IProofVerifier
    Grade public constant grade = Grade.Signed;

    /// @dev Keeps the hash of a panel apart from every other hash in the system.
    bytes32 private constant PANEL_TAG = keccak256("proofbridge.panel.v1");

    bytes32 private constant STATEMENT_TYPE = keccak256("SignedInference(uint256 modelId,uint256[] instances)");

    /// @dev The position (1 byte) and the length of the signature (2 bytes) in front of each signature.
    uint256 private constant ENTRY_HEAD = 3;

    // | slot | field     | why it is there             |
    // |------|-----------|-----------------------------|
    // | 3    | _bindings | a binding for each model id |
    mapping(uint256 modelId => Binding) private _bindings;

    constructor(IModelRegistry registry_, address guardian_)
        CircuitVerifier(registry_, guardian_)
        EIP712("proofbridge signed inference", "1")
    {}

    /// @inheritdoc ISignedInferenceVerifier
    function bind(uint256 modelId, Circuit calldata circuit, Panel calldata panel) external {
        (bytes32 vkHash, uint32 inputInstances, uint32 outputInstances) = _checkCircuit(modelId, circuit, proofSystemId);
        bytes32 panelHash = hashOf(panel);
        if (panelHash != vkHash) revert PanelMismatch({modelId: modelId, expected: vkHash, got: panelHash});
        Binding storage binding = _bindings[modelId];
        if (binding.threshold != 0) return;

        binding.admin = panel.admin;
        binding.inputInstances = inputInstances;
        binding.outputInstances = outputInstances;
        _seat(binding, panel.threshold, panel.signers);
        emit ModelBound({modelId: modelId, panel: panel, circuit: circuit});
    }

    /// @inheritdoc ISignedInferenceVerifier
    function rotate(uint256 modelId, uint8 threshold, address[] calldata signers) external {
        Binding storage binding = _binding(modelId);
        if (binding.admin != msg.sender) revert NotPanelAdmin({modelId: modelId, caller: msg.sender});
        _seat(binding, threshold, signers);
        emit PanelRotated({modelId: modelId, threshold: threshold, signers: signers});
    }

    /// @inheritdoc IProofVerifier
    function verifyProof(uint256 modelId, uint256[] calldata instances, bytes calldata proof)
        public
        view
        override(IProofVerifier, VerifierStop)
        returns (uint256 inputInstances)
    {
        _requireRunning(modelId, _bindings[modelId].stopped);
        Binding storage binding = _binding(modelId);
        inputInstances = binding.inputInstances;
        _checkCount(instances, inputInstances + binding.outputInstances);
        _checkField(instances);

        bytes32 digest = digestOf(modelId, instances);
        uint256 signatures;
        uint256 lowest; // position of the next entry
        while (proof.length != 0) {
            if (proof.length < ENTRY_HEAD) revert MalformedSignatures();
            uint8 position = uint8(proof[0]);
            uint256 end = ENTRY_HEAD + uint16(bytes2(proof[1:ENTRY_HEAD]));
            if (proof.length < end) revert MalformedSignatures();
            if (position < lowest || position >= binding.signers.length) {
                revert PositionRefused({modelId: modelId, position: position});
            }
            address signer = binding.signers[position];
            if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, proof[ENTRY_HEAD:end])) {
                revert SignatureRefused({modelId: modelId, signer: signer});
            }
            ++signatures;
            lowest = uint256(position) + 1;
            proof = proof[end:];
        }
        if (signatures < binding.threshold) {
            revert TooFewSignatures({modelId: modelId, expected: binding.threshold, got: signatures});
        }
    }

    /// @inheritdoc ISignedInferenceVerifier
    function panelOf(uint256 modelId) external view returns (Panel memory) {
        Binding storage binding = _bindings[modelId];
        return Panel({admin: binding.admin, threshold: binding.threshold, signers: binding.signers});
    }

    /// @inheritdoc ISignedInferenceVerifier
    function registry() external view returns (IModelRegistry) {
        return _registry;
    }

    /// @inheritdoc ISignedInferenceVerifier
    function digestOf(uint256 modelId, uint256[] calldata instances) public view returns (bytes32) {
        // EIP-712 encodes an array as the hash of its words.
        return _hashTypedDataV4(keccak256(abi.encode(STATEMENT_TYPE, modelId, Words.hash(instances))));
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(CircuitVerifier, IERC165) returns (bool) {
        return interfaceId == type(ISignedInferenceVerifier).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @inheritdoc ISignedInferenceVerifier
    function hashOf(Panel calldata panel) public pure returns (bytes32) {
        return keccak256(abi.encode(PANEL_TAG, panel));
    }

    /// @dev A model that is not bound has no proof to stop it by.
    function _stopModel(uint256 modelId) internal override {
        _bindings[modelId].stopped = true;
    }

    function _isModelStopped(uint256 modelId) internal view override returns (bool) {
        return _bindings[modelId].stopped;
    }

    function _seat(Binding storage binding, uint8 threshold, address[] calldata signers) private {
        if (threshold == 0 || threshold > signers.length || signers.length > type(uint8).max) {
            revert ThresholdOutOfRange({threshold: threshold, signers: signers.length});
        }
        address previous;
        for (uint256 i = 0; i < signers.length; ++i) {
            if (signers[i] <= previous) revert SignersNotAscending({position: i, signer: signers[i]});
            previous = signers[i];
        }
        binding.threshold = threshold;
        binding.signers = signers;
    }

    function _binding(uint256 modelId) private view returns (Binding storage binding) {
        binding = _bindings[modelId];
        if (binding.threshold == 0) revert IEzklVerifier.ModelNotBound({modelId: modelId});
    }
}
