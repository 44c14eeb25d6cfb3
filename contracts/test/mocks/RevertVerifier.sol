// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A contract at the place of a generated verifier that refuses with the words of an acceptance
contract RevertVerifier {
    bytes32 private immutable _first;
    bytes32 private immutable _second;

    constructor(bytes32 first, bytes32 second) {
        (_first, _second) = (first, second);
    }

    fallback() external {
        (bytes32 first, bytes32 second) = (_first, _second);
        assembly ("memory-safe") {
            mstore(0, first)
            mstore(32, second)
            revert(0, 64)
        }
    }
}
