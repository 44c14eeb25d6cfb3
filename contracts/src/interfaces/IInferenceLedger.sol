// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Grade} from "../Grade.sol";
import {IInferenceGateway} from "./IInferenceGateway.sol";

/// @title The memory of verified inferences, for contracts that must read them
/// @notice Trust contract. Trusts its gateway completely: what the gateway verifies is recorded, and nothing else can
/// be. A record is written once and never changed or removed, also when the model is deprecated later. Absence says
/// nothing: that something is not recorded does not mean that it is false.
///
/// `verifyAndStoreInference` and its event are those of the storage extension of ERC-7992. The extension as a whole is
/// not claimed: its `getInference` returns the whole output, which would cost a slot for every word of it. Whoever needs
/// the output brings it along, and `isVerified` says whether it is the true one.
interface IInferenceLedger is IERC165 {
    /// @notice One recorded inference, in one slot.
    /// @param submitter Who sent it first. A note, not a merit: a proof can be copied out of the mempool.
    /// @param recordedAt Time of the block, in seconds.
    /// @param blockNumber Number of the block, to find the event with the whole output.
    /// @param grade What stood behind the result when it was recorded.
    struct Record {
        address submitter;
        uint48 recordedAt;
        uint40 blockNumber;
        Grade grade;
    }

    /// @notice No such inference is recorded. Likely cause: not submitted yet, or an id made with another commitment.
    error InferenceNotRecorded(bytes32 inferenceId);

    /// @notice Verifies an inference and records it, once. Anybody may. If it is recorded already, answers at once,
    /// without looking at the proof and without an event.
    /// @return inferenceId `keccak256(abi.encodePacked(modelId, inputCommitment, output))`
    function verifyAndStoreInference(
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        bytes calldata proof
    ) external returns (bytes32 inferenceId);

    /// @notice Whether an inference is recorded with at least this grade.
    function isVerified(uint256 modelId, bytes32 inputCommitment, bytes calldata output, Grade minGrade)
        external
        view
        returns (bool);

    /// @notice Whether an inference is recorded.
    function isRecorded(bytes32 inferenceId) external view returns (bool);

    /// @notice The record of an inference; reverts if there is none.
    function recordOf(bytes32 inferenceId) external view returns (Record memory);

    /// @notice The gateway that verifies.
    function gateway() external view returns (IInferenceGateway);
}
