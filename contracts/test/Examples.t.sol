// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {FixedPoint} from "../src/FixedPoint.sol";
import {Grade} from "../src/Grade.sol";
import {PredictionFeed} from "../src/examples/PredictionFeed.sol";
import {ScoreVault} from "../src/examples/ScoreVault.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IVerifiedInferenceConsumer} from "../src/interfaces/IVerifiedInferenceConsumer.sol";
import {Stage} from "./Stage.sol";

/// @dev Both examples, and by them the base that they inherit.
contract ExamplesTest is Stage {
    int8 private constant SCALE = 13;
    uint48 private constant MAX_AGE = 1 days;
    uint48 private constant DEADLINE = 10 days;

    address private immutable PAYEE = address(uint160(uint256(keccak256("payee"))));

    PredictionFeed private feed = new PredictionFeed(_terms(model, 0, Grade.Proven), SCALE, OWNER);
    ScoreVault private vault = new ScoreVault(_terms(model, 0, Grade.Proven), SCALE);

    function test_theTermsCanBeRead() external view {
        vm.assertEq(abi.encode(vault.terms()), abi.encode(_terms(model, 0, Grade.Proven)));
        vm.assertEq(address(vault.registry()), address(registry));
        vm.assertEq(vault.model(), model);
        vm.assertEq(vault.scale(), SCALE);
        vm.assertEq(feed.scale(), SCALE);
    }

    function test_aConsumerHasAModelOrALine() external {
        vm.expectRevert(abi.encodeWithSelector(IVerifiedInferenceConsumer.ModelOrLine.selector, 0, 0));
        new ScoreVault(_terms(0, 0, Grade.Proven), SCALE);
        vm.expectRevert(abi.encodeWithSelector(IVerifiedInferenceConsumer.ModelOrLine.selector, 1, bytes32("line")));
        new ScoreVault(_terms(1, "line", Grade.Proven), SCALE);
    }

    function test_aVerifiedScoreReleasesOnce(uint64 amount, int64 score, bool exact) external {
        vm.assume(amount != 0);
        Inference memory told = _scored(score);
        int256 wad = FixedPoint.toWad(_field(score), SCALE);
        uint256 id = _deposit(amount, told.inputCommitment, exact ? wad : type(int256).min);
        _record(told);

        vm.warp(block.timestamp + MAX_AGE);
        vm.expectEmit(address(vault));
        emit ScoreVault.Released(id, wad);
        vm.prank(STRANGER);
        vault.release(id, told.output);
        vm.assertEq(PAYEE.balance, amount);
        vm.assertEq(address(vault).balance, 0);

        _isNotHeld(id, told.output);
    }

    function test_aScoreBelowTheBarReleasesNothing(int64 score) external {
        Inference memory told = _scored(score);
        int256 wad = FixedPoint.toWad(_field(score), SCALE);
        uint256 id = _deposit(1, told.inputCommitment, wad + 1);
        _record(told);
        vm.expectRevert(abi.encodeWithSelector(ScoreVault.ScoreTooLow.selector, id, wad + 1, wad));
        vault.release(id, told.output);
    }

    function test_whatIsNotRecordedReleasesNothing(uint256 seed) external {
        Inference memory told = _inference(_instances(seed));
        uint256 id = _deposit(1, told.inputCommitment, type(int256).min);
        _isNotReleased(id, told);
        _record(_inference(_instances(seed ^ 1))); // of another input
        _isNotReleased(id, told);
        _record(told);
        told.output[31] ^= 0x01;
        _isNotReleased(id, told);
    }

    function test_anOldRecordReleasesNothing() external {
        Inference memory told = _scored(1);
        uint256 id = _deposit(1, told.inputCommitment, 0);
        _record(told);
        vm.warp(block.timestamp + MAX_AGE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IVerifiedInferenceConsumer.RecordTooOld.selector, _idOf(told), uint256(MAX_AGE), uint256(MAX_AGE) + 1
            )
        );
        vault.release(id, told.output);
    }

    function test_aWeakRecordReleasesNothing() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.proofSystemId = claims.proofSystemId();
        uint256 claimed = registry.registerModel(commitment);
        ScoreVault proven = new ScoreVault(_terms(claimed, 0, Grade.Signed), SCALE);
        ScoreVault anything = new ScoreVault(_terms(claimed, 0, Grade.Claimed), SCALE);
        uint256[] memory instances = _instances(0);
        instances[1] = 1;
        bytes32 input = gateway.commitmentOf(_words(instances, 0, 1));
        bytes memory output = abi.encodePacked(_words(instances, 1, instances.length));
        bytes32 id = ledger.verifyAndStoreInference(claimed, input, output, abi.encode(instances, "I say so"));

        proven.deposit{value: 1}(PAYEE, input, 0, DEADLINE);
        anything.deposit{value: 1}(PAYEE, input, 0, DEADLINE);
        vm.expectRevert(
            abi.encodeWithSelector(IVerifiedInferenceConsumer.GradeTooLow.selector, id, Grade.Signed, Grade.Claimed)
        );
        proven.release(0, output);
        anything.release(0, output);
        vm.assertEq(PAYEE.balance, 1);
    }

    function test_anOutputWithoutAWordReleasesNothing() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.proofSystemId = claims.proofSystemId();
        uint256 claimed = registry.registerModel(commitment);
        ScoreVault anything = new ScoreVault(_terms(claimed, 0, Grade.Claimed), SCALE);
        uint256[] memory instances = new uint256[](1);
        bytes32 input = gateway.commitmentOf(instances);
        ledger.verifyAndStoreInference(claimed, input, "", abi.encode(instances, "I say so"));
        anything.deposit{value: 1}(PAYEE, input, 0, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(IVerifiedInferenceConsumer.OutputTooShort.selector, 0, 0));
        anything.release(0, "");
    }

    function test_aDepositGoesBackOnlyAfterItsDeadlineAndIsNotReleasedAfterIt(uint64 amount) external {
        vm.assume(amount != 0);
        Inference memory told = _scored(1);
        (bool sent,) = STRANGER.call{value: amount}("");
        vm.assertEq(sent, true);
        vm.prank(STRANGER);
        uint256 id = vault.deposit{value: amount}(PAYEE, told.inputCommitment, 0, DEADLINE);
        vm.warp(DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ScoreVault.TooEarly.selector, DEADLINE));
        vault.refund(id);

        vm.warp(uint256(DEADLINE) + 1);
        _record(told);
        vm.expectRevert(abi.encodeWithSelector(ScoreVault.TooLate.selector, DEADLINE));
        vault.release(id, told.output);
        vm.expectEmit(address(vault));
        emit ScoreVault.Refunded(id);
        vault.refund(id);
        vm.assertEq(STRANGER.balance, amount);
        _isNotHeld(id, told.output);
    }

    function test_aDepositThatCannotBeMeantIsRefused() external {
        vm.expectRevert(ScoreVault.NothingDeposited.selector);
        vault.deposit(PAYEE, 0, 0, DEADLINE);
        vm.warp(uint256(DEADLINE) + 1);
        vm.expectRevert(abi.encodeWithSelector(ScoreVault.TooLate.selector, DEADLINE));
        vault.deposit{value: 1}(PAYEE, 0, 0, DEADLINE);
    }

    function test_depositsAreNumberedAndCanBeRead() external {
        vm.expectEmit(address(vault));
        emit ScoreVault.Deposited(0, ScoreVault.Deposit(address(this), DEADLINE, PAYEE, 5, -3, "input"));
        vm.assertEq(_deposit(5, "input", -3), 0);
        vm.assertEq(_deposit(6, "input", -3), 1);
        (address from, uint48 deadline, address to, uint256 amount, int256 minScore, bytes32 input) = vault.deposits(0);
        vm.assertEq(
            abi.encode(from, deadline, to, amount, minScore, input),
            abi.encode(address(this), DEADLINE, PAYEE, 5, int256(-3), bytes32("input"))
        );
    }

    function test_whoFollowsALineGoesWithItsLatestVersion() external {
        bytes32 line = registry.createLine("scores");
        ScoreVault following = new ScoreVault(_terms(0, line, Grade.Proven), SCALE);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoActiveVersion.selector, line));
        following.model();
        registry.appendVersion(line, model);
        vm.assertEq(following.model(), model);

        Inference memory told = _scored(1);
        _record(told);
        following.deposit{value: 1}(PAYEE, told.inputCommitment, 0, DEADLINE);
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.modelHash = keccak256("second version");
        uint256 second = registry.registerModel(commitment);
        registry.appendVersion(line, second);
        bytes32 missing = keccak256(abi.encodePacked(second, told.inputCommitment, told.output));
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.InferenceNotRecorded.selector, missing));
        following.release(0, told.output);

        registry.deprecateModel(second);
        following.release(0, told.output);
        vm.assertEq(PAYEE.balance, 1);
    }

    function test_aRecordOfAPinnedModelCountsAfterItsDeprecation() external {
        Inference memory told = _scored(1);
        uint256 id = _deposit(1, told.inputCommitment, 0);
        _record(told);
        vm.prank(OWNER);
        registry.deprecateModel(model);
        vault.release(id, told.output);
    }

    function test_theFeedKeepsTheLatestPredictionWithItsAgeAndItsGrade(int64 score, uint16 recorded, uint16 read)
        external
    {
        Inference memory told = _scored(score);
        _record(told);
        vm.expectEmit(address(feed));
        emit PredictionFeed.Announced(1, told.inputCommitment);
        _announce(told.inputCommitment);
        vm.warp(block.timestamp + recorded);

        int256 wad = FixedPoint.toWad(_field(score), SCALE);
        vm.expectEmit(address(feed));
        emit PredictionFeed.Predicted(1, wad, Grade.Proven);
        vm.prank(STRANGER);
        feed.answer(told.output);
        vm.warp(block.timestamp + read);
        _assertLatest(wad, uint256(recorded) + read, 1);

        _announce("next");
        _assertLatest(wad, uint256(recorded) + read, 1);
        vm.assertEq(feed.round(), 2);
        vm.assertEq(feed.inputCommitment(), bytes32("next"));
    }

    function test_aRoundIsAnsweredOnceAndTheNextReplacesIt() external {
        Inference memory first = _scored(1);
        Inference memory second = _scored(2);
        vm.expectRevert(PredictionFeed.NothingPredicted.selector);
        feed.latest();
        vm.expectRevert(PredictionFeed.NothingAsked.selector);
        feed.answer(first.output);

        _record(first);
        _announce(first.inputCommitment);
        feed.answer(first.output);
        vm.expectRevert(PredictionFeed.NothingAsked.selector);
        feed.answer(first.output);

        _record(second);
        _announce(second.inputCommitment);
        bytes32 missing = keccak256(abi.encodePacked(model, second.inputCommitment, first.output));
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.InferenceNotRecorded.selector, missing));
        feed.answer(first.output);
        feed.answer(second.output);
        _assertLatest(FixedPoint.toWad(2, SCALE), 0, 2);
    }

    function test_onlyTheOwnerAnnounces(address caller) external {
        vm.assume(caller != OWNER);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller));
        vm.prank(caller);
        feed.announce("input");
    }

    function _terms(uint256 modelId, bytes32 lineId, Grade minGrade)
        private
        view
        returns (IVerifiedInferenceConsumer.Terms memory)
    {
        return IVerifiedInferenceConsumer.Terms({
            ledger: ledger, modelId: modelId, lineId: lineId, minGrade: minGrade, maxAge: MAX_AGE
        });
    }

    /// @dev A true inference whose first output is this number, of an input that differs with it.
    function _scored(int64 score) private view returns (Inference memory) {
        uint256[] memory instances = _instances(uint256(keccak256(abi.encode(score))));
        instances[INPUTS] = _field(score);
        return _inference(instances);
    }

    function _field(int256 number) private pure returns (uint256) {
        return number < 0 ? FixedPoint.FIELD_MODULUS - uint256(-number) : uint256(number);
    }

    function _record(Inference memory told) private {
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
    }

    function _deposit(uint256 amount, bytes32 inputCommitment, int256 minScore) private returns (uint256) {
        return vault.deposit{value: amount}(PAYEE, inputCommitment, minScore, DEADLINE);
    }

    function _announce(bytes32 inputCommitment) private {
        vm.prank(OWNER);
        feed.announce(inputCommitment);
    }

    function _idOf(Inference memory told) private view returns (bytes32) {
        return keccak256(abi.encodePacked(model, told.inputCommitment, told.output));
    }

    function _isNotReleased(uint256 depositId, Inference memory told) private {
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.InferenceNotRecorded.selector, _idOf(told)));
        vault.release(depositId, told.output);
    }

    function _isNotHeld(uint256 depositId, bytes memory output) private {
        bytes memory refusal = abi.encodeWithSelector(ScoreVault.NothingHeld.selector, depositId);
        vm.expectRevert(refusal);
        vault.release(depositId, output);
        vm.expectRevert(refusal);
        vault.refund(depositId);
        vm.expectRevert(abi.encodeWithSelector(ScoreVault.NothingHeld.selector, depositId + 1));
        vault.refund(depositId + 1);
    }

    function _assertLatest(int256 expected, uint256 expectedAge, uint64 expectedRound) private view {
        (int256 value, uint256 age, Grade grade, uint64 answered) = feed.latest();
        vm.assertEq(value, expected);
        vm.assertEq(age, expectedAge);
        vm.assertEq(uint256(grade), uint256(Grade.Proven));
        vm.assertEq(answered, expectedRound);
    }
}
