// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Circuit, CircuitLib} from "./Circuit.sol";
import {Commitments} from "./Commitments.sol";
import {Grade} from "./Grade.sol";
import {InferenceGateway} from "./InferenceGateway.sol";
import {ProofBlob} from "./ProofBlob.sol";
import {RecordWord, RecordWordLib} from "./RecordWord.sol";
import {Rows} from "./Rows.sol";
import {IInferenceLedger} from "./interfaces/IInferenceLedger.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";

/// @dev Documented in `IInferenceLedger`. A gateway by inheritance and not by address: between two contracts every record
/// would cost a cold account and two copies of the proof more.
contract InferenceLedger is IInferenceLedger, InferenceGateway {
    using CircuitLib for Circuit;

    // | slot | field    | why it is there                             |
    // |------|----------|---------------------------------------------|
    // | 0    | _records | a record for each inference id              |
    // | 1    | _batches | a record for each root                      |
    mapping(bytes32 inferenceId => RecordWord) private _records;
    mapping(bytes32 root => RecordWord) private _batches;

    constructor(IModelRegistry registry_, IProofVerifier[] memory verifiers) InferenceGateway(registry_, verifiers) {}

    /// @inheritdoc IInferenceLedger
    function verifyAndStoreInference(
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        bytes calldata proof
    ) external returns (bytes32 inferenceId) {
        inferenceId = Commitments.inferenceId(modelId, inputCommitment, output);
        if (_records[inferenceId].exists()) return inferenceId;

        _records[inferenceId] = RecordWordLib.made(verifyAndGrade(modelId, inputCommitment, output, proof));
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
        if (_batches[root].exists()) return root;

        (,, Grade grade) = _verify(modelId, proof);
        _batches[root] = RecordWordLib.made(grade);
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
        RecordWord batch = _batches[root];
        if (!batch.exists()) revert BatchNotRecorded({root: root});
        if (!_isInBatch(root, path, inferenceId)) revert NotInBatch({root: root, inferenceId: inferenceId});

        _records[inferenceId] = batch;
        emit InferenceVerified({modelId: modelId, inputCommitment: inputCommitment, output: output, caller: msg.sender});
    }

    /// @inheritdoc IInferenceLedger
    function isVerified(uint256 modelId, bytes32 inputCommitment, bytes calldata output, Grade minGrade)
        external
        view
        returns (bool)
    {
        RecordWord word = _records[Commitments.inferenceId(modelId, inputCommitment, output)];
        return word.exists() && word.grade() >= minGrade;
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
        RecordWord batch = _batches[root];
        return batch.exists() && batch.grade() >= minGrade
            && _isInBatch(root, path, Commitments.inferenceId(modelId, inputCommitment, output));
    }

    /// @inheritdoc IInferenceLedger
    function recordOf(bytes32 inferenceId) external view returns (Record memory) {
        RecordWord word = _records[inferenceId];
        if (!word.exists()) revert InferenceNotRecorded({inferenceId: inferenceId});
        return word.unpack();
    }

    /// @inheritdoc IInferenceLedger
    function batchOf(bytes32 root) external view returns (Record memory) {
        RecordWord word = _batches[root];
        if (!word.exists()) revert BatchNotRecorded({root: root});
        return word.unpack();
    }

    /// @inheritdoc IInferenceLedger
    function isRecorded(bytes32 inferenceId) public view returns (bool) {
        return _records[inferenceId].exists();
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(InferenceGateway, IERC165) returns (bool) {
        return interfaceId == type(IInferenceLedger).interfaceId || super.supportsInterface(interfaceId);
    }

    function _isInBatch(bytes32 root, bytes32[] calldata path, bytes32 inferenceId) private pure returns (bool) {
        return MerkleProof.verifyCalldata(path, root, Rows.leaf(inferenceId));
    }
}
