// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Grade} from "../Grade.sol";
import {IInferenceLedger} from "./IInferenceLedger.sol";
import {IModelRegistry} from "./IModelRegistry.sol";

/// @title A contract that acts on verified inferences, and on nothing else
/// @notice Trust contract. Everything it relies on is fixed at construction and can be read here:
/// - the ledger, and through it the gateway and its verifiers, completely;
/// - one model, pinned by its id; or a line, whose owner chooses the model from then on;
/// - the least grade, and the greatest age, of a record.
///
/// The age of a record is the time since it was recorded, not since the input was true: whoever holds an old input can have
/// it proven today. A statement is recorded once and does not become younger by being sent again, so inputs that repeat
/// need a number or a time among them. A record is good for everyone, any number of times: what may happen only once for
/// it, the contract has to see to. A pinned model that is deprecated gets no new records, but those it has still count.
interface IVerifiedInferenceConsumer {
    /// @notice What a consumer relies on. Of `modelId` and `lineId` one is zero.
    struct Terms {
        IInferenceLedger ledger;
        uint256 modelId;
        bytes32 lineId;
        Grade minGrade;
        uint48 maxAge;
    }

    /// @notice Both a model and a line were given, or neither.
    error ModelOrLine(uint256 modelId, bytes32 lineId);

    /// @notice The record is of a weaker grade than asked for. Likely cause: a model whose results are signed, not proven.
    error GradeTooLow(bytes32 inferenceId, Grade expected, Grade got);

    /// @notice The record is older than allowed. Likely cause: an input that was used before; put a number or a time into it.
    error RecordTooOld(bytes32 inferenceId, uint256 maxAge, uint256 age);

    /// @notice The output has no word of this index. Likely cause: an output of a model of another shape.
    error OutputTooShort(uint256 index, uint256 length);

    /// @notice The terms, as they were given at construction.
    function terms() external view returns (Terms memory);

    /// @notice The model whose results count now: the pinned one, or the latest active version of the line.
    function model() external view returns (uint256);

    /// @notice The registry of the ledger's gateway.
    function registry() external view returns (IModelRegistry);
}
