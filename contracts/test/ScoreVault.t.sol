// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ScoreVault} from "../src/examples/ScoreVault.sol";
import {Grade, IVerifiedInferenceConsumer} from "../src/interfaces/IVerifiedInferenceConsumer.sol";
import {Stage} from "./Stage.sol";

/// @dev Deadlines and ids to the second and to the number; what a score decides is in Examples.t.sol.
contract ScoreVaultTest is Stage {
    uint48 private constant DEADLINE = 10 days;

    ScoreVault private vault = new ScoreVault(
        IVerifiedInferenceConsumer.Terms({
            ledger: ledger, modelId: model, lineId: 0, minGrade: Grade.Proven, maxAge: 20 days
        }),
        0
    );

    function test_atTheDeadlineADepositIsReleasedStill() external {
        uint256[] memory instances = _instances(0);
        for (uint256 i = 0; i < instances.length; ++i) {
            instances[i] = i;
        }
        Inference memory told = _inference(instances);
        uint256 id = _deposit(told.inputCommitment);
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        vm.warp(uint256(DEADLINE) + 1);
        vm.expectRevert(abi.encodeWithSelector(ScoreVault.TooLate.selector, DEADLINE));
        vault.release(id, told.output);
        vm.warp(DEADLINE);
        vault.release(id, told.output);
        vm.assertEq(STRANGER.balance, 1);
    }

    function test_untilTheDeadlineNothingIsGivenBack(uint48 early, uint48 late) external {
        early = uint48(bound(early, 1, DEADLINE));
        late = uint48(bound(late, DEADLINE + 1, type(uint48).max));
        uint256 id = _deposit("input");
        vm.warp(early);
        vm.expectRevert(abi.encodeWithSelector(ScoreVault.TooEarly.selector, DEADLINE));
        vault.refund(id);
        vm.warp(late);
        vault.refund(id);
        vm.assertEq(address(vault).balance, 0);
    }

    function test_underAnIdThatNobodyWasGivenNothingIsHeld(uint256 id) external {
        uint256 given = _deposit("input");
        id = bound(id, given + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(ScoreVault.NothingHeld.selector, id));
        vault.release(id, "");
        vm.expectRevert(abi.encodeWithSelector(ScoreVault.NothingHeld.selector, id));
        vault.refund(id);
    }

    function _deposit(bytes32 inputCommitment) private returns (uint256) {
        vm.warp(1);
        return vault.deposit{value: 1}(STRANGER, inputCommitment, type(int256).min, DEADLINE);
    }

    receive() external payable {}
}
