// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InferenceIndex} from "../src/InferenceIndex.sol";
import {IInferenceIndex} from "../src/interfaces/IInferenceIndex.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {Stage} from "./Stage.sol";

contract InferenceIndexTest is Stage {
    InferenceIndex private finder = new InferenceIndex(ledger);

    function test_itKnowsItsLedger() external view {
        vm.assertEq(address(finder.ledger()), address(ledger));
    }

    function test_aRecordedInferenceIsFoundByItsInput(uint256 seed) external {
        Inference memory told = _inference(_instances(seed));
        bytes32 id = _record(told);
        vm.expectRevert(abi.encodeWithSelector(IInferenceIndex.InputNotIndexed.selector, model, told.inputCommitment));
        finder.inferenceOf(model, told.inputCommitment);

        vm.expectEmit(address(finder));
        emit IInferenceIndex.InferenceIndexed(model, told.inputCommitment, id);
        vm.prank(STRANGER);
        vm.assertEq(finder.index(model, told.inputCommitment, told.output), id);
        (bytes32 found, IInferenceLedger.Record memory record) = finder.inferenceOf(model, told.inputCommitment);
        vm.assertEq(found, id);
        vm.assertEq(abi.encode(record), abi.encode(ledger.recordOf(id)));

        vm.expectRevert(
            abi.encodeWithSelector(IInferenceIndex.InputNotIndexed.selector, model ^ 1, told.inputCommitment)
        );
        finder.inferenceOf(model ^ 1, told.inputCommitment);
    }

    function test_whatIsNotRecordedIsNotEntered(uint256 seed) external {
        Inference memory told = _inference(_instances(seed));
        bytes32 id = keccak256(abi.encodePacked(model, told.inputCommitment, told.output));
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.InferenceNotRecorded.selector, id));
        finder.index(model, told.inputCommitment, told.output);
    }

    function test_enteringAgainChangesNothing() external {
        Inference memory told = _inference(_instances(0));
        bytes32 id = _enter(told);
        vm.recordLogs();
        vm.assertEq(finder.index(model, told.inputCommitment, told.output), id);
        vm.assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_aSecondOutputOfOneInputIsRefused(uint256 seed) external {
        uint256[] memory instances = _instances(seed);
        bytes32 id = _enter(_inference(instances));
        instances[INPUTS] = 1;
        Inference memory other = _inference(instances);
        _record(other);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceIndex.OutputContested.selector, model, other.inputCommitment, id)
        );
        finder.index(model, other.inputCommitment, other.output);
    }

    function test_theLatestIsTheLastRecordedAndNotTheLastEntered(uint16 wait) external {
        vm.expectRevert(abi.encodeWithSelector(IInferenceIndex.ModelNotIndexed.selector, model));
        finder.latestOf(model);

        Inference memory first = _inference(_instances(1));
        Inference memory second = _inference(_instances(2));
        Inference memory third = _inference(_instances(3));
        bytes32 firstId = _record(first);
        vm.warp(block.timestamp + wait);
        bytes32 secondId = _record(second);
        vm.warp(block.timestamp + 1);

        finder.index(model, first.inputCommitment, first.output);
        _assertLatest(firstId);
        finder.index(model, second.inputCommitment, second.output);
        _assertLatest(wait == 0 ? firstId : secondId);
        bytes32 thirdId = _enter(third);
        _assertLatest(thirdId);
        Inference memory fourth = _inference(_instances(4));
        _record(fourth);
        finder.index(model, fourth.inputCommitment, fourth.output); // in the same block
        _assertLatest(thirdId);
    }

    function test_enteringAnOlderRecordDoesNotMakeItTheLatest() external {
        Inference memory first = _inference(_instances(1));
        _record(first);
        vm.warp(block.timestamp + 1);
        bytes32 secondId = _enter(_inference(_instances(2)));
        finder.index(model, first.inputCommitment, first.output);
        _assertLatest(secondId);
    }

    function _record(Inference memory told) private returns (bytes32) {
        return ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
    }

    function _enter(Inference memory told) private returns (bytes32 id) {
        id = _record(told);
        finder.index(model, told.inputCommitment, told.output);
    }

    function _assertLatest(bytes32 expected) private view {
        (bytes32 found, IInferenceLedger.Record memory record) = finder.latestOf(model);
        vm.assertEq(found, expected);
        vm.assertEq(abi.encode(record), abi.encode(ledger.recordOf(expected)));
    }
}
