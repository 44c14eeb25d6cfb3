// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SettledReader} from "../src/examples/SettledReader.sol";
import {FixedPoint} from "../src/FixedPoint.sol";
import {Grade} from "../src/Grade.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {IVerifiedInferenceConsumer} from "../src/interfaces/IVerifiedInferenceConsumer.sol";
import {Stage} from "./Stage.sol";

/// @dev What a label says, and that an action waits until its record is settled.
contract SettledReaderTest is Stage {
    int8 private constant SCALE = 13;
    uint256 private constant DEPTH = 12;

    SettledReader private reader = new SettledReader(
        IVerifiedInferenceConsumer.Terms({
            ledger: ledger, modelId: model, lineId: 0, minGrade: Grade.Proven, maxAge: 1 days
        }),
        SCALE,
        DEPTH
    );

    function test_aReadingIsTheNumberWithItsGradeAndItsDepth(uint16 passed) external {
        Inference memory told = _recorded(1);
        vm.roll(block.number + passed);
        (int256 value, Grade grade, uint256 depth) = reader.reading(told.inputCommitment, told.output);
        vm.assertEq(value, -1.5e18);
        vm.assertEq(uint256(grade), uint256(Grade.Proven));
        vm.assertEq(depth, passed);
        vm.assertEq(reader.scale(), SCALE);
    }

    function test_whatIsNotRecordedHasNoReadingAndIsNotSettled() external {
        Inference memory told = _inference(_instances(2));
        bytes memory refusal = abi.encodeWithSelector(IInferenceLedger.InferenceNotRecorded.selector, _idOf(told));
        vm.expectRevert(refusal);
        reader.reading(told.inputCommitment, told.output);
        vm.expectRevert(refusal);
        reader.settle(told.inputCommitment, told.output);
    }

    function test_beforeItsDepthNothingIsSettled(uint256 passed) external {
        passed = bound(passed, 0, DEPTH - 1);
        Inference memory told = _recorded(1);
        vm.roll(block.number + passed);
        vm.expectRevert(abi.encodeWithSelector(SettledReader.NotSettled.selector, _idOf(told), DEPTH, passed));
        reader.settle(told.inputCommitment, told.output);
        vm.assertEq(reader.isSettled(_idOf(told)), false);
    }

    function test_atItsVeryDepthItIsSettled() external {
        Inference memory told = _recorded(1);
        vm.roll(block.number + DEPTH);
        reader.settle(told.inputCommitment, told.output);
        vm.assertEq(reader.isSettled(_idOf(told)), true);
    }

    function test_fromItsDepthOnItIsSettledOnce(uint16 more) external {
        Inference memory told = _recorded(1);
        vm.roll(block.number + DEPTH + more);
        vm.expectEmit(address(reader));
        emit SettledReader.Settled(_idOf(told), -1.5e18, Grade.Proven, DEPTH + more);
        vm.prank(STRANGER);
        reader.settle(told.inputCommitment, told.output);
        vm.assertEq(reader.isSettled(_idOf(told)), true);
        vm.expectRevert(abi.encodeWithSelector(SettledReader.SettledAlready.selector, _idOf(told)));
        reader.settle(told.inputCommitment, told.output);
    }

    function _recorded(uint256 seed) private returns (Inference memory told) {
        uint256[] memory instances = _instances(seed);
        instances[INPUTS] = FixedPoint.FIELD_MODULUS - 12_288; // -1.5 at this scale
        told = _inference(instances);
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
    }

    function _idOf(Inference memory told) private view returns (bytes32) {
        return keccak256(abi.encodePacked(model, told.inputCommitment, told.output));
    }
}
