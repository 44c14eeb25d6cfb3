// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A contract at the place of a generated verifier that answers as no generated verifier does
/// @notice Answers every call with the bytes it was made with.
contract OddVerifier {
    bytes private _answer;

    constructor(bytes memory answer) {
        _answer = answer;
    }

    fallback(bytes calldata) external returns (bytes memory) {
        return _answer;
    }
}
