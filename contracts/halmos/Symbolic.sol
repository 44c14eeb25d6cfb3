// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev The cheatcodes that these properties use, of those of forge that halmos knows.
interface ForgeCheats {
    function assume(bool condition) external pure;
    function deal(address account, uint256 balance) external;
    function load(address account, bytes32 slot) external view returns (bytes32);
    function prank(address sender) external;
    function warp(uint256 time) external;
}

/// @dev The cheatcodes of halmos that these properties use.
interface HalmosCheats {
    function createAddress(string calldata name) external returns (address);
    function createBytes32(string calldata name) external returns (bytes32);
    function createCalldata(string calldata contractName) external returns (bytes memory);
    function createUint256(string calldata name) external returns (uint256);
}

/// @dev What every contract of properties starts from. A function that begins with `check_` is proven by halmos for all of its
/// arguments, and for every call that `_anyCall` can stand for.
abstract contract Symbolic {
    ForgeCheats internal constant vm = ForgeCheats(address(uint160(uint256(keccak256("hevm cheat code")))));
    HalmosCheats internal constant svm = HalmosCheats(address(uint160(uint256(keccak256("svm cheat code")))));

    /// @dev An account calls any function with any arguments, but for the function `left`; it may revert.
    function _anyCallBut(bytes4 left, address caller, address target, string memory contractName) internal {
        bytes memory data = svm.createCalldata(contractName);
        vm.assume(bytes4(data) != left);
        _call(caller, target, data);
    }

    /// @dev An account calls any function with any arguments; it may revert.
    function _anyCall(address caller, address target, string memory contractName) internal {
        _call(caller, target, svm.createCalldata(contractName));
    }

    function _call(address caller, address target, bytes memory data) internal returns (bool succeeded) {
        return _callPaying(caller, 0, target, data);
    }

    /// @dev Nobody has the key of account zero, and no contract lies there.
    function _callPaying(address caller, uint256 value, address target, bytes memory data)
        internal
        returns (bool succeeded)
    {
        vm.assume(caller != address(0));
        vm.prank(caller);
        (succeeded,) = target.call{value: value}(data);
    }
}
