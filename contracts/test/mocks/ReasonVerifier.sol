// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A contract at the place of a generated verifier that says why it refuses
contract ReasonVerifier {
    error NotToday(uint256 day);

    fallback() external {
        revert NotToday({day: 7});
    }
}
