// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "./Test.sol";

/// @dev For tests that measure: the executed gas of a transaction, with its fixed price and that of its calldata taken off, and
/// every account and slot cold. Contracts that use it have to be isolated.
abstract contract Metered is Test {
    uint256 private constant TRANSACTION = 21_000;
    uint256 private constant ZERO_BYTE = 4;
    uint256 private constant OTHER_BYTE = 16;

    /// @dev Writes a sentence and its gas down in `snapshots/gas.json`, or compares it with what is written there.
    function _snapshot(string memory sentence, uint256 gas) internal {
        vm.snapshotValue("gas", sentence, gas);
    }

    /// @dev The gas of a transaction that has to succeed.
    function _executed(address sender, address target, uint256 value, bytes memory data)
        internal
        returns (uint256 gas)
    {
        vm.prank(sender);
        (bool success,) = target.call{value: value}(data);
        vm.assertEq(success, true);
        gas = vm.lastCallGas().gasTotalUsed - TRANSACTION;
        for (uint256 i = 0; i < data.length; ++i) {
            gas -= data[i] == 0 ? ZERO_BYTE : OTHER_BYTE;
        }
    }
}
