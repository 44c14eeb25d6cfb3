// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Circuit, CircuitLib} from "./Circuit.sol";
import {Commitments} from "./Commitments.sol";
import {Grade} from "./Grade.sol";
import {InferenceGateway} from "./InferenceGateway.sol";
import {ProofBlob} from "./ProofBlob.sol";
import {Rows} from "./Rows.sol";
import {IERC7992Storage} from "./interfaces/draft-IERC7992.sol";
import {IInferenceLedger} from "./interfaces/IInferenceLedger.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";

/// @dev Documented in `IInferenceLedger`. A gateway by inheritance and not by address: between two contracts every record
/// would cost a cold account and two copies of the proof more.
contract InferenceLedger is IInferenceLedger, InferenceGateway {
    using CircuitLib for Circuit;

    // | slot | field    | why it is there                                                       |
    // |------|----------|-----------------------------------------------------------------------|
    // | 1    | _records | for each inference id one slot, 20 + 6 + 5 + 1 bytes; zero if none yet |
    // | 2    | _batches | the same for each root                                                |
    mapping(bytes32 inferenceId => Record) private _records;
    mapping(bytes32 root => Record) private _batches;

    constructor(IModelRegistry registry_, IProofVerifier[] memory verifiers) InferenceGateway(registry_, verifiers) {}

    /// @inheritdoc IInferenceLedger
    function verifyAndStoreInference(
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        bytes calldata proof
    ) external returns (bytes32 inferenceId) {
        inferenceId = Commitments.inferenceId(modelId, inputCommitment, output);
        if (isRecorded(inferenceId)) return inferenceId;

        _records[inferenceId] = _recordNow(verifyAndGrade(modelId, inputCommitment, output, proof));
        emit IERC7992Storage.InferenceStored({inferenceId: inferenceId});
    }

    /// @inheritdoc IInferenceLedger
    function verifyAndStoreBatch(uint256 modelId, Circuit calldata circuit, bytes calldata proof)
        external
        returns (bytes32 root)
    {
        Circuit memory description = circuit;
        description.requireCommitted(modelId, _registry.circuitHashOf(modelId));
        (uint256[] calldata instances,) = ProofBlob.decode(proof);
        root = Rows.root(description, modelId, domain(), instances);
        if (_batches[root].recordedAt != 0) return root;

        (,, Grade grade) = _verify(modelId, proof);
        _batches[root] = _recordNow(grade);
        emit BatchStored({root: root, modelId: modelId, rows: description.rows});
    }

    /// @inheritdoc IInferenceLedger
    function storeFromBatch(
        bytes32 root,
        bytes32[] calldata path,
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output
    ) external returns (bytes32 inferenceId) {
        inferenceId = Commitments.inferenceId(modelId, inputCommitment, output);
        if (isRecorded(inferenceId)) return inferenceId;
        Record memory batch = batchOf(root);
        if (!_isInBatch(root, path, inferenceId)) revert NotInBatch({root: root, inferenceId: inferenceId});

        _records[inferenceId] = batch;
        emit IERC7992Storage.InferenceStored({inferenceId: inferenceId});
    }

    /// @inheritdoc IInferenceLedger
    function isVerified(uint256 modelId, bytes32 inputCommitment, bytes calldata output, Grade minGrade)
        external
        view
        returns (bool)
    {
        bytes32 inferenceId = Commitments.inferenceId(modelId, inputCommitment, output);
        return isRecorded(inferenceId) && _records[inferenceId].grade >= minGrade;
    }

    /// @inheritdoc IInferenceLedger
    function isVerifiedInBatch(
        bytes32 root,
        bytes32[] calldata path,
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        Grade minGrade
    ) external view returns (bool) {
        Record memory batch = _batches[root];
        return batch.recordedAt != 0 && batch.grade >= minGrade
            && _isInBatch(root, path, Commitments.inferenceId(modelId, inputCommitment, output));
    }

    /// @inheritdoc IInferenceLedger
    function recordOf(bytes32 inferenceId) external view returns (Record memory) {
        if (!isRecorded(inferenceId)) revert InferenceNotRecorded({inferenceId: inferenceId});
        return _records[inferenceId];
    }

    /// @inheritdoc IInferenceLedger
    function batchOf(bytes32 root) public view returns (Record memory record) {
        record = _batches[root];
        if (record.recordedAt == 0) revert BatchNotRecorded({root: root});
    }

    /// @inheritdoc IInferenceLedger
    function isRecorded(bytes32 inferenceId) public view returns (bool) {
        return _records[inferenceId].recordedAt != 0;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(InferenceGateway, IERC165) returns (bool) {
        return interfaceId == type(IInferenceLedger).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @dev Neither number is cut within the next thirty thousand years.
    function _recordNow(Grade grade) private view returns (Record memory) {
        return Record({
            submitter: msg.sender, recordedAt: uint48(block.timestamp), blockNumber: uint40(block.number), grade: grade
        });
    }

    function _isInBatch(bytes32 root, bytes32[] calldata path, bytes32 inferenceId) private pure returns (bool) {
        return MerkleProof.verifyCalldata(path, root, Rows.leaf(inferenceId));
    }
}
