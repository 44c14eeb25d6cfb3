// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InferenceDesk} from "../src/InferenceDesk.sol";
import {IInferenceDesk} from "../src/interfaces/IInferenceDesk.sol";
import {Coin} from "../test/mocks/Coin.sol";
import {OddAccount} from "../test/mocks/OddAccount.sol";
import {OneLedger} from "./OneLedger.sol";

/// @dev A desk with one open request in the native coin, of any requester, fee, bond, deadline and time to fulfil.
abstract contract OneRequest is OneLedger {
    IInferenceDesk.State internal constant OPEN = IInferenceDesk.State.Open;
    IInferenceDesk.State internal constant CLAIMED = IInferenceDesk.State.Claimed;
    IInferenceDesk.State internal constant FULFILLED = IInferenceDesk.State.Fulfilled;
    IInferenceDesk.State internal constant REFUNDED = IInferenceDesk.State.Refunded;

    InferenceDesk internal desk;
    uint256 internal input;
    IInferenceDesk.Order internal order;
    address internal requester;
    bytes32 internal id;

    function setUp() public virtual {
        _setUp(keccak256("circuit"));
        desk = new InferenceDesk(ledger);
        input = svm.createUint256("input");
        uint256[] memory words = new uint256[](1);
        words[0] = input;
        order.modelId = model;
        order.inputCommitment = ledger.commitmentOf(words);
        order.deadline = uint48(svm.createUint256("deadline"));
        order.claimSeconds = uint32(svm.createUint256("claimSeconds"));
        order.fee = uint128(svm.createUint256("fee"));
        order.bond = uint128(svm.createUint256("bond"));
        vm.assume(order.deadline >= START && order.claimSeconds != 0);
        requester = svm.createAddress("requester");
        vm.assume(_isAccount(requester));
        vm.deal(requester, order.fee);
        vm.prank(requester);
        id = desk.request{value: order.fee}(order, "");
    }

    /// @dev An account without code, which takes every payment, or the ledger, for all that refuse them. The desk is none: it has
    /// no function that a payment or a callback could reach.
    function _isAccount(address account) internal view returns (bool) {
        return
            account != address(0) && account != address(desk) && account != address(registry)
                && account != address(claims);
    }

    function _claim(address claimer) internal returns (bool) {
        return _pays(claimer, order.bond, abi.encodeCall(desk.claim, (id)));
    }

    /// @dev With a proof of an output that the ledger takes.
    function _fulfil(address caller, uint256 output) internal returns (bool) {
        uint256[] memory instances = new uint256[](2);
        (instances[0], instances[1]) = (input, output);
        return _call(
            caller,
            address(desk),
            abi.encodeCall(desk.fulfil, (id, abi.encode(output), abi.encode(instances, "I say so")))
        );
    }

    /// @dev Any account calls any function of the desk with any arguments and any value.
    function _anybodyCalls(address caller, uint256 value) internal {
        _pays(caller, value, svm.createCalldata("InferenceDesk"));
    }

    function _pays(address caller, uint256 value, bytes memory data) internal returns (bool) {
        vm.assume(_isAccount(caller));
        return _callPaying(caller, value, address(desk), data);
    }

    function _state() internal view returns (IInferenceDesk.State) {
        return desk.requestOf(id).state;
    }

    function _held() internal view returns (bytes32) {
        return keccak256(abi.encode(desk.requestOf(id)));
    }

    /// @dev What an account has, at hand and in the desk.
    function _wealth(address account) internal view returns (uint256) {
        return account.balance + _credit(account);
    }

    function _credit(address account) internal view returns (uint256) {
        return desk.creditOf(address(0), account);
    }
}

contract OpenRequestProof is OneRequest {
    /// @dev That there is a request to speak of, and that its fee is held.
    function check_whatIsAskedForIsHeld() external view {
        IInferenceDesk.Request memory held = desk.requestOf(id);
        assert(held.state == OPEN && held.claimer == address(0) && held.requester == requester);
        assert(held.fee == order.fee && held.bond == order.bond && held.end == order.deadline);
        assert(address(desk).balance >= order.fee);
    }

    /// @dev Whatever anybody calls, at whatever time: an open request stays as it is, or is claimed by the caller in time, or is
    /// refunded after its deadline. The model is accepted.
    function check_anOpenRequestIsClaimedInTimeOrRefundedAfterwards(address caller, uint256 value, uint48 time)
        external
    {
        bytes32 before = _held();
        vm.warp(time);
        _anybodyCalls(caller, value);
        IInferenceDesk.Request memory held = desk.requestOf(id);
        if (held.state == CLAIMED) {
            assert(held.claimer == caller && value == order.bond && time <= order.deadline);
        } else if (held.state == REFUNDED) {
            assert(held.claimer == address(0) && time > order.deadline);
        } else {
            assert(_held() == before);
        }
    }

    /// @dev Nor does anybody claim a request of a model that is refused, at whatever time.
    function check_nobodyClaimsForARefusedModel(address caller, uint48 time) external {
        registry.deprecateModel(model);
        vm.warp(time);
        assert(!_claim(caller));
    }

    /// @dev Not even with a true proof.
    function check_nobodyFulfilsWhatNobodyHasClaimed(address caller, uint256 output) external {
        assert(!_fulfil(caller, output));
    }

    /// @dev Whoever has it refunded, the requester has the fee back, at hand or as a credit, and before the deadline only because
    /// of the model.
    function check_theFeeGoesBackToTheRequester(address caller, uint48 time, bool refused) external {
        vm.warp(time);
        if (refused) registry.deprecateModel(model);
        uint256 before = _wealth(requester);
        vm.assume(_pays(caller, 0, abi.encodeCall(desk.refund, (id))));
        assert(_state() == REFUNDED && (time > order.deadline || refused));
        assert(_wealth(requester) == before + order.fee);
    }
}

/// @dev The same request, claimed by any account.
abstract contract OneClaim is OneRequest {
    address internal claimer;
    uint48 internal end;

    function setUp() public virtual override {
        super.setUp();
        claimer = svm.createAddress("claimer");
        vm.assume(_isAccount(claimer));
        vm.deal(claimer, order.bond);
        vm.prank(claimer);
        desk.claim{value: order.bond}(id);
        end = desk.requestOf(id).end;
    }
}

contract ClaimedRequestProof is OneClaim {
    /// @dev That there is a claim to speak of, and that fee and bond are held.
    function check_whatIsClaimedIsHeld() external view {
        IInferenceDesk.Request memory held = desk.requestOf(id);
        assert(held.state == CLAIMED && held.claimer == claimer && held.requester == requester);
        assert(end <= order.deadline && end <= START + order.claimSeconds);
        assert(end == order.deadline || end == START + order.claimSeconds);
        assert(address(desk).balance >= uint256(order.fee) + order.bond);
    }

    /// @dev Whatever anybody calls, at whatever time: a claim stays as it is, or is fulfilled by its claimer in time, or is
    /// refunded after its end. It is never another's, and the request is never open again.
    function check_aClaimedRequestIsNeverClaimedAgain(address caller, uint256 value, uint48 time) external {
        bytes32 before = _held();
        vm.warp(time);
        _anybodyCalls(caller, value);
        IInferenceDesk.Request memory held = desk.requestOf(id);
        assert(held.claimer == claimer);
        if (held.state == FULFILLED) {
            assert(caller == claimer && time <= end);
        } else if (held.state == REFUNDED) {
            assert(time > end);
        } else {
            assert(_held() == before);
        }
    }

    /// @dev A true proof of any output, sent by anybody, at whatever time: it earns its claimer fee and bond, and all others
    /// nothing.
    function check_onlyTheClaimerFulfils(address caller, uint256 output, uint48 time) external {
        bytes32 before = _held();
        uint256 wealth = _wealth(claimer);
        vm.assume(time != 0);
        vm.warp(time);
        if (_fulfil(caller, output)) {
            assert(caller == claimer && time <= end && _state() == FULFILLED);
            assert(_wealth(claimer) == wealth + order.fee + order.bond);
        } else {
            assert(_held() == before);
            assert(_wealth(claimer) == wealth);
        }
    }

    /// @dev Whoever has it refunded: the bond is the requester's, or the claimer's again if the model is not accepted any longer.
    function check_theBondFollowsTheModel(address caller, uint48 time, bool refused) external {
        vm.assume(claimer != requester);
        vm.warp(time);
        if (refused) registry.deprecateModel(model);
        (uint256 asked, uint256 claimed) = (_wealth(requester), _wealth(claimer));
        vm.assume(_pays(caller, 0, abi.encodeCall(desk.refund, (id))));
        assert(_state() == REFUNDED && time > end);
        assert(_wealth(requester) == asked + order.fee + (refused ? 0 : order.bond));
        assert(_wealth(claimer) == claimed + (refused ? order.bond : 0));
    }
}

/// @dev What is settled is settled: no step of the request can be taken again. Requester and claimer have taken their payments
/// here; `CreditProof` starts from one that was refused.
contract SettledRequestProof is OneClaim {
    function setUp() public override {
        super.setUp();
        vm.assume(claimer != address(ledger) && requester != address(ledger));
    }

    /// @dev Whoever tries after a fulfilment, at whatever time.
    function check_aFulfilledRequestIsPaidOnce(address caller, uint256 value, uint48 later) external {
        vm.assume(_fulfil(claimer, 42));
        assert(_state() == FULFILLED);
        _assertSettled(caller, value, later);
    }

    /// @dev Whoever tries after a refund, at whatever time.
    function check_aRefundedRequestIsPaidOnce(address caller, uint256 value, uint48 later) external {
        vm.warp(uint256(end) + 1);
        vm.assume(_pays(claimer, 0, abi.encodeCall(desk.refund, (id))));
        assert(_state() == REFUNDED);
        _assertSettled(caller, value, later);
    }

    function _assertSettled(address caller, uint256 value, uint48 later) private {
        bytes32 before = _held();
        vm.warp(later);
        assert(!_pays(caller, value, abi.encodeCall(desk.claim, (id))));
        assert(!_pays(caller, 0, abi.encodeCall(desk.refund, (id))));
        assert(!_fulfil(caller, 42));
        assert(_held() == before);
    }
}

/// @dev A contract account that has refused its payment, and so has a credit.
contract CreditProof is OneRequest {
    OddAccount private account;
    uint256 private credit;

    function setUp() public override {
        super.setUp();
        vm.assume(order.fee != 0);
        account = new OddAccount();
        account.behave(OddAccount.Mode.Refuses);
        vm.deal(address(account), order.bond);
        vm.assume(_claim(address(account)));
        vm.assume(_fulfil(address(account), 42));
        account.behave(OddAccount.Mode.Takes);
        credit = _credit(address(account));
    }

    /// @dev That there is a credit to speak of.
    function check_aRefusedPaymentIsACredit() external view {
        assert(credit == uint256(order.fee) + order.bond);
        assert(address(account).balance == 0);
    }

    /// @dev Whatever anybody else calls, the credit stays, or is paid to its account, whole.
    function check_aCreditIsPaidToItsAccountOnly(address caller, uint256 value) external {
        vm.assume(caller != address(account));
        uint256 held = address(desk).balance;
        _anybodyCalls(caller, value);
        if (_credit(address(account)) == credit) {
            assert(address(desk).balance >= held && address(account).balance == 0);
        } else {
            assert(_credit(address(account)) == 0 && address(account).balance == credit);
            assert(address(desk).balance == held - credit);
        }
    }

    /// @dev Its account sends it wherever it likes, once; nobody gets it again.
    function check_aCreditIsPaidOnce(address to, address caller, address other) external {
        uint256 held = address(desk).balance;
        vm.assume(_pays(address(account), 0, abi.encodeCall(desk.withdrawTo, (address(0), to))));
        assert(_credit(address(account)) == 0 && address(desk).balance == held - credit);
        assert(!_pays(caller, 0, abi.encodeCall(desk.withdraw, (address(0), address(account)))));
        assert(!_pays(address(account), 0, abi.encodeCall(desk.withdrawTo, (address(0), other))));
    }
}

/// @dev Any nonce of any account.
contract NonceProof is OneRequest {
    /// @dev Whatever anybody calls, a nonce that is used stays used, and one that is not is used by its account only: no
    /// signature here has a length that a key signs.
    function check_aNonceStaysUsedAndIsItsAccounts(address account, uint256 nonce, bool used, address caller) external {
        vm.assume(_isAccount(account));
        if (used) _invalidate(account, nonce);
        assert(desk.isNonceUsed(account, nonce) == used);
        _anybodyCalls(caller, 0);
        bool now_ = desk.isNonceUsed(account, nonce);
        assert(now_ == used || (now_ && caller == account));
    }

    /// @dev Of two nonces of whatever accounts, one is used without the other.
    function check_aNonceIsUsedAlone(address account, uint256 nonce, address other, uint256 otherNonce) external {
        vm.assume(_isAccount(account) && (account != other || nonce != otherNonce));
        _invalidate(account, nonce);
        assert(!desk.isNonceUsed(other, otherNonce));
    }

    /// @dev Whatever key signed, a request that is signed uses its nonce up, and nobody sends it again.
    function check_aSignedRequestIsMadeOnce(address account, uint256 nonce, address first, address second) external {
        vm.assume(_isAccount(account));
        (order.token, order.fee) = (address(new Coin()), 0);
        bytes memory signature =
            abi.encodePacked(svm.createBytes32("r"), svm.createBytes32("s"), uint8(svm.createUint256("v")));
        bytes memory data = abi.encodeCall(desk.requestFor, (order, "", account, nonce, type(uint256).max, signature));
        vm.assume(_pays(first, 0, data));
        assert(desk.isNonceUsed(account, nonce));
        assert(!_pays(second, 0, data));
    }

    function _invalidate(address account, uint256 nonce) private {
        vm.prank(account);
        desk.invalidateNonce(nonce);
    }
}
