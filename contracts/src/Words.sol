// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @notice Hashes calldata where it lies. Solidity's own way allocates a copy for each hash, and a verification makes four.
/// The memory after the free pointer is scratch space here: written, hashed, and left unallocated.
library Words {
    /// @notice `keccak256(abi.encodePacked(words))`
    function hash(uint256[] calldata words) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            let size := mul(words.length, 32)
            calldatacopy(scratch, words.offset, size)
            result := keccak256(scratch, size)
        }
    }

    /// @notice `keccak256(abi.encodePacked(head, words))`
    function hash(bytes32 head, uint256[] calldata words) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            let size := mul(words.length, 32)
            mstore(scratch, head)
            calldatacopy(add(scratch, 32), words.offset, size)
            result := keccak256(scratch, add(size, 32))
        }
    }

    /// @notice `keccak256(abi.encodePacked(first, second, tail))`
    function hash(bytes32 first, bytes32 second, bytes calldata tail) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            mstore(scratch, first)
            mstore(add(scratch, 32), second)
            calldatacopy(add(scratch, 64), tail.offset, tail.length)
            result := keccak256(scratch, add(tail.length, 64))
        }
    }

    /// @notice Whether `data` is exactly these words, one after another.
    function equal(uint256[] calldata words, bytes calldata data) internal pure returns (bool same) {
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            let size := mul(words.length, 32)
            calldatacopy(scratch, words.offset, size)
            let wanted := keccak256(scratch, size)
            calldatacopy(scratch, data.offset, data.length)
            same := eq(keccak256(scratch, data.length), wanted)
        }
    }
}
