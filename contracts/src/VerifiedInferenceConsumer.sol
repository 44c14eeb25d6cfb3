// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Commitments} from "./Commitments.sol";
import {FixedPoint} from "./FixedPoint.sol";
import {Grade} from "./Grade.sol";
import {IInferenceLedger} from "./interfaces/IInferenceLedger.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IVerifiedInferenceConsumer} from "./interfaces/IVerifiedInferenceConsumer.sol";

/// @dev Documented in `IVerifiedInferenceConsumer`. A dApp inherits it and calls `_verified` before it acts.
abstract contract VerifiedInferenceConsumer is IVerifiedInferenceConsumer {
    /// @inheritdoc IVerifiedInferenceConsumer
    IModelRegistry public immutable registry;

    IInferenceLedger private immutable _ledger;
    uint256 private immutable _modelId;
    bytes32 private immutable _lineId;
    Grade private immutable _minGrade;
    uint48 private immutable _maxAge;

    constructor(Terms memory terms_) {
        if ((terms_.modelId == 0) == (terms_.lineId == 0)) {
            revert ModelOrLine({modelId: terms_.modelId, lineId: terms_.lineId});
        }
        registry = IModelRegistry(terms_.ledger.registry());
        _ledger = terms_.ledger;
        _modelId = terms_.modelId;
        _lineId = terms_.lineId;
        _minGrade = terms_.minGrade;
        _maxAge = terms_.maxAge;
    }

    /// @inheritdoc IVerifiedInferenceConsumer
    function terms() external view returns (Terms memory) {
        return Terms({ledger: _ledger, modelId: _modelId, lineId: _lineId, minGrade: _minGrade, maxAge: _maxAge});
    }

    /// @inheritdoc IVerifiedInferenceConsumer
    function model() public view returns (uint256) {
        return _modelId != 0 ? _modelId : registry.latest(_lineId);
    }

    /// @dev Returns only if the model gives this output for this input, by a record that meets the terms; reverts by name
    /// otherwise.
    function _verified(bytes32 inputCommitment, bytes calldata output)
        internal
        view
        returns (IInferenceLedger.Record memory record)
    {
        bytes32 inferenceId = Commitments.inferenceId(model(), inputCommitment, output);
        record = _ledger.recordOf(inferenceId);
        if (record.grade < _minGrade) {
            revert GradeTooLow({inferenceId: inferenceId, expected: _minGrade, got: record.grade});
        }
        uint256 age = block.timestamp - record.recordedAt;
        if (age > _maxAge) revert RecordTooOld({inferenceId: inferenceId, maxAge: _maxAge, age: age});
    }

    /// @dev A word of an output as a number with 18 decimals.
    /// @param scale The scale of the output, as the circuit of the model has it.
    function _wadAt(bytes calldata output, uint256 index, int8 scale) internal pure returns (int256) {
        if (index >= output.length / 32) revert OutputTooShort({index: index, length: output.length});
        return FixedPoint.toWad(uint256(bytes32(output[index * 32:index * 32 + 32])), scale);
    }
}
