// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reenterer} from "./Reenterer.sol";

/// @title A contract account that takes ether, or refuses it, or makes it expensive
contract OddAccount is Reenterer {
    enum Mode {
        Takes,
        Refuses,
        Loops,
        Bombs,
        NeedsGas
    }

    /// @notice More than a payment gets, and less than a withdrawal.
    uint256 private constant NEEDED = 200_000;

    Mode private _mode;

    error NotMine();

    function behave(Mode mode) external {
        _mode = mode;
    }

    receive() external payable {
        if (_mode == Mode.Refuses) revert NotMine();
        if (_mode == Mode.NeedsGas && gasleft() < NEEDED) revert NotMine();
        while (_mode == Mode.Loops) {}
        if (_mode == Mode.Bombs) {
            assembly {
                revert(0, 1000000)
            }
        }
        _reenter();
    }
}
