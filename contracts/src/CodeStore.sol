// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @notice Bytes kept as the code of a contract, which costs less to write and far less to read than storage. A zero byte
/// stands before them: it stops a call, so what is stored is never run.
library CodeStore {
    /// @dev Copies what follows these twelve bytes into memory and returns it as code: the zero byte, then the data.
    /// `PUSH1 12, DUP1, CODESIZE, SUB, DUP1, PUSH1 12, PUSH0, CODECOPY, PUSH0, RETURN`, in the order of the stack.
    bytes12 private constant CREATOR = 0x600c80380380600c5f395ff3;

    /// @notice Stores the data; zero if it could not be.
    function write(bytes memory data) internal returns (address store) {
        bytes memory initcode = abi.encodePacked(CREATOR, bytes1(0), data);
        assembly ("memory-safe") {
            store := create(0, add(initcode, 32), mload(initcode))
        }
    }

    /// @notice The data of a store that `write` has made.
    function read(address store) internal view returns (bytes memory data) {
        data = new bytes(store.code.length - 1);
        assembly ("memory-safe") {
            extcodecopy(store, add(data, 32), 1, mload(data))
        }
    }
}
