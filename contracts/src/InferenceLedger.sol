// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165, IERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {Commitments} from "./Commitments.sol";
import {Grade} from "./Grade.sol";
import {IERC7992Storage} from "./interfaces/draft-IERC7992.sol";
import {IInferenceGateway} from "./interfaces/IInferenceGateway.sol";
import {IInferenceLedger} from "./interfaces/IInferenceLedger.sol";

/// @dev Documented in `IInferenceLedger`.
contract InferenceLedger is IInferenceLedger, ERC165 {
    /// @inheritdoc IInferenceLedger
    IInferenceGateway public immutable gateway;

    // | slot | field    | why it is there                                                       |
    // |------|----------|-----------------------------------------------------------------------|
    // | 0    | _records | for each inference id one slot, 20 + 6 + 5 + 1 bytes; zero if none yet |
    mapping(bytes32 inferenceId => Record) private _records;

    constructor(IInferenceGateway gateway_) {
        gateway = gateway_;
    }

    /// @inheritdoc IInferenceLedger
    function verifyAndStoreInference(
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        bytes calldata proof
    ) external returns (bytes32 inferenceId) {
        inferenceId = Commitments.inferenceId(modelId, inputCommitment, output);
        if (isRecorded(inferenceId)) return inferenceId;

        Grade grade = gateway.verifyAndGrade(modelId, inputCommitment, output, proof);
        // Neither number is cut within the next thirty thousand years.
        _records[inferenceId] = Record({
            submitter: msg.sender, recordedAt: uint48(block.timestamp), blockNumber: uint40(block.number), grade: grade
        });
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
    function recordOf(bytes32 inferenceId) external view returns (Record memory) {
        if (!isRecorded(inferenceId)) revert InferenceNotRecorded({inferenceId: inferenceId});
        return _records[inferenceId];
    }

    /// @inheritdoc IInferenceLedger
    function isRecorded(bytes32 inferenceId) public view returns (bool) {
        return _records[inferenceId].recordedAt != 0;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IInferenceLedger).interfaceId || super.supportsInterface(interfaceId);
    }
}
