// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InferenceDesk} from "../src/InferenceDesk.sol";
import {Grade} from "../src/Grade.sol";
import {IInferenceDesk} from "../src/interfaces/IInferenceDesk.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {DeskHandler} from "./DeskHandler.sol";
import {Test} from "./Test.sol";
import {ICoin} from "./mocks/Coin.sol";

/// @dev What is true of a desk whatever anybody does, in whatever order; see `DeskHandler` for what they do.
contract InferenceDeskInvariants is Test {
    /// @dev As forge reads it: what to call, and by which functions.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    address private constant NATIVE = address(0);

    DeskHandler private _handler;
    InferenceDesk private _desk;
    IInferenceLedger private _ledger;

    function setUp() external {
        _handler = new DeskHandler();
        (_desk, _ledger) = _handler.parts();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev What a way to a settlement needs most is there twice.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](18);
        selectors[0] = DeskHandler.ask.selector;
        selectors[1] = DeskHandler.ask.selector;
        selectors[2] = DeskHandler.askSigned.selector;
        selectors[3] = DeskHandler.invalidate.selector;
        selectors[4] = DeskHandler.claim.selector;
        selectors[5] = DeskHandler.claim.selector;
        selectors[6] = DeskHandler.claim.selector;
        selectors[7] = DeskHandler.fulfil.selector;
        selectors[8] = DeskHandler.fulfil.selector;
        selectors[9] = DeskHandler.fulfilTwo.selector;
        selectors[10] = DeskHandler.fulfilRow.selector;
        selectors[11] = DeskHandler.refund.selector;
        selectors[12] = DeskHandler.withdraw.selector;
        selectors[13] = DeskHandler.withdrawTo.selector;
        selectors[14] = DeskHandler.record.selector;
        selectors[15] = DeskHandler.pass.selector;
        selectors[16] = DeskHandler.refuseModel.selector;
        selectors[17] = DeskHandler.ban.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector({addr: address(_handler), selectors: selectors});
    }

    function invariant_theSumOfEscrowBondsAndCreditsEqualsTheBalance() external view {
        address[] memory tokens = _handler.assets();
        address[] memory accounts = _handler.accounts();
        for (uint256 i = 0; i < tokens.length; ++i) {
            uint256 sum;
            for (uint256 j = 0; j < _handler.count(); ++j) {
                IInferenceDesk.Request memory held = _desk.requestOf(_handler.entryOf(j).id);
                if (held.token != tokens[i]) continue;
                if (held.state == IInferenceDesk.State.Open) sum += held.fee;
                if (held.state == IInferenceDesk.State.Claimed) sum += uint256(held.fee) + held.bond;
            }
            for (uint256 j = 0; j < accounts.length; ++j) {
                sum += _desk.creditOf(tokens[i], accounts[j]);
            }
            vm.assertEq(_balance(tokens[i], address(_desk)), sum);
        }
    }

    function invariant_aRequestIsSettledAtMostOnce() external view {
        for (uint256 i = 0; i < _handler.count(); ++i) {
            DeskHandler.Entry memory entry = _handler.entryOf(i);
            bool over = entry.state == IInferenceDesk.State.Fulfilled || entry.state == IInferenceDesk.State.Refunded;
            vm.assertEq(entry.settled, over ? 1 : 0);
            vm.assertEq(uint256(_desk.requestOf(entry.id).state), uint256(entry.state));
        }
    }

    function invariant_aRequestIsClaimedOnce() external view {
        for (uint256 i = 0; i < _handler.count(); ++i) {
            DeskHandler.Entry memory entry = _handler.entryOf(i);
            IInferenceDesk.Request memory held = _desk.requestOf(entry.id);
            vm.assertEq(held.claimer, entry.claimer);
            vm.assertEq(held.end, entry.end);
        }
    }

    function invariant_whatIsFulfilledIsVerifiedByTheLedger() external view {
        for (uint256 i = 0; i < _handler.count(); ++i) {
            DeskHandler.Entry memory entry = _handler.entryOf(i);
            if (entry.state != IInferenceDesk.State.Fulfilled) continue;
            (uint256 modelId, bytes32 input) = (entry.order.modelId, entry.order.inputCommitment);
            vm.assertEq(
                entry.root == 0
                    ? _ledger.isVerified(modelId, input, entry.output, Grade.Claimed)
                    : _ledger.isVerifiedInBatch(entry.root, entry.path, modelId, input, entry.output, Grade.Claimed),
                true
            );
        }
    }

    function invariant_nobodyIsPaidButTheClaimerOfWhatIsFulfilledAndTheRequesterOfWhatIsNot() external view {
        _handler.checkWealth();
    }

    function invariant_everyRequestPastItsEndCanBeRefunded() external {
        vm.expectRevert(DeskHandler.Undone.selector);
        _handler.refundAll();
    }

    function invariant_aNonceIsUsedAtMostOnce() external view {
        address[] memory accounts = _handler.accounts();
        for (uint256 i = 0; i < accounts.length; ++i) {
            for (uint256 nonce = 0; nonce < 800; nonce += 100) {
                uint256 used = _handler.accepted(accounts[i], nonce);
                if (_handler.withdrawn(accounts[i], nonce)) {
                    vm.assertEq(_desk.isNonceUsed(accounts[i], nonce), true);
                    vm.assertLt(used, 2);
                } else {
                    vm.assertEq(used, _desk.isNonceUsed(accounts[i], nonce) ? 1 : 0);
                }
            }
        }
    }

    function _balance(address token, address account) private view returns (uint256) {
        return token == NATIVE ? account.balance : ICoin(token).balanceOf(account);
    }
}
