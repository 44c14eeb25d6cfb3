// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Circuit, CircuitLib} from "../src/Circuit.sol";
import {Grade} from "../src/Grade.sol";
import {IERC7992Registry, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IInferenceCallback} from "../src/interfaces/IInferenceCallback.sol";
import {IInferenceDesk} from "../src/interfaces/IInferenceDesk.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {DeskStage} from "./DeskStage.sol";
import {ICoin, OddCoin, SilentCoin} from "./mocks/Coin.sol";
import {OddAccount} from "./mocks/OddAccount.sol";
import {OddCallback} from "./mocks/OddCallback.sol";
import {Reenterer} from "./mocks/Reenterer.sol";

/// @dev Everything but signed requests, which have a file of their own, and the invariants, which have another.
contract InferenceDeskTest is DeskStage {
    /// @dev What became of a call that was undone again.
    error Attempted(bool success, uint256 callbackGas);

    // Asking.

    function test_itSaysWhatItIs() external view {
        vm.assertEq(address(desk.ledger()), address(ledger));
        vm.assertEq(desk.maxCallbackGas(), 2_000_000);
        vm.assertEq(desk.paymentGas(), 100_000);
    }

    function test_aRequestTakesItsFeeAndCanBeRead(bool native, uint128 fee, bytes calldata input) external {
        IInferenceDesk.Order memory order = _order(_asset(native), "input");
        (order.fee, order.callback, order.callbackGas) = (fee, STRANGER, 1);
        uint256 value = _fund(order.token, REQUESTER, fee);
        bytes32 id = _requestId(0, REQUESTER, order);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Requested(id, REQUESTER, model, order, input);
        vm.prank(REQUESTER);
        vm.assertEq(desk.request{value: value}(order, input), id);

        vm.assertEq(_balance(order.token, REQUESTER), 0);
        vm.assertEq(_balance(order.token, address(desk)), fee);
        vm.assertEq(abi.encode(desk.requestOf(id)), abi.encode(_held(order)));
        vm.assertEq(desk.requestOf(~id).requester, address(0));
        _assertState(~id, IInferenceDesk.State.None);
    }

    function test_equalOrdersAreDifferentRequests() external {
        IInferenceDesk.Order memory order = _order(NATIVE, "input");
        vm.assertEq(_ask(order), _requestId(0, REQUESTER, order));
        vm.assertEq(_ask(order), _requestId(1, REQUESTER, order));
    }

    function test_anotherOrderInTheSamePlaceIsAnotherRequest(uint128 fee) external {
        vm.assume(fee != FEE);
        IInferenceDesk.Order memory order = _order(NATIVE, "input");
        bytes32 id = _requestId(0, REQUESTER, order);
        order.fee = fee; // as after a reorganisation
        vm.assertNotEq(_ask(order), id);
        _isNotClaimable(id, _notOpen(id, IInferenceDesk.State.None));
    }

    function test_aModelThatIsNotAcceptedIsNotAskedFor() external {
        IInferenceDesk.Order memory order = _order(NATIVE, "input");
        order.modelId ^= 1;
        _isNotAskable(order, abi.encodeWithSelector(IInferenceDesk.ModelRefused.selector, order.modelId));
        order.modelId ^= 1;
        _ask(order);
        _deprecate();
        _isNotAskable(order, abi.encodeWithSelector(IInferenceDesk.ModelRefused.selector, model));
    }

    function test_aDeadlineInThePastIsRefused() external {
        IInferenceDesk.Order memory order = _order(NATIVE, "input");
        vm.warp(DEADLINE);
        _ask(order);
        vm.warp(uint256(DEADLINE) + 1);
        _isNotAskable(order, abi.encodeWithSelector(IInferenceDesk.DeadlineOver.selector, DEADLINE));
    }

    function test_aClaimThatHoldsForNoTimeIsRefused() external {
        IInferenceDesk.Order memory order = _order(NATIVE, "input");
        order.claimSeconds = 0;
        _isNotAskable(order, abi.encodeWithSelector(IInferenceDesk.NoTimeToFulfil.selector));
        order.claimSeconds = 1;
        _ask(order);
    }

    function test_aCallbackAndItsGasBelongTogether(address callback, uint32 gas) external {
        vm.assume(callback != address(0));
        IInferenceDesk.Order memory order = _order(NATIVE, "input");
        uint32 most = desk.maxCallbackGas();
        uint32 some = uint32(bound(gas, 1, most));
        order.callback = callback;
        _isNotAskable(order, abi.encodeWithSelector(IInferenceDesk.CallbackIncomplete.selector, callback, 0));
        order.callbackGas = some;
        _ask(order);
        order.callback = address(0);
        _isNotAskable(order, abi.encodeWithSelector(IInferenceDesk.CallbackIncomplete.selector, address(0), some));
    }

    function test_aCallbackGetsNoMoreGasThanAnyMay(uint32 gas) external {
        IInferenceDesk.Order memory order = _order(NATIVE, "input");
        uint32 most = desk.maxCallbackGas();
        (order.callback, order.callbackGas) = (STRANGER, most);
        _ask(order);
        order.callbackGas = uint32(bound(gas, most + 1, type(uint32).max));
        _isNotAskable(
            order, abi.encodeWithSelector(IInferenceDesk.CallbackGasTooHigh.selector, most, order.callbackGas)
        );
    }

    function test_anotherValueThanTheFeeIsRefused(uint96 value) external {
        vm.assume(value != FEE);
        vm.deal(REQUESTER, value);
        IInferenceDesk.Order memory order = _order(NATIVE, "input");
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.WrongValue.selector, FEE, value));
        vm.prank(REQUESTER);
        desk.request{value: value}(order, "input");
    }

    function test_etherIsNotTakenWithAToken(uint96 value) external {
        vm.assume(value != 0);
        vm.deal(REQUESTER, value);
        IInferenceDesk.Order memory order = _order(coin, "input");
        _fund(coin, REQUESTER, FEE);
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.WrongValue.selector, 0, value));
        vm.prank(REQUESTER);
        desk.request{value: value}(order, "input");
    }

    function test_aTokenThatIsNoContractIsRefusedForNothingToo(uint128 fee) external {
        IInferenceDesk.Order memory order = _order(STRANGER, "input");
        bytes memory refusal = abi.encodeWithSelector(IInferenceDesk.NotAToken.selector, STRANGER);
        order.fee = fee;
        _isNotAskable(order, refusal);
        order.fee = 0;
        _isNotAskable(order, refusal);
    }

    function test_aTokenThatKeepsAPartIsRefused(uint128 tax) external {
        tax = uint128(bound(tax, 1, FEE));
        OddCoin odd = new OddCoin();
        IInferenceDesk.Order memory order = _order(address(odd), "input");
        _ask(order);
        odd.misbehave(tax, false);
        _fund(address(odd), REQUESTER, FEE);
        _isNotAskable(
            order,
            abi.encodeWithSelector(IInferenceDesk.WrongAmountTaken.selector, address(odd), uint256(FEE), FEE - tax)
        );
    }

    function test_aTokenThatTakesInsteadOfGivingIsRefused() external {
        OddCoin odd = new OddCoin();
        IInferenceDesk.Order memory order = _order(address(odd), "input");
        _ask(order);
        odd.misbehave(0, true);
        _isNotAskable(
            order,
            abi.encodeWithSelector(
                IInferenceDesk.WrongAmountTaken.selector, address(odd), uint256(FEE), type(uint256).max - FEE + 1
            )
        );
        vm.assertEq(odd.balanceOf(address(desk)), FEE);
    }

    function test_aTokenIsNotTakenWithoutItsAllowance() external {
        IInferenceDesk.Order memory order = _order(coin, "input");
        ICoin(coin).mint(REQUESTER, FEE);
        vm.prank(REQUESTER);
        ICoin(coin).approve(address(desk), FEE - 1);
        vm.prank(REQUESTER);
        try desk.request(order, "input") {
            revert();
        } catch {
            vm.assertEq(_balance(coin, REQUESTER), FEE);
        }
    }

    function test_aTokenThatAnswersNothingIsAsGoodAsAnyOther() external {
        address silent = address(new SilentCoin());
        Inference memory told = _inference(_instances(0));
        bytes32 id = _claimed(silent, told);
        vm.assertEq(_balance(silent, address(desk)), FEE + BOND);
        _fulfil(id, told);
        vm.assertEq(_balance(silent, CLAIMER), FEE + BOND);

        id = _ask(_order(silent, "input"));
        vm.warp(uint256(DEADLINE) + 1);
        ICoin(silent).ban(REQUESTER, true);
        desk.refund(id);
        vm.assertEq(desk.creditOf(silent, REQUESTER), FEE);
        vm.prank(REQUESTER);
        desk.withdrawTo(silent, STRANGER);
        vm.assertEq(_balance(silent, STRANGER), FEE);
    }

    function test_whereNothingIsPaidNothingIsMoved(bool native) external {
        Inference memory told = _inference(_instances(0));
        IInferenceDesk.Order memory order = _order(_asset(native), told.inputCommitment);
        (order.fee, order.bond) = (0, 0);
        ICoin(coin).ban(address(desk), true); // not even nothing
        ICoin(coin).ban(CLAIMER, true);
        vm.prank(REQUESTER);
        bytes32 id = desk.request(order, "input");
        vm.prank(CLAIMER);
        desk.claim(id);
        vm.recordLogs();
        _fulfil(id, told);
        vm.assertEq(vm.getRecordedLogs().length, 2); // InferenceVerified and Fulfilled
    }

    // Claiming.

    function test_aClaimTakesTheBondAndHoldsForItsTimeOrUntilTheDeadline(
        bool native,
        uint128 bond,
        uint48 time,
        uint32 claimSeconds
    ) external {
        vm.assume(claimSeconds != 0);
        IInferenceDesk.Order memory order = _order(_asset(native), "input");
        (order.bond, order.claimSeconds) = (bond, claimSeconds);
        bytes32 id = _ask(order);
        time = uint48(bound(time, block.timestamp, DEADLINE));
        vm.warp(time);
        uint256 value = _fund(order.token, CLAIMER, bond);
        uint48 end = time + uint256(claimSeconds) < DEADLINE ? time + claimSeconds : DEADLINE;
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Claimed(id, CLAIMER, end);
        vm.prank(CLAIMER);
        desk.claim{value: value}(id);

        vm.assertEq(_balance(order.token, CLAIMER), 0);
        vm.assertEq(_balance(order.token, address(desk)), uint256(FEE) + bond);
        IInferenceDesk.Request memory held = _held(order);
        (held.claimer, held.end, held.state) = (CLAIMER, end, IInferenceDesk.State.Claimed);
        vm.assertEq(abi.encode(desk.requestOf(id)), abi.encode(held));
    }

    function test_aRequestIsClaimedOnceEver() external {
        Inference memory told = _inference(_instances(0));
        bytes32 id = _claimed(NATIVE, told);
        bytes32 lapsing = _claimed(NATIVE, told);
        _isNotClaimable(id, _notOpen(id, IInferenceDesk.State.Claimed));
        _fulfil(id, told);
        _isNotClaimable(id, _notOpen(id, IInferenceDesk.State.Fulfilled));

        vm.warp(block.timestamp + CLAIM_SECONDS + 1);
        _isNotClaimable(lapsing, _notOpen(lapsing, IInferenceDesk.State.Claimed));
        desk.refund(lapsing);
        _isNotClaimable(lapsing, _notOpen(lapsing, IInferenceDesk.State.Refunded));
        _isNotClaimable(~id, _notOpen(~id, IInferenceDesk.State.None));
    }

    function test_aRequestIsClaimedUntilItsDeadlineAndNotAfterIt() external {
        bytes32 first = _ask(_order(NATIVE, "input"));
        bytes32 second = _ask(_order(NATIVE, "input"));
        vm.warp(DEADLINE);
        _claim(first);
        vm.warp(uint256(DEADLINE) + 1);
        _isNotClaimable(second, abi.encodeWithSelector(IInferenceDesk.TooLate.selector, second, DEADLINE));
    }

    function test_aRequestOfAModelThatIsNoLongerAcceptedIsNotClaimed(bool stopped) external {
        bytes32 id = _ask(_order(NATIVE, "input"));
        stopped ? _stopModel() : _deprecate();
        _isNotClaimable(id, abi.encodeWithSelector(IInferenceDesk.ModelRefused.selector, model));
    }

    function test_anotherBondThanTheOneAskedForIsRefused(uint96 value) external {
        vm.assume(value != BOND);
        bytes32 id = _ask(_order(NATIVE, "input"));
        vm.deal(CLAIMER, value);
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.WrongValue.selector, BOND, value));
        vm.prank(CLAIMER);
        desk.claim{value: value}(id);
    }

    // Fulfilling.

    function test_aVerifiedOutputPaysTheFeeAndTheBondToTheClaimer(uint256 seed, bool native, uint128 fee, uint128 bond)
        external
    {
        Inference memory told = _inference(_instances(seed));
        IInferenceDesk.Order memory order = _order(_asset(native), told.inputCommitment);
        (order.fee, order.bond) = (fee, bond);
        bytes32 id = _ask(order);
        _claim(id);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Fulfilled(id, CLAIMER, _idOf(told), told.output, Grade.Proven);
        _fulfil(id, told);

        _assertState(id, IInferenceDesk.State.Fulfilled);
        vm.assertEq(_balance(order.token, CLAIMER), uint256(fee) + bond);
        vm.assertEq(_balance(order.token, address(desk)), 0);
        vm.assertEq(ledger.isVerified(model, told.inputCommitment, told.output, Grade.Proven), true);
    }

    function test_aWrongOutputPaysNothing(uint256 seed) external {
        Inference memory told = _inference(_instances(seed));
        bytes32 id = _claimed(NATIVE, told);
        told.output[0] ^= 0x01;
        vm.expectRevert(IERC7992Verifier.OutputMismatch.selector);
        _fulfil(id, told);
        told = _inference(_instances(seed ^ 1));
        vm.expectRevert(IERC7992Verifier.InputCommitmentMismatch.selector);
        _fulfil(id, told);
        vm.assertEq(CLAIMER.balance, 0);
        _assertState(id, IInferenceDesk.State.Claimed);
    }

    function test_nobodyIsPaidForTheProofOfAnother(address thief) external {
        vm.assume(thief != CLAIMER);
        Inference memory told = _inference(_instances(0));
        bytes32 id = _claimed(NATIVE, told);
        bytes memory refusal = abi.encodeWithSelector(IInferenceDesk.NotClaimer.selector, id, CLAIMER, thief);
        vm.expectRevert(refusal);
        vm.prank(thief);
        desk.fulfil(id, told.output, told.proof);

        IInferenceDesk.Fulfilment[] memory many = new IInferenceDesk.Fulfilment[](1);
        many[0] = IInferenceDesk.Fulfilment(id, told.output, told.proof);
        vm.expectRevert(refusal);
        vm.prank(thief);
        desk.fulfilMany(many);
        _fulfil(id, told);
    }

    function test_aProofInTheLedgerTakesNothingFromTheClaimer(bytes calldata anything) external {
        Inference memory told = _inference(_instances(0));
        bytes32 id = _claimed(NATIVE, told);
        vm.prank(STRANGER); // who copied it
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        told.proof = anything;
        _fulfil(id, told);
        vm.assertEq(CLAIMER.balance, FEE + BOND);
    }

    function test_aRequestIsFulfilledOnce() external {
        Inference memory told = _inference(_instances(0));
        _claimed(NATIVE, told); // somebody else's money is there to take
        bytes32 id = _claimed(NATIVE, told);
        _fulfil(id, told);
        _isNotFulfillable(id, told, _notClaimed(id, IInferenceDesk.State.Fulfilled));
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.NothingHeld.selector, id, IInferenceDesk.State.Fulfilled));
        desk.refund(id);
    }

    function test_whatIsNotClaimedIsNotFulfilled() external {
        Inference memory told = _inference(_instances(0));
        bytes32 id = _ask(_order(NATIVE, told.inputCommitment));
        _isNotFulfillable(id, told, _notClaimed(id, IInferenceDesk.State.Open));
        _isNotFulfillable(~id, told, _notClaimed(~id, IInferenceDesk.State.None));
    }

    function test_aClaimIsFulfilledOrRefundedAndAtNoTimeBoth(uint48 time, uint32 claimSeconds) external {
        vm.assume(claimSeconds != 0);
        Inference memory told = _inference(_instances(0));
        IInferenceDesk.Order memory order = _order(NATIVE, told.inputCommitment);
        order.claimSeconds = claimSeconds;
        bytes32 id = _ask(order);
        _claim(id);
        uint48 end = desk.requestOf(id).end;
        // Around the end, in half of the cases.
        vm.warp(time % 2 == 0 ? bound(time, end - 1, end + 2) : bound(time, block.timestamp, 2 * DEADLINE));
        if (block.timestamp <= end) {
            vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.TooEarly.selector, id, end));
            desk.refund(id);
            _fulfil(id, told);
        } else {
            _isNotFulfillable(id, told, abi.encodeWithSelector(IInferenceDesk.TooLate.selector, id, end));
            desk.refund(id);
        }
    }

    function test_aRecordMadeBeforeADeprecationPaysAfterIt(bool stopped) external {
        Inference memory told = _inference(_instances(0));
        bytes32 recorded = _claimed(NATIVE, told);
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        Inference memory late = _inference(_instances(1));
        bytes32 id = _claimed(NATIVE, late);
        stopped ? _stopModel() : _deprecate();
        _fulfil(recorded, told);
        _isNotFulfillable(
            id,
            late,
            stopped
                ? abi.encodeWithSignature("ModelIsStopped(uint256)", model)
                : abi.encodeWithSelector(IERC7992Verifier.VerificationRefused_ModelDeprecated.selector, model)
        );
    }

    function test_manyAreFulfilledAtOnceOrNoneIs(uint8 count, uint8 bad) external {
        count = uint8(bound(count, 1, 8));
        IInferenceDesk.Fulfilment[] memory many = new IInferenceDesk.Fulfilment[](count);
        for (uint256 i = 0; i < count; ++i) {
            Inference memory told = _inference(_instances(i));
            many[i] = IInferenceDesk.Fulfilment(_claimed(_asset(i % 2 == 0), told), told.output, told.proof);
        }
        bad %= count;
        many[bad].output[0] ^= 0x01;
        vm.expectRevert(IERC7992Verifier.OutputMismatch.selector);
        vm.prank(CLAIMER);
        desk.fulfilMany(many);
        _assertState(many[0].requestId, IInferenceDesk.State.Claimed);

        many[bad].output[0] ^= 0x01;
        vm.prank(CLAIMER);
        desk.fulfilMany(many);
        for (uint256 i = 0; i < count; ++i) {
            _assertState(many[i].requestId, IInferenceDesk.State.Fulfilled);
        }
        vm.assertEq(CLAIMER.balance, uint256(count + 1) / 2 * (FEE + BOND));
        vm.assertEq(_balance(coin, CLAIMER), uint256(count) / 2 * (FEE + BOND));
    }

    function test_theSameRequestTwiceIsNotFulfilledAtOnce() external {
        Inference memory told = _inference(_instances(0));
        IInferenceDesk.Fulfilment[] memory twice = new IInferenceDesk.Fulfilment[](2);
        twice[0] = IInferenceDesk.Fulfilment(_claimed(NATIVE, told), told.output, told.proof);
        twice[1] = twice[0];
        vm.expectRevert(_notClaimed(twice[0].requestId, IInferenceDesk.State.Fulfilled));
        vm.prank(CLAIMER);
        desk.fulfilMany(twice);
    }

    function test_theRowsOfARecordedBatchFulfilTheirRequests() external {
        (bytes32 root, IInferenceDesk.RowFulfilment[] memory rows) = _claimedRows();
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Fulfilled(rows[0].requestId, CLAIMER, _idOf(rows[0]), rows[0].output, Grade.Proven);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Fulfilled(rows[1].requestId, CLAIMER, _idOf(rows[1]), rows[1].output, Grade.Proven);
        vm.prank(CLAIMER);
        desk.fulfilFromBatch(root, rows);
        _assertState(rows[0].requestId, IInferenceDesk.State.Fulfilled);
        _assertState(rows[1].requestId, IInferenceDesk.State.Fulfilled);
        vm.assertEq(CLAIMER.balance, 2 * (FEE + BOND));
    }

    function test_whatIsNoRowOfTheBatchFulfilsNothing() external {
        (bytes32 root, IInferenceDesk.RowFulfilment[] memory rows) = _claimedRows();
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.BatchNotRecorded.selector, ~root));
        vm.prank(CLAIMER);
        desk.fulfilFromBatch(~root, rows);

        (rows[0].output, rows[1].output) = (rows[1].output, rows[0].output);
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.NotInBatch.selector, root, _idOf(rows[0])));
        vm.prank(CLAIMER);
        desk.fulfilFromBatch(root, rows);

        (rows[0].output, rows[1].output) = (rows[1].output, rows[0].output);
        rows[1].path = rows[0].path; // the first is good, and does not come through alone
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.NotInBatch.selector, root, _idOf(rows[1])));
        vm.prank(CLAIMER);
        desk.fulfilFromBatch(root, rows);
        _assertState(rows[0].requestId, IInferenceDesk.State.Claimed);
    }

    function test_nobodyIsPaidForTheRowOfAnother() external {
        (bytes32 root, IInferenceDesk.RowFulfilment[] memory rows) = _claimedRows();
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceDesk.NotClaimer.selector, rows[0].requestId, CLAIMER, STRANGER)
        );
        vm.prank(STRANGER);
        desk.fulfilFromBatch(root, rows);
    }

    // Calling back.

    function test_theCallbackIsToldAfterThePayment() external {
        OddCallback callback = new OddCallback(OddCallback.Mode.Listens);
        Inference memory told = _inference(_instances(0));
        bytes32 id = _claimedWith(address(callback), 200_000, told);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.CallbackSucceeded(id, address(callback));
        vm.prank(CLAIMER, CLAIMER);
        desk.fulfil(id, told.output, told.proof);
        bytes memory message = abi.encodeCall(
            IInferenceCallback.onInference, (id, model, told.inputCommitment, told.output, Grade.Proven)
        );
        vm.assertEq(callback.heard(), keccak256(abi.encode(address(desk), message)));
        vm.assertEq(callback.balanceOfClaimerThen(), FEE + BOND);
    }

    function test_aCallbackThatFailsKeepsNobodyFromBeingPaid() external {
        _isPaidDespite(address(new OddCallback(OddCallback.Mode.Reverts)));
        _isPaidDespite(address(new OddCallback(OddCallback.Mode.Loops)));
        _isPaidDespite(address(new OddCallback(OddCallback.Mode.Bombs)));
        _isPaidDespite(STRANGER); // nobody there
        _isPaidDespite(address(4)); // nobody either, and would answer
        _isPaidDespite(coin);
        _isPaidDespite(address(ledger));
        _isPaidDespite(address(desk));
    }

    function test_aCallbackCannotMakeItsClaimerPayForMoreThanItsGas() external {
        Inference memory told = _inference(_instances(0));
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        bytes32 plain = _claimed(NATIVE, told);
        bytes32 looping = _claimedWith(address(new OddCallback(OddCallback.Mode.Loops)), 300_000, told);
        bytes32 bombing = _claimedWith(address(new OddCallback(OddCallback.Mode.Bombs)), 2_000_000, told);
        uint256 base = _gasOf(plain, told);
        vm.assertLt(_gasOf(looping, told), base + 300_000 + 10_000);
        vm.assertLt(_gasOf(bombing, told), base + 2_000_000 + 10_000);
    }

    function test_withNoGasLimitACallbackGetsLessThanItsGas(uint32 callbackGas, uint256 limit) external {
        callbackGas = uint32(bound(callbackGas, 100_000, 2_000_000));
        OddCallback callback = new OddCallback(OddCallback.Mode.Listens);
        Inference memory told = _inference(_instances(0));
        bytes32 id = _claimedWith(address(callback), callbackGas, told);
        // From what pays the claimer to what is more than enough.
        limit = bound(limit, 250_000, callbackGas * 2 + 500_000);
        (bool success, uint256 got) = _attempt(id, told, callback, limit);
        (, uint256 plenty) = _attempt(id, told, callback, 30_000_000);
        vm.assertLt(callbackGas - plenty, callbackGas / 64); // what it takes to get to the line that looks
        vm.assertEq(got, success ? plenty : 0);
    }

    function test_atTheLeastGasLimitThatFulfilsTheCallbackGetsAllOfItsGas() external {
        OddCallback callback = new OddCallback(OddCallback.Mode.Listens);
        Inference memory told = _inference(_instances(0));
        bytes32 id = _claimedWith(address(callback), 2_000_000, told);
        (, uint256 plenty) = _attempt(id, told, callback, 30_000_000);
        (uint256 low, uint256 high) = (0, 30_000_000);
        while (high - low > 1) {
            uint256 middle = (low + high) / 2;
            (bool success, uint256 got) = _attempt(id, told, callback, middle);
            vm.assertEq(got, success ? plenty : 0);
            (low, high) = success ? (low, middle) : (middle, high);
        }
        vm.assertLt(2_000_000, low);
        for (uint256 limit = low - 1_000; limit < high + 1_000; limit += 10) {
            (bool success, uint256 got) = _attempt(id, told, callback, limit);
            vm.assertEq(success, limit >= high);
            vm.assertEq(got, success ? plenty : 0);
        }
    }

    function test_tooLittleGasForTheCallbackIsRefusedByName() external {
        OddCallback callback = new OddCallback(OddCallback.Mode.Listens);
        Inference memory told = _inference(_instances(0));
        bytes32 id = _claimedWith(address(callback), 2_000_000, told);
        vm.prank(CLAIMER);
        try desk.fulfil{gas: 2_100_000}(id, told.output, told.proof) {
            revert();
        } catch (bytes memory reason) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(IInferenceDesk.NotEnoughGas.selector));
            (uint256 expected, uint256 got) = _numbers(reason);
            vm.assertEq(expected, 2_000_000);
            vm.assertLt(got, expected);
        }
        _assertState(id, IInferenceDesk.State.Claimed);
    }

    // Refunding.

    function test_aRequestThatNobodyClaimedIsRefundedAfterItsDeadline(bool native, address anybody) external {
        vm.assume(anybody != REQUESTER);
        bytes32 id = _ask(_order(_asset(native), "input"));
        vm.warp(DEADLINE);
        bytes memory refusal = abi.encodeWithSelector(IInferenceDesk.TooEarly.selector, id, DEADLINE);
        vm.expectRevert(refusal);
        desk.refund(id);
        vm.expectRevert(refusal);
        vm.prank(REQUESTER);
        desk.refund(id);

        vm.warp(uint256(DEADLINE) + 1);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Refunded(id, address(0));
        vm.prank(anybody);
        desk.refund(id);
        vm.assertEq(_balance(_asset(native), REQUESTER), FEE);
        vm.assertEq(_balance(_asset(native), address(desk)), 0);
    }

    function test_aLapsedClaimIsRefundedAtOnceAndTheRequesterGetsTheBond(bool native) external {
        bytes32 id = _ask(_order(_asset(native), "input"));
        _claim(id);
        vm.warp(block.timestamp + CLAIM_SECONDS + 1);
        vm.assertLt(block.timestamp, DEADLINE);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Refunded(id, REQUESTER);
        vm.prank(STRANGER);
        desk.refund(id);
        _assertState(id, IInferenceDesk.State.Refunded);
        vm.assertEq(_balance(_asset(native), REQUESTER), FEE + BOND);
        vm.assertEq(_balance(_asset(native), CLAIMER), 0);
    }

    function test_theBondGoesBackToTheClaimerIfTheModelIsNoLongerAccepted(bool native, bool stopped) external {
        bytes32 id = _ask(_order(_asset(native), "input"));
        _claim(id);
        stopped ? _stopModel() : _deprecate();
        uint48 end = desk.requestOf(id).end;
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.TooEarly.selector, id, end)); // it may be recorded
        desk.refund(id);
        vm.warp(end + 1);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Refunded(id, CLAIMER);
        desk.refund(id);
        vm.assertEq(_balance(_asset(native), REQUESTER), FEE);
        vm.assertEq(_balance(_asset(native), CLAIMER), BOND);
        vm.assertEq(_balance(_asset(native), address(desk)), 0);
    }

    function test_aRequestThatCanNeverBeClaimedIsRefundedBeforeItsDeadline(bool stopped) external {
        bytes32 id = _ask(_order(NATIVE, "input"));
        stopped ? _stopModel() : _deprecate();
        desk.refund(id);
        vm.assertEq(REQUESTER.balance, FEE);
    }

    function test_whoClaimsItsOwnRequestGetsBackWhatItPaidAndNoMore(bool accepted) external {
        _ask(_order(NATIVE, "other"));
        bytes32 id = _ask(_order(NATIVE, "input"));
        _claimAs(REQUESTER, id);
        if (!accepted) _deprecate();
        vm.warp(uint256(DEADLINE) + 1);
        desk.refund(id);
        vm.assertEq(REQUESTER.balance, FEE + BOND);
    }

    function test_aRequestIsRefundedOnce() external {
        _ask(_order(NATIVE, "other"));
        bytes32 id = _ask(_order(NATIVE, "input"));
        vm.warp(uint256(DEADLINE) + 1);
        desk.refund(id);
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.NothingHeld.selector, id, IInferenceDesk.State.Refunded));
        desk.refund(id);
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.NothingHeld.selector, ~id, IInferenceDesk.State.None));
        desk.refund(~id);
    }

    // Paying.

    function test_etherThatIsRefusedIsCreditedAndSentElsewhere() external {
        OddAccount account = new OddAccount();
        account.behave(OddAccount.Mode.Refuses);
        bytes32 id = _askAs(address(account), _order(NATIVE, "input"));
        vm.warp(uint256(DEADLINE) + 1);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Credited(NATIVE, address(account), FEE);
        desk.refund(id);
        vm.assertEq(desk.creditOf(NATIVE, address(account)), FEE);

        vm.expectRevert(
            abi.encodeWithSelector(IInferenceDesk.PaymentRefused.selector, NATIVE, address(account), uint256(FEE))
        );
        desk.withdraw(NATIVE, address(account));
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Withdrawn(NATIVE, address(account), STRANGER, FEE);
        vm.prank(address(account));
        desk.withdrawTo(NATIVE, STRANGER);
        vm.assertEq(STRANGER.balance, FEE);
        vm.assertEq(desk.creditOf(NATIVE, address(account)), 0);
    }

    function test_aTokenThatRefusesToPayAClaimerDoesNotTakeItsCredit() external {
        Inference memory told = _inference(_instances(0));
        bytes32 id = _claimed(coin, told);
        ICoin(coin).ban(CLAIMER, true);
        _fulfil(id, told);
        vm.assertEq(desk.creditOf(coin, CLAIMER), FEE + BOND);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceDesk.PaymentRefused.selector, coin, CLAIMER, uint256(FEE + BOND))
        );
        desk.withdraw(coin, CLAIMER);
        ICoin(coin).ban(CLAIMER, false);
        vm.expectEmit(address(desk));
        emit IInferenceDesk.Withdrawn(coin, CLAIMER, CLAIMER, FEE + BOND);
        vm.prank(STRANGER);
        desk.withdraw(coin, CLAIMER);
        vm.assertEq(_balance(coin, CLAIMER), FEE + BOND);
    }

    function test_creditsAddUp() external {
        ICoin(coin).ban(REQUESTER, true);
        bytes32 id = _askBanned();
        bytes32 other = _askBanned();
        vm.warp(uint256(DEADLINE) + 1);
        desk.refund(id);
        desk.refund(other);
        vm.assertEq(desk.creditOf(coin, REQUESTER), 2 * FEE);
    }

    function test_whoNeedsMoreGasThanAPaymentHasWithdrawsWithMore() external {
        OddAccount account = new OddAccount();
        account.behave(OddAccount.Mode.NeedsGas);
        bytes32 id = _askAs(address(account), _order(NATIVE, "input"));
        vm.warp(uint256(DEADLINE) + 1);
        desk.refund(id);
        vm.assertEq(desk.creditOf(NATIVE, address(account)), FEE);
        desk.withdraw(NATIVE, address(account));
        vm.assertEq(address(account).balance, FEE);
    }

    function test_aRequesterCannotMakeTheRefundOfABondExpensive() external {
        OddAccount account = new OddAccount();
        for (uint256 i = uint256(OddAccount.Mode.Loops); i <= uint256(OddAccount.Mode.Bombs); ++i) {
            account.behave(OddAccount.Mode(i));
            bytes32 id = _askAs(address(account), _order(NATIVE, "input"));
            _claim(id);
            vm.assertEq(CLAIMER.balance, 0);
            uint256 before = vm.snapshotState();
            _deprecate();
            vm.warp(uint256(DEADLINE) + 1);
            desk.refund{gas: 400_000}(id);
            vm.assertEq(CLAIMER.balance, BOND);
            vm.assertEq(desk.creditOf(NATIVE, address(account)), FEE);
            vm.revertToState(before);
        }
    }

    function test_withNoGasLimitAnAccountThatTakesEtherIsCreditedInstead(uint256 limit) external {
        OddAccount account = new OddAccount();
        bytes32 id = _askAs(address(account), _order(NATIVE, "input"));
        vm.warp(uint256(DEADLINE) + 1);
        try desk.refund{gas: bound(limit, 0, 300_000)}(id) {
            vm.assertEq(address(account).balance, FEE);
        } catch {
            _assertState(id, IInferenceDesk.State.Open);
        }
        vm.assertEq(desk.creditOf(NATIVE, address(account)), 0);
    }

    function test_thereIsNothingToWithdrawTwice() external {
        ICoin(coin).ban(REQUESTER, true);
        bytes32 id = _askBanned();
        vm.warp(uint256(DEADLINE) + 1);
        _ask(_laterOrder());
        desk.refund(id);
        vm.prank(REQUESTER);
        desk.withdrawTo(coin, STRANGER);
        bytes memory refusal = abi.encodeWithSelector(IInferenceDesk.NothingCredited.selector, coin, REQUESTER);
        vm.expectRevert(refusal);
        vm.prank(REQUESTER);
        desk.withdrawTo(coin, STRANGER);
        vm.expectRevert(refusal);
        desk.withdraw(coin, REQUESTER);
    }

    function test_nobodySendsTheCreditOfAnother(address thief) external {
        vm.assume(thief != REQUESTER && thief != address(0) && thief != address(desk));
        ICoin(coin).ban(REQUESTER, true);
        bytes32 id = _askBanned();
        vm.warp(uint256(DEADLINE) + 1);
        desk.refund(id);
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.NothingCredited.selector, coin, thief));
        vm.prank(thief);
        desk.withdrawTo(coin, thief);
    }

    function test_noCreditIsSentWhereItIsLost() external {
        ICoin(coin).ban(REQUESTER, true);
        bytes32 id = _askBanned();
        vm.warp(uint256(DEADLINE) + 1);
        desk.refund(id);
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.RecipientRefused.selector, address(0)));
        vm.prank(REQUESTER);
        desk.withdrawTo(coin, address(0));
        vm.expectRevert(abi.encodeWithSelector(IInferenceDesk.RecipientRefused.selector, address(desk)));
        vm.prank(REQUESTER);
        desk.withdrawTo(coin, address(desk));
    }

    function test_etherThatBelongsToNoRequestIsNotTaken(bytes calldata data) external {
        vm.deal(address(this), 1);
        (bool success,) = address(desk).call{value: 1}("");
        vm.assertEq(success, false);
        (success,) = address(desk).call{value: 1}(data);
        vm.assertEq(success, false);
    }

    // Reentering.

    function test_aCallbackReentersNothing() external {
        Inference memory told = _inference(_instances(0));
        bytes[] memory calls = _guarded(told);
        for (uint256 i = 0; i < calls.length; ++i) {
            OddCallback callback = new OddCallback(OddCallback.Mode.Listens);
            callback.obey(address(desk), calls[i]);
            bytes32 id = _claimedWith(address(callback), 500_000, told);
            _fulfil(id, told);
            _wasRefused(callback, 1);
        }
    }

    function test_anAccountThatIsPaidReentersNothing() external {
        Inference memory told = _inference(_instances(0));
        bytes[] memory calls = _guarded(told);
        for (uint256 i = 0; i < calls.length; ++i) {
            OddAccount account = new OddAccount();
            account.obey(address(desk), calls[i]);
            bytes32 id = _ask(_order(NATIVE, told.inputCommitment));
            _claimAs(address(account), id);
            vm.prank(address(account));
            desk.fulfil(id, told.output, told.proof);
            _wasRefused(account, 1);
            vm.assertEq(address(account).balance, FEE + BOND);
        }
    }

    function test_aTokenThatIsMovedReentersNothing() external {
        Inference memory told = _inference(_instances(0));
        bytes[] memory calls = _guarded(told);
        for (uint256 i = 0; i < calls.length; ++i) {
            OddCoin odd = new OddCoin();
            odd.obey(address(desk), calls[i]);
            bytes32 id = _claimed(address(odd), told);
            _fulfil(id, told);
            _wasRefused(odd, 3); // the fee, the bond, and both
            vm.assertEq(odd.balanceOf(CLAIMER), FEE + BOND);
        }
    }

    function test_anAccountThatWithdrawsReentersNothing() external {
        bytes[] memory calls = _guarded(_inference(_instances(0)));
        for (uint256 i = 0; i < calls.length; ++i) {
            OddAccount account = new OddAccount();
            account.behave(OddAccount.Mode.Refuses);
            bytes32 id = _askAs(address(account), _laterOrder());
            uint256 before = vm.snapshotState();
            vm.warp(uint256(DEADLINE) + 2);
            desk.refund(id);
            account.behave(OddAccount.Mode.Takes);
            account.obey(address(desk), calls[i]);
            desk.withdraw(NATIVE, address(account));
            _wasRefused(account, 1);
            vm.assertEq(address(account).balance, FEE);
            vm.revertToState(before);
        }
    }

    /// @dev Fulfils with this gas limit, tells how that went, and undoes it.
    function _attempt(bytes32 requestId, Inference memory told, OddCallback callback, uint256 limit)
        private
        returns (bool success, uint256 callbackGas)
    {
        try this.attempt(requestId, told, callback, limit) {
            revert();
        } catch (bytes memory reason) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(Attempted.selector));
            uint256 flag;
            (flag, callbackGas) = _numbers(reason);
            success = flag == 1;
        }
    }

    function attempt(bytes32 requestId, Inference calldata told, OddCallback callback, uint256 limit) external {
        bytes memory data = abi.encodeCall(IInferenceDesk.fulfil, (requestId, told.output, told.proof));
        vm.prank(CLAIMER);
        (bool success,) = address(desk).call{gas: limit}(data);
        revert Attempted(success, callback.gasThen());
    }

    function _gasOf(bytes32 requestId, Inference memory told) private returns (uint256 gas) {
        vm.prank(CLAIMER);
        gas = gasleft();
        desk.fulfil(requestId, told.output, "");
        gas -= gasleft();
    }

    function _isPaidDespite(address callback) private {
        Inference memory told = _inference(_instances(0));
        bytes32 id = _claimedWith(callback, 300_000, told);
        uint256 before = CLAIMER.balance;
        vm.expectEmit(address(desk));
        emit IInferenceDesk.CallbackFailed(id, callback);
        _fulfil(id, told);
        vm.assertEq(CLAIMER.balance, before + FEE + BOND);
        _assertState(id, IInferenceDesk.State.Fulfilled);
    }

    function _wasRefused(Reenterer reenterer, uint256 times) private view {
        vm.assertEq(reenterer.succeeded(), 0);
        vm.assertEq(reenterer.refused(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector), times);
    }

    /// @dev A call of every function that moves something.
    function _guarded(Inference memory told) private view returns (bytes[] memory calls) {
        IInferenceDesk.Order memory order = _order(coin, told.inputCommitment);
        calls = new bytes[](9);
        calls[0] = abi.encodeCall(IInferenceDesk.request, (order, ""));
        calls[1] = abi.encodeCall(IInferenceDesk.requestFor, (order, "", REQUESTER, 0, 0, ""));
        calls[2] = abi.encodeCall(IInferenceDesk.claim, (""));
        calls[3] = abi.encodeCall(IInferenceDesk.fulfil, ("", told.output, ""));
        calls[4] = abi.encodeCall(IInferenceDesk.fulfilMany, (new IInferenceDesk.Fulfilment[](0)));
        calls[5] = abi.encodeCall(IInferenceDesk.fulfilFromBatch, ("", new IInferenceDesk.RowFulfilment[](0)));
        calls[6] = abi.encodeCall(IInferenceDesk.refund, (""));
        calls[7] = abi.encodeCall(IInferenceDesk.withdraw, (coin, REQUESTER));
        calls[8] = abi.encodeCall(IInferenceDesk.withdrawTo, (coin, REQUESTER));
    }

    function _asset(bool native) private view returns (address) {
        return native ? NATIVE : coin;
    }

    /// @dev What is held for an order that nobody has claimed.
    function _held(IInferenceDesk.Order memory order) private view returns (IInferenceDesk.Request memory held) {
        (held.state, held.requester, held.end) = (IInferenceDesk.State.Open, REQUESTER, order.deadline);
        (held.claimSeconds, held.deadline, held.callbackGas) = (order.claimSeconds, order.deadline, order.callbackGas);
        (held.fee, held.bond, held.modelId) = (order.fee, order.bond, order.modelId);
        (held.inputCommitment, held.token, held.callback) = (order.inputCommitment, order.token, order.callback);
    }

    function _claimedWith(address callback, uint32 callbackGas, Inference memory told) private returns (bytes32 id) {
        IInferenceDesk.Order memory order = _order(NATIVE, told.inputCommitment);
        (order.callback, order.callbackGas) = (callback, callbackGas);
        id = _ask(order);
        _claim(id);
    }

    /// @dev A request of somebody whom the token pays no longer.
    function _askBanned() private returns (bytes32 requestId) {
        ICoin(coin).ban(REQUESTER, false);
        requestId = _ask(_order(coin, "input"));
        ICoin(coin).ban(REQUESTER, true);
    }

    function _laterOrder() private view returns (IInferenceDesk.Order memory order) {
        order = _order(NATIVE, "input");
        order.deadline = DEADLINE + 1;
    }

    /// @dev Two claimed requests and a recorded batch of two rows that holds the outputs of both.
    function _claimedRows() private returns (bytes32 root, IInferenceDesk.RowFulfilment[] memory rows) {
        Circuit memory circuit = _circuit();
        circuit.rows = 2;
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.circuitHash = CircuitLib.hash(circuit);
        vm.prank(OWNER);
        model = registry.registerModel(commitment);
        ezkl.bind(model, circuit, address(halo2));

        uint256[] memory instances = _instances(0);
        root = ledger.verifyAndStoreBatch(model, circuit, abi.encode(instances, halo2.mockProve(instances)));
        rows = new IInferenceDesk.RowFulfilment[](2);
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 input = ledger.commitmentOf(_words(instances, 2 * i, 2 * i + 2));
            rows[i].output = abi.encodePacked(_words(instances, INPUTS + 2 * i, INPUTS + 2 * i + 2));
            rows[i].requestId = _ask(_order(NATIVE, input));
            _claim(rows[i].requestId);
        }
        for (uint256 i = 0; i < 2; ++i) {
            rows[i].path = new bytes32[](1);
            rows[i].path[0] = keccak256(abi.encodePacked(_idOf(rows[1 - i])));
        }
    }

    /// @dev The inference that would fulfil the request of a row by its output.
    function _idOf(IInferenceDesk.RowFulfilment memory row) private view returns (bytes32) {
        return keccak256(abi.encodePacked(model, desk.requestOf(row.requestId).inputCommitment, row.output));
    }

    function _isNotAskable(IInferenceDesk.Order memory order, bytes memory refusal) private {
        uint256 value = order.token == NATIVE ? order.fee : 0;
        vm.deal(REQUESTER, value);
        vm.expectRevert(refusal);
        vm.prank(REQUESTER);
        desk.request{value: value}(order, "input");
    }

    function _isNotClaimable(bytes32 requestId, bytes memory refusal) private {
        vm.deal(STRANGER, BOND);
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        desk.claim{value: BOND}(requestId);
    }

    function _isNotFulfillable(bytes32 requestId, Inference memory told, bytes memory refusal) private {
        vm.expectRevert(refusal);
        _fulfil(requestId, told);
    }

    function _notOpen(bytes32 requestId, IInferenceDesk.State state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IInferenceDesk.NotOpen.selector, requestId, state);
    }

    function _notClaimed(bytes32 requestId, IInferenceDesk.State state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IInferenceDesk.NotClaimed.selector, requestId, state);
    }

    /// @dev The two words behind the selector of an error.
    function _numbers(bytes memory reason) private pure returns (uint256 first, uint256 second) {
        assembly ("memory-safe") {
            first := mload(add(reason, 36))
            second := mload(add(reason, 68))
        }
    }
}
