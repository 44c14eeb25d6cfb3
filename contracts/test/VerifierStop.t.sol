// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib, Visibility} from "../src/Circuit.sol";
import {FixedPoint} from "../src/FixedPoint.sol";
import {EzklVerifier} from "../src/EzklVerifier.sol";
import {InferenceLedger} from "../src/InferenceLedger.sol";
import {IERC7992Registry, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {IVerifierStop} from "../src/interfaces/IVerifierStop.sol";
import {Stage} from "./Stage.sol";
import {MockHalo2Verifier} from "./mocks/MockHalo2Verifier.sol";

/// @dev Of the adapter to generated verifiers; what the other two have of their own is in their tests.
contract VerifierStopTest is Stage {
    address private immutable GUARDIAN = address(uint160(uint256(keccak256("guardian"))));

    EzklVerifier private brake = new EzklVerifier(registry, GUARDIAN);
    InferenceLedger private guarded = new InferenceLedger(registry, _verifiers(brake, claims));

    constructor() {
        brake.bind(model, _circuit(), address(halo2));
    }

    function test_itSaysWhoMayStopIt() external view {
        vm.assertEq(brake.guardian(), GUARDIAN);
        vm.assertEq(ezkl.guardian(), address(0));
        vm.assertEq(brake.supportsInterface(type(IProofVerifier).interfaceId), true);
        vm.assertEq(brake.supportsInterface(type(IVerifierStop).interfaceId), true);
        vm.assertEq(brake.supportsInterface(0xffffffff), false);
    }

    function test_whileItRunsItAcceptsWhatIsProven(uint256 seed) external view {
        uint256[] memory instances = _instances(seed);
        vm.assertEq(brake.isStopped(model), false);
        vm.assertEq(guarded.accepts(model), true);
        vm.assertEq(brake.verifyProof(model, instances, halo2.mockProve(instances)), INPUTS);
    }

    function test_withoutAGuardianNobodyStopsAllOfIt(address caller) external {
        vm.assume(caller != address(0));
        vm.expectRevert(abi.encodeWithSelector(IVerifierStop.NotGuardian.selector, caller));
        vm.prank(caller);
        ezkl.stop();
    }

    function test_theGuardianStopsAllOfIt(uint256 seed) external {
        uint256[] memory instances = _instances(seed);
        bytes memory proof = halo2.mockProve(instances);
        IVerifierStop.Claim memory claim = _claim(instances);
        vm.expectEmit(address(brake));
        emit IVerifierStop.VerifierStopped();
        vm.prank(GUARDIAN);
        brake.stop();

        vm.assertEq(brake.isStopped(model), true);
        vm.assertEq(brake.isStopped(seed), true);
        vm.expectRevert(IVerifierStop.VerifierIsStopped.selector);
        brake.verifyProof(model, instances, proof);
        vm.expectRevert(IVerifierStop.VerifierIsStopped.selector);
        brake.stopModel(model, claim, claim);

        vm.recordLogs();
        vm.prank(GUARDIAN);
        brake.stop();
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(brake.isStopped(model), true);
    }

    function test_nobodyElseStopsAllOfIt(address caller) external {
        vm.assume(caller != GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IVerifierStop.NotGuardian.selector, caller));
        vm.prank(caller);
        brake.stop();
    }

    function test_aStoppedVerifierChangesNoState(bool byGuardian, uint256 seed) external {
        Inference memory told = _guardedInference(_instances(seed));
        bytes memory refusal = abi.encodeWithSelector(IVerifierStop.VerifierIsStopped.selector);
        if (byGuardian) {
            vm.prank(GUARDIAN);
            brake.stop();
        } else {
            _contradict();
            refusal = abi.encodeWithSelector(IVerifierStop.ModelIsStopped.selector, model);
        }
        vm.expectRevert(refusal);
        guarded.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        vm.assertEq(guarded.isRecorded(keccak256(abi.encodePacked(model, told.inputCommitment, told.output))), false);
    }

    function test_whatWasRecordedBeforeAStopStays() external {
        Inference memory told = _guardedInference(_instances(0));
        bytes32 id = guarded.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        vm.prank(GUARDIAN);
        brake.stop();
        vm.assertEq(guarded.isRecorded(id), true);
    }

    function test_anybodyStopsAModelByAContradiction(uint256 seed, uint256 position, uint256 change) external {
        uint256[] memory first = _instances(seed);
        uint256[] memory second = _instances(seed);
        position = bound(position, INPUTS, INPUTS + OUTPUTS - 1);
        change = bound(change, 1, FixedPoint.FIELD_MODULUS - 1);
        second[position] = addmod(second[position], change, FixedPoint.FIELD_MODULUS);
        (IVerifierStop.Claim memory one, IVerifierStop.Claim memory two) = (_claim(first), _claim(second));
        vm.expectEmit(address(brake));
        emit IVerifierStop.ModelStopped(model, first, second);
        vm.prank(STRANGER);
        brake.stopModel(model, one, two);

        vm.assertEq(brake.isStopped(model), true);
        bytes memory refusal = abi.encodeWithSelector(IVerifierStop.ModelIsStopped.selector, model);
        bytes memory proof = halo2.mockProve(first);
        vm.expectRevert(refusal);
        brake.verifyProof(model, first, proof);
        vm.expectRevert(refusal);
        brake.stopModel(model, one, two);
    }

    function test_aContradictionOfOneModelStopsNoOther() external {
        MockHalo2Verifier other = new MockHalo2Verifier("two", INPUTS + OUTPUTS, PROOF_WORDS);
        uint256 otherModel = _model(address(other));
        brake.bind(otherModel, _circuit(), address(other));
        _contradict();
        uint256[] memory instances = _instances(0);
        vm.assertEq(brake.isStopped(otherModel), false);
        vm.assertEq(brake.verifyProof(otherModel, instances, other.mockProve(instances)), INPUTS);
    }

    function test_twoProofsOfOneStatementAreNoContradiction(uint256 seed) external {
        IVerifierStop.Claim memory claim = _claim(_instances(seed));
        vm.expectRevert(abi.encodeWithSelector(IVerifierStop.OutputsAgree.selector, model));
        brake.stopModel(model, claim, claim);
    }

    function test_twoInputsAreNoContradiction(uint256 seed, uint256 position, uint256 change) external {
        uint256[] memory first = _instances(seed);
        uint256[] memory second = _instances(seed);
        position = bound(position, 0, INPUTS - 1);
        change = bound(change, 1, FixedPoint.FIELD_MODULUS - 1);
        second[position] = addmod(second[position], change, FixedPoint.FIELD_MODULUS);
        second[INPUTS] = addmod(second[INPUTS], 1, FixedPoint.FIELD_MODULUS);
        (IVerifierStop.Claim memory one, IVerifierStop.Claim memory two) = (_claim(first), _claim(second));
        vm.expectRevert(abi.encodeWithSelector(IVerifierStop.InputsDiffer.selector, model));
        brake.stopModel(model, one, two);
    }

    function test_anOutputThatIsNotProvenIsNoContradiction(bool isFirst) external {
        IVerifierStop.Claim memory first = _claim(_instances(0));
        IVerifierStop.Claim memory second = _claim(_instances(0));
        if (isFirst) first.instances[INPUTS] = 1;
        else second.instances[INPUTS] = 1;
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        brake.stopModel(model, first, second);
        vm.assertEq(brake.isStopped(model), false);
    }

    function test_aHiddenInputIsNoContradiction() external {
        Circuit memory circuit = _circuit();
        circuit.inputVisibility = Visibility.Private;
        MockHalo2Verifier hiding = new MockHalo2Verifier("hiding", OUTPUTS, PROOF_WORDS);
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(hiding));
        commitment.circuitHash = CircuitLib.hash(circuit);
        uint256 modelId = registry.registerModel(commitment);
        brake.bind(modelId, circuit, address(hiding));

        uint256[] memory one = _words(_instances(1), 0, OUTPUTS);
        uint256[] memory two = _words(_instances(2), 0, OUTPUTS);
        IVerifierStop.Claim memory first = IVerifierStop.Claim(one, hiding.mockProve(one));
        IVerifierStop.Claim memory second = IVerifierStop.Claim(two, hiding.mockProve(two));
        vm.expectRevert(abi.encodeWithSelector(IVerifierStop.InputNotShown.selector, modelId));
        brake.stopModel(modelId, first, second);
    }

    function _contradict() private {
        uint256[] memory other = _instances(0);
        other[INPUTS] = 1;
        brake.stopModel(model, _claim(_instances(0)), _claim(other));
    }

    function _claim(uint256[] memory instances) private view returns (IVerifierStop.Claim memory) {
        return IVerifierStop.Claim({instances: instances, proof: halo2.mockProve(instances)});
    }

    /// @dev A true inference for the gateway behind the guarded ledger.
    function _guardedInference(uint256[] memory instances) private view returns (Inference memory told) {
        told = _inference(instances);
        told.inputCommitment = guarded.commitmentOf(_words(instances, 0, INPUTS));
    }
}
