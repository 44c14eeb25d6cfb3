// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Grade} from "../src/Grade.sol";
import {IERC7992Registry, IERC7992Storage, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {Stage} from "./Stage.sol";

contract InferenceLedgerTest is Stage {
    function test_itSaysWhatItIs() external view {
        vm.assertEq(ledger.supportsInterface(type(IInferenceLedger).interfaceId), true);
        // It has one of the two functions of the storage extension, so it does not claim it.
        vm.assertEq(ledger.supportsInterface(type(IERC7992Storage).interfaceId), false);
    }

    function test_aVerifiedInferenceIsRecordedOnce(uint256 seed, uint40 height, uint48 time) external {
        vm.assume(time != 0);
        vm.roll(height);
        vm.warp(time);
        Inference memory told = _inference(_instances(seed));
        bytes32 id = keccak256(abi.encodePacked(model, told.inputCommitment, told.output));
        vm.assertEq(ledger.isRecorded(id), false);
        vm.assertEq(ledger.isVerified(model, told.inputCommitment, told.output, Grade.Claimed), false);

        vm.expectEmit(address(ledger));
        emit IERC7992Verifier.InferenceVerified(model, told.inputCommitment, told.output, STRANGER);
        vm.prank(STRANGER);
        vm.assertEq(ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof), id);

        vm.assertEq(ledger.isRecorded(id), true);
        vm.assertEq(ledger.isVerified(model, told.inputCommitment, told.output, Grade.Proven), true);
        vm.assertEq(abi.encode(ledger.recordOf(id)), abi.encode(STRANGER, time, height, Grade.Proven));
    }

    function test_aRecordedInferenceIsNotVerifiedAgain(uint256 seed, bytes calldata anything) external {
        Inference memory told = _inference(_instances(seed));
        vm.prank(OWNER);
        bytes32 id = ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        bytes memory before = abi.encode(ledger.recordOf(id));

        vm.recordLogs();
        vm.roll(block.number + 1);
        vm.prank(STRANGER);
        vm.assertEq(ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, anything), id);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(abi.encode(ledger.recordOf(id)), before);
    }

    function test_aRecordOutlivesTheDeprecationOfItsModel() external {
        Inference memory told = _inference(_instances(0));
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        vm.prank(OWNER);
        registry.deprecateModel(model);
        vm.assertEq(ledger.isVerified(model, told.inputCommitment, told.output, Grade.Proven), true);

        told = _inference(_instances(1));
        vm.expectRevert(abi.encodeWithSelector(IERC7992Verifier.VerificationRefused_ModelDeprecated.selector, model));
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
    }

    function test_whatIsNotVerifiedIsNotRecorded(uint256 seed) external {
        Inference memory told = _inference(_instances(seed));
        told.output[0] ^= 0x01;
        vm.expectRevert(IERC7992Verifier.OutputMismatch.selector);
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);

        bytes32 id = keccak256(abi.encodePacked(model, told.inputCommitment, told.output));
        vm.assertEq(ledger.isRecorded(id), false);
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.InferenceNotRecorded.selector, id));
        ledger.recordOf(id);
    }

    function test_aWeakRecordIsNotEnoughForWhoAsksForMore() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.proofSystemId = claims.proofSystemId();
        uint256 modelId = registry.registerModel(commitment);
        uint256[] memory instances = _instances(0);
        bytes32 input = gateway.commitmentOf(_words(instances, 0, 1));
        bytes memory output = abi.encodePacked(_words(instances, 1, instances.length));
        ledger.verifyAndStoreInference(modelId, input, output, abi.encode(instances, "I say so"));

        vm.assertEq(ledger.isVerified(modelId, input, output, Grade.Claimed), true);
        vm.assertEq(ledger.isVerified(modelId, input, output, Grade.Signed), false);
        vm.assertEq(ledger.isVerified(modelId, input, output, Grade.Proven), false);
    }

    function test_aRecordSaysNothingOfAnotherModelInputOrOutput(uint256 seed) external {
        Inference memory told = _inference(_instances(seed));
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        vm.assertEq(ledger.isVerified(model ^ 1, told.inputCommitment, told.output, Grade.Claimed), false);
        vm.assertEq(ledger.isVerified(model, ~told.inputCommitment, told.output, Grade.Claimed), false);
        told.output[31] ^= 0x01;
        vm.assertEq(ledger.isVerified(model, told.inputCommitment, told.output, Grade.Claimed), false);
    }
}
