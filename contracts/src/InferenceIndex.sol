// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Commitments} from "./Commitments.sol";
import {IInferenceIndex} from "./interfaces/IInferenceIndex.sol";
import {IInferenceLedger} from "./interfaces/IInferenceLedger.sol";

/// @dev Documented in `IInferenceIndex`.
contract InferenceIndex is IInferenceIndex {
    /// @inheritdoc IInferenceIndex
    IInferenceLedger public immutable ledger;

    // | slot | field    | why it is there                                                    |
    // |------|----------|--------------------------------------------------------------------|
    // | 0    | _byInput | an inference id for each model and input commitment; never changed |
    // | 1    | _latest  | an inference id for each model                                     |
    mapping(uint256 modelId => mapping(bytes32 inputCommitment => bytes32 inferenceId)) private _byInput;
    mapping(uint256 modelId => bytes32 inferenceId) private _latest;

    constructor(IInferenceLedger ledger_) {
        ledger = ledger_;
    }

    /// @inheritdoc IInferenceIndex
    function index(uint256 modelId, bytes32 inputCommitment, bytes calldata output)
        external
        returns (bytes32 inferenceId)
    {
        inferenceId = Commitments.inferenceId(modelId, inputCommitment, output);
        bytes32 entered = _byInput[modelId][inputCommitment];
        if (entered == inferenceId) return inferenceId;
        if (entered != 0) {
            revert OutputContested({modelId: modelId, inputCommitment: inputCommitment, entered: entered});
        }
        uint48 recordedAt = ledger.recordOf(inferenceId).recordedAt;

        _byInput[modelId][inputCommitment] = inferenceId;
        bytes32 latest = _latest[modelId];
        if (latest == 0 || ledger.recordOf(latest).recordedAt < recordedAt) _latest[modelId] = inferenceId;
        emit InferenceIndexed({modelId: modelId, inputCommitment: inputCommitment, inferenceId: inferenceId});
    }

    /// @inheritdoc IInferenceIndex
    function inferenceOf(uint256 modelId, bytes32 inputCommitment)
        external
        view
        returns (bytes32 inferenceId, IInferenceLedger.Record memory record)
    {
        inferenceId = _byInput[modelId][inputCommitment];
        if (inferenceId == 0) revert InputNotIndexed({modelId: modelId, inputCommitment: inputCommitment});
        return (inferenceId, ledger.recordOf(inferenceId));
    }

    /// @inheritdoc IInferenceIndex
    function latestOf(uint256 modelId)
        external
        view
        returns (bytes32 inferenceId, IInferenceLedger.Record memory record)
    {
        inferenceId = _latest[modelId];
        if (inferenceId == 0) revert ModelNotIndexed({modelId: modelId});
        return (inferenceId, ledger.recordOf(inferenceId));
    }
}
