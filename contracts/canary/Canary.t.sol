// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Must fail. `FOUNDRY_PROFILE=canary forge test` has to exit with a code other than zero; if it exits with zero,
/// the tool that runs the tests hides failures and no green run means anything.
contract CanaryTest {
    error TheCanarySings();

    function test_aFailingTestFailsTheRun() external pure {
        revert TheCanarySings();
    }
}
