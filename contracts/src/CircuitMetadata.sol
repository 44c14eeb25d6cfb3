// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {Circuit, CircuitLib} from "./Circuit.sol";
import {CodeStore} from "./CodeStore.sol";
import {Grade} from "./Grade.sol";
import {ICircuitMetadata} from "./interfaces/ICircuitMetadata.sol";
import {IInferenceLedger} from "./interfaces/IInferenceLedger.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {IERC7992Registry} from "./interfaces/draft-IERC7992.sol";
import {IERC8084} from "./interfaces/draft-IERC8084.sol";

/// @dev Documented in `ICircuitMetadata`.
contract CircuitMetadata is ICircuitMetadata, ERC165 {
    using CircuitLib for Circuit;
    using Strings for *;

    /// @inheritdoc IERC8084
    uint64 public constant circuitVersion = 1 << 32;

    /// @inheritdoc IERC8084
    bytes4 public constant proofSystem = bytes4(uint32(3));

    /// @inheritdoc ICircuitMetadata
    IInferenceLedger public immutable ledger;

    /// @inheritdoc IERC8084
    bytes32 public immutable circuitId;

    /// @inheritdoc IERC8084
    bytes32 public immutable publicInputsSchemaHash;

    bytes32 private immutable _vkHash;
    IProofVerifier private immutable _verifier;
    address private immutable _schema;

    constructor(IInferenceLedger ledger_, uint256 modelId, Circuit memory circuit) {
        (IERC7992Registry.ModelCommitment memory commitment,,) = IERC7992Registry(ledger_.registry()).getModel(modelId);
        circuit.requireCommitted(modelId, commitment.circuitHash);
        if (ledger_.gradeOf(modelId) != Grade.Proven) {
            revert NoCircuitProofs({modelId: modelId, proofSystemId: commitment.proofSystemId});
        }
        ledger = ledger_;
        circuitId = bytes32(modelId);
        publicInputsSchemaHash = commitment.circuitHash;
        _vkHash = commitment.vkHash;
        _verifier = ledger_.verifierOf(commitment.proofSystemId);
        _schema = CodeStore.write(circuit.document());
        emit CircuitMetadataUpdated({
            circuitId: bytes32(modelId), circuitVersion: circuitVersion, proofSystem: proofSystem
        });
    }

    /// @inheritdoc IERC8084
    function publicInputsSchemaURI() external view returns (string memory) {
        return string.concat("data:application/octet-stream;base64,", Base64.encode(CodeStore.read(_schema)));
    }

    /// @inheritdoc IERC8084
    function verificationKeyURI() external view returns (string memory) {
        return string.concat(
            "ethereum:",
            address(_verifier).toChecksumHexString(),
            "@",
            block.chainid.toString(),
            "/bindingOf?uint256=",
            uint256(circuitId).toString(),
            "#",
            uint256(_vkHash).toHexString(32)
        );
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERC8084).interfaceId || interfaceId == type(ICircuitMetadata).interfaceId
            || super.supportsInterface(interfaceId);
    }
}
