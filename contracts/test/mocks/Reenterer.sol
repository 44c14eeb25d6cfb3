// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Something that calls back into whoever calls it
/// @notice Makes one call when it is called itself, and keeps count of what became of it.
abstract contract Reenterer {
    address private _target;
    bytes private _message;

    /// @notice How often the call succeeded, and how often it was refused with this error.
    mapping(bytes4 selector => uint256) public refused;
    uint256 public succeeded;

    function obey(address target, bytes calldata message) external {
        (_target, _message) = (target, message);
    }

    function _reenter() internal {
        if (_target == address(0)) return;
        (bool success, bytes memory answer) = _target.call(_message);
        if (success) ++succeeded;
        else ++refused[bytes4(answer)];
    }
}
