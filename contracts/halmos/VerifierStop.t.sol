// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EzklVerifier} from "../src/EzklVerifier.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev A stop is for good, and its guardian's alone. Proven of a verifier that inherits it.
contract VerifierStopProof is Symbolic {
    EzklVerifier private verifier;
    address private guardian;

    function setUp() external {
        guardian = svm.createAddress("guardian");
        vm.assume(guardian != address(0));
        verifier = new EzklVerifier(new ModelRegistry(), guardian);
    }

    /// @dev Whatever anybody calls, what is stopped stays stopped, for every model.
    function check_whatIsStoppedNeverRunsAgain(address caller, uint256 model) external {
        vm.prank(guardian);
        verifier.stop();
        assert(verifier.isStopped(model));
        _anyCall(caller, address(verifier), "EzklVerifier");
        assert(verifier.isStopped(model));
    }

    /// @dev Whatever anybody else calls, nothing is stopped: no model is bound, so no two proofs contradict each other.
    function check_onlyTheGuardianStopsAllOfIt(address stranger, uint256 model) external {
        vm.assume(stranger != guardian);
        assert(!verifier.isStopped(model));
        _anyCall(stranger, address(verifier), "EzklVerifier");
        assert(!verifier.isStopped(model));
    }

    /// @dev Whatever anybody calls, who may stop it stays.
    function check_theGuardianStays(address caller) external {
        _anyCall(caller, address(verifier), "EzklVerifier");
        assert(verifier.guardian() == guardian);
    }

    /// @dev Without a guardian nobody stops all of it.
    function check_withoutAGuardianNobodyStops(address caller, uint256 model) external {
        EzklVerifier free = new EzklVerifier(new ModelRegistry(), address(0));
        _anyCall(caller, address(free), "EzklVerifier");
        assert(!free.isStopped(model));
    }
}
