// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Commitments} from "../Commitments.sol";
import {Grade} from "../Grade.sol";
import {VerifiedInferenceConsumer} from "../VerifiedInferenceConsumer.sol";
import {IInferenceLedger} from "../interfaces/IInferenceLedger.sol";

/// @title Example: a verified number with its label, and an action that waits until it is settled
/// @notice Shows what finality means to a contract; docs/reading.md says it in words.
///
/// What a contract does and what it has read stand or fall together: if a reorganisation takes the record, it takes this call,
/// too. So `reading` needs no depth. `settle` does: it stands for an effect that leaves the chain (a message to another one, a
/// parcel in the post), which no reorganisation brings back. No contract can see which block is safe or final; what it can see is
/// how many blocks were built on the record, and how many of them are enough is a choice of whoever deploys it.
contract SettledReader is VerifiedInferenceConsumer {
    /// @notice A number was acted upon, outside of this chain as well.
    event Settled(bytes32 indexed inferenceId, int256 value, Grade grade, uint256 depth);

    /// @notice Too few blocks were built on the record. Likely cause: asked too early; nothing else has to be done than wait.
    error NotSettled(bytes32 inferenceId, uint256 expected, uint256 got);

    /// @notice It was acted upon before.
    error SettledAlready(bytes32 inferenceId);

    /// @notice The scale of the output of the model.
    int8 public immutable scale;

    /// @notice Blocks on top of a record's own from which it counts as settled.
    uint256 public immutable minDepth;

    // | slot | field     | why it is there                       |
    // |------|-----------|---------------------------------------|
    // | 0    | isSettled | an effect outside happens once        |
    mapping(bytes32 inferenceId => bool) public isSettled;

    constructor(Terms memory terms_, int8 scale_, uint256 minDepth_) VerifiedInferenceConsumer(terms_) {
        scale = scale_;
        minDepth = minDepth_;
    }

    /// @notice The first number of a verified output, with 18 decimals, and its label. Reverts by name if it is not verified.
    /// @return value The number.
    /// @return grade What stood behind it when it was recorded; never raised afterwards.
    /// @return depth Blocks since then: 0 in the block of the record itself.
    function reading(bytes32 inputCommitment, bytes calldata output)
        public
        view
        returns (int256 value, Grade grade, uint256 depth)
    {
        IInferenceLedger.Record memory record = _verified(inputCommitment, output);
        return (_wadAt(output, 0, scale), record.grade, block.number - record.blockNumber);
    }

    /// @notice Acts on a verified number, once, and only if it is settled. Anybody may.
    function settle(bytes32 inputCommitment, bytes calldata output) external {
        bytes32 inferenceId = Commitments.inferenceId(model(), inputCommitment, output);
        if (isSettled[inferenceId]) revert SettledAlready({inferenceId: inferenceId});
        (int256 value, Grade grade, uint256 depth) = reading(inputCommitment, output);
        if (depth < minDepth) revert NotSettled({inferenceId: inferenceId, expected: minDepth, got: depth});
        isSettled[inferenceId] = true;
        emit Settled({inferenceId: inferenceId, value: value, grade: grade, depth: depth});
    }
}
