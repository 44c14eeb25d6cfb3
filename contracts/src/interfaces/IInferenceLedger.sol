// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Circuit} from "../Circuit.sol";
import {Grade} from "../Grade.sol";
import {IInferenceGateway} from "./IInferenceGateway.sol";

/// @title The gateway that remembers, for contracts that must read what was verified
/// @notice Trust contract. It is a gateway with one mapping more: what it verifies and is asked to keep is recorded, and
/// nothing else can be. A record is written once and never changed or removed, also when the model is deprecated or stopped
/// later. Absence says nothing: that something is not recorded does not mean that it is false.
///
/// `verifyAndStoreInference` is that of the storage extension of ERC-7992. The extension as a whole is not claimed: its
/// `getInference` returns the whole output, which would cost a slot for every word of it. Whoever needs the output brings it
/// along, and `isVerified` says whether it is the true one. Its event `InferenceStored` is left out, too: every record comes
/// with `InferenceVerified`, which says more, and names its block, so that the event is found from the record.
///
/// A batch is the proof of a circuit that takes many rows at once. It costs one slot, too, which holds the root of a Merkle
/// tree over all rows; it is made here, from the instances that are proven, so there is no leaf that the proof does not
/// cover. What is said of a row is what is said of a single inference: this model gives this output for this input.
/// How the rows lie among the instances is part of the circuit, which the model id commits to. That the rows of a model do
/// not mix is a property of its graph, which whoever pins the model can check, and this contract cannot.
interface IInferenceLedger is IInferenceGateway {
    /// @notice One recorded inference, or one recorded batch, in one slot.
    /// @param submitter Who sent it first. A note, not a merit: a proof can be copied out of the mempool.
    /// @param recordedAt Time of the block, in seconds.
    /// @param blockNumber Number of the block, to find the event with the whole output, or the transaction with the batch.
    /// @param grade What stood behind the result when it was recorded.
    struct Record {
        address submitter;
        uint48 recordedAt;
        uint40 blockNumber;
        Grade grade;
    }

    /// @notice A verified batch was recorded, once. Its rows are in the calldata of the transaction.
    event BatchStored(bytes32 indexed root, uint256 indexed modelId, uint32 rows);

    /// @notice No such inference is recorded. Likely cause: not submitted yet, or an id made with another commitment.
    error InferenceNotRecorded(bytes32 inferenceId);

    /// @notice No such batch is recorded. Likely cause: not submitted yet, or a root made with another hash or shape.
    error BatchNotRecorded(bytes32 root);

    /// @notice The path does not lead from the inference to the root. Likely cause: the path of another row.
    error NotInBatch(bytes32 root, bytes32 inferenceId);

    /// @notice Verifies an inference and records it, once. Anybody may. If it is recorded already, answers at once,
    /// without looking at the proof and without an event.
    /// @return inferenceId `keccak256(abi.encodePacked(modelId, inputCommitment, output))`
    function verifyAndStoreInference(
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        bytes calldata proof
    ) external returns (bytes32 inferenceId);

    /// @notice Verifies a batch and records the root over its rows, once. Anybody may. If it is recorded already, answers
    /// without looking at the proof and without an event. Reverts as the gateway does, and with the errors of `Rows` for a
    /// circuit that has no rows to tell apart.
    /// @param proof As for a single inference: the instances of all rows, and the proof of them.
    /// @return root The root of the tree, see `Rows`.
    function verifyAndStoreBatch(uint256 modelId, Circuit calldata circuit, bytes calldata proof)
        external
        returns (bytes32 root);

    /// @notice Gives a row of a recorded batch a record of its own, for contracts that look for one: it is the record of the
    /// batch, word for word, so a row becomes neither younger nor stronger. Anybody may; if it is recorded already, nothing
    /// changes.
    /// @param path The Merkle proof, from the leaf up.
    function storeFromBatch(
        bytes32 root,
        bytes32[] calldata path,
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output
    ) external returns (bytes32 inferenceId);

    /// @notice Whether an inference is recorded with at least this grade.
    function isVerified(uint256 modelId, bytes32 inputCommitment, bytes calldata output, Grade minGrade)
        external
        view
        returns (bool);

    /// @notice Whether an inference is a row of a batch that is recorded with at least this grade.
    /// @param path The Merkle proof, from the leaf up.
    function isVerifiedInBatch(
        bytes32 root,
        bytes32[] calldata path,
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        Grade minGrade
    ) external view returns (bool);

    /// @notice Whether an inference is recorded.
    function isRecorded(bytes32 inferenceId) external view returns (bool);

    /// @notice The record of an inference; reverts if there is none.
    function recordOf(bytes32 inferenceId) external view returns (Record memory);

    /// @notice The record of a batch; reverts if there is none.
    function batchOf(bytes32 root) external view returns (Record memory);
}
