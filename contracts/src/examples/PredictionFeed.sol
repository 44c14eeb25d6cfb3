// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Grade} from "../Grade.sol";
import {VerifiedInferenceConsumer} from "../VerifiedInferenceConsumer.sol";
import {IInferenceLedger} from "../interfaces/IInferenceLedger.sol";

/// @title Example: a feed of the latest verified prediction of a model
/// @notice Its owner announces of which input the next prediction shall be, round by round; anybody answers a round with
/// the verified output. Whoever reads gets the number together with its age and its grade, and decides.
///
/// The owner chooses inputs and cannot choose outputs. If anybody could choose the input, anybody could choose the
/// prediction among all that the model ever gives, and the proof would be of no use. The owner may stop announcing: the
/// prediction then grows old, and says so.
contract PredictionFeed is VerifiedInferenceConsumer, Ownable2Step {
    // | slot | bytes          | field                    | why it is there                              |
    // |------|----------------|--------------------------|----------------------------------------------|
    // | 0    | 32             | value                    | the number, with 18 decimals                 |
    // | 1    | 8 + 6 + 1      | round, recordedAt, grade | what a reader judges it by; round 0 is none  |
    struct Prediction {
        int256 value;
        uint64 round;
        uint48 recordedAt;
        Grade grade;
    }

    /// @notice The owner named the input of the next prediction.
    event Announced(uint64 indexed round, bytes32 inputCommitment);

    /// @notice A round was answered.
    event Predicted(uint64 indexed round, int256 value, Grade grade);

    /// @notice Nothing was announced yet, or the last round is answered already.
    error NothingAsked();

    /// @notice No round was answered yet.
    error NothingPredicted();

    /// @notice The scale of the output of the model.
    int8 public immutable scale;

    /// @notice The number of the last round that was announced; the first is 1.
    uint64 public round;

    /// @notice The input of that round.
    bytes32 public inputCommitment;

    Prediction private _prediction;

    constructor(Terms memory terms_, int8 scale_, address owner_) VerifiedInferenceConsumer(terms_) Ownable(owner_) {
        scale = scale_;
    }

    /// @notice Opens the next round; one that is still open is given up. Only the owner. Put a number or a time into the
    /// input: an old statement does not become young by being asked for again.
    function announce(bytes32 inputCommitment_) external onlyOwner {
        inputCommitment = inputCommitment_;
        emit Announced({round: ++round, inputCommitment: inputCommitment_});
    }

    /// @notice Answers the open round with the verified output, whose first word is the prediction. Anybody may.
    function answer(bytes calldata output) external {
        if (_prediction.round == round) revert NothingAsked();
        IInferenceLedger.Record memory record = _verified(inputCommitment, output);
        int256 value = _wadAt(output, 0, scale);
        _prediction = Prediction({value: value, round: round, recordedAt: record.recordedAt, grade: record.grade});
        emit Predicted({round: round, value: value, grade: record.grade});
    }

    /// @notice The latest prediction.
    /// @return value The number, with 18 decimals.
    /// @return age Seconds since it was recorded.
    /// @return grade What stands behind it.
    /// @return answered The round it answers; less than `round` while a later one is open.
    function latest() external view returns (int256 value, uint256 age, Grade grade, uint64 answered) {
        Prediction memory prediction = _prediction;
        if (prediction.round == 0) revert NothingPredicted();
        return (prediction.value, block.timestamp - prediction.recordedAt, prediction.grade, prediction.round);
    }
}
