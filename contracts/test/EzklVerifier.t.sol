// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7751} from "@openzeppelin/contracts/interfaces/IERC7751.sol";
import {Circuit, CircuitLib, Visibility} from "../src/Circuit.sol";
import {Commitments} from "../src/Commitments.sol";
import {FixedPoint} from "../src/FixedPoint.sol";
import {Grade} from "../src/Grade.sol";
import {IERC7992Registry, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IEzklVerifier} from "../src/interfaces/IEzklVerifier.sol";
import {IHalo2Verifier} from "../src/interfaces/IHalo2Verifier.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {Stage} from "./Stage.sol";
import {MockHalo2Verifier} from "./mocks/MockHalo2Verifier.sol";
import {ReasonVerifier} from "./mocks/ReasonVerifier.sol";
import {OddVerifier} from "./mocks/OddVerifier.sol";

contract EzklVerifierTest is Stage {
    function test_itSaysWhatItIs() external view {
        vm.assertEq(bytes32(ezkl.proofSystemId()), bytes32(bytes4(0x301c92ec)));
        vm.assertEq(uint256(ezkl.grade()), uint256(Grade.Proven));
        vm.assertEq(address(ezkl.registry()), address(registry));
        vm.assertEq(ezkl.supportsInterface(type(IProofVerifier).interfaceId), true);
        vm.assertEq(ezkl.supportsInterface(type(IEzklVerifier).interfaceId), true);
        vm.assertEq(ezkl.supportsInterface(0xffffffff), false);
    }

    function test_anybodyBindsAModelToItsVerifier() external {
        MockHalo2Verifier verifier = new MockHalo2Verifier("two", INPUTS + OUTPUTS, PROOF_WORDS);
        uint256 modelId = registry.registerModel(_commitment(address(verifier)));
        _assertBinding(modelId, address(0), 0, 0);

        vm.expectEmit(address(ezkl));
        emit IEzklVerifier.ModelBound(modelId, address(verifier), _circuit());
        vm.prank(STRANGER);
        ezkl.bind(modelId, _circuit(), address(verifier));
        _assertBinding(modelId, address(verifier), INPUTS, OUTPUTS);
    }

    function test_bindingAgainChangesNothing() external {
        MockHalo2Verifier twin = new MockHalo2Verifier("one", INPUTS + OUTPUTS, PROOF_WORDS);
        vm.recordLogs();
        ezkl.bind(model, _circuit(), address(halo2));
        ezkl.bind(model, _circuit(), address(twin));
        vm.assertEq(vm.getRecordedLogs().length, 0);
        _assertBinding(model, address(halo2), INPUTS, OUTPUTS);
    }

    function test_aBoundModelCannotBeBoundWronglyEither() external {
        MockHalo2Verifier other = new MockHalo2Verifier("two", INPUTS + OUTPUTS, PROOF_WORDS);
        vm.expectRevert(_codeMismatch(model, address(halo2), address(other).codehash));
        ezkl.bind(model, _circuit(), address(other));
    }

    function test_aModelThatIsNotListedIsNotBound() external {
        vm.expectRevert(abi.encodeWithSelector(IERC7992Registry.ModelNotFound.selector, 7));
        ezkl.bind(7, _circuit(), address(halo2));
    }

    function test_aModelOfAnotherProofSystemIsNotBound() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.proofSystemId = claims.proofSystemId();
        uint256 modelId = registry.registerModel(commitment);
        vm.expectRevert(
            abi.encodeWithSelector(IERC7992Verifier.UnsupportedProofSystem.selector, commitment.proofSystemId)
        );
        ezkl.bind(modelId, _circuit(), address(halo2));
    }

    function test_aCircuitThatIsNotTheCommittedOneIsRefused() external {
        bytes32 expected = CircuitLib.hash(_circuit());
        for (uint256 field = 0; field < 6; ++field) {
            Circuit memory circuit = _circuit();
            if (field == 0) circuit.settingsHash = 0;
            if (field == 1) circuit.inputVisibility = Visibility.Private;
            if (field == 2) circuit.inputs[0].elements += 1;
            if (field == 3) circuit.outputs[0].elements -= 1;
            if (field == 4) circuit.outputs[0].scale = -circuit.outputs[0].scale;
            if (field == 5) circuit.inputs = _tensors(0);
            vm.expectRevert(
                abi.encodeWithSelector(CircuitLib.CircuitMismatch.selector, model, expected, CircuitLib.hash(circuit))
            );
            ezkl.bind(model, circuit, address(halo2));
        }
    }

    function test_codeThatIsNotTheCommittedOneIsRefused() external {
        MockHalo2Verifier other = new MockHalo2Verifier("two", INPUTS + OUTPUTS, PROOF_WORDS);
        uint256 modelId = registry.registerModel(_commitment(address(other)));
        vm.expectRevert(_codeMismatch(modelId, address(other), address(halo2).codehash));
        ezkl.bind(modelId, _circuit(), address(halo2));
    }

    function test_anAddressWithoutCodeIsRefusedEvenIfItsHashWasCommitted() external {
        // An account with a history and no code: its code hash is that of nothing, which a commitment may well hold.
        (bool sent,) = STRANGER.call{value: 1}("");
        vm.assertEq(sent, true);
        vm.assertEq(STRANGER.codehash, keccak256(""));
        uint256 modelId = registry.registerModel(_commitment(STRANGER));
        vm.expectRevert(_codeMismatch(modelId, STRANGER, keccak256("")));
        ezkl.bind(modelId, _circuit(), STRANGER);
    }

    function test_theInputInstancesFollowTheVisibility() external {
        Circuit memory circuit = _circuit();
        vm.assertEq(CircuitLib.inputInstances(circuit), INPUTS);
        circuit.inputVisibility = Visibility.Hashed;
        vm.assertEq(CircuitLib.inputInstances(circuit), 1);
        circuit.inputVisibility = Visibility.Private;
        vm.assertEq(CircuitLib.inputInstances(circuit), 0);
        vm.assertEq(CircuitLib.outputInstances(circuit), OUTPUTS);

        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.circuitHash = CircuitLib.hash(circuit);
        uint256 modelId = registry.registerModel(commitment);
        ezkl.bind(modelId, circuit, address(halo2));
        _assertBinding(modelId, address(halo2), 0, OUTPUTS);
    }

    function test_aTrueProofIsAccepted(uint256 seed) external view {
        uint256[] memory instances = _instances(seed);
        vm.assertEq(ezkl.verifyProof(model, instances, halo2.mockProve(instances)), INPUTS);
    }

    function test_aMangledProofIsRefused(uint256 seed, uint256 position, uint8 flip) external {
        vm.assume(flip != 0);
        uint256[] memory instances = _instances(seed);
        bytes memory proof = halo2.mockProve(instances);
        proof[bound(position, 0, proof.length - 1)] ^= bytes1(flip);
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        ezkl.verifyProof(model, instances, proof);
    }

    function test_anyOtherProofIsRefused(uint256 seed, bytes calldata proof) external {
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        ezkl.verifyProof(model, _instances(seed), proof);
    }

    function test_aProofOfOtherInstancesIsRefused(uint256 seed, uint256 position, uint256 change) external {
        uint256[] memory instances = _instances(seed);
        bytes memory proof = halo2.mockProve(instances);
        position = bound(position, 0, instances.length - 1);
        change = bound(change, 1, FixedPoint.FIELD_MODULUS - 1);
        instances[position] = addmod(instances[position], change, FixedPoint.FIELD_MODULUS);
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        ezkl.verifyProof(model, instances, proof);
    }

    function test_aProofOfAnotherModelIsRefused(uint256 seed) external {
        MockHalo2Verifier other = new MockHalo2Verifier("two", INPUTS + OUTPUTS, PROOF_WORDS);
        uint256 otherModel = _model(address(other));
        uint256[] memory instances = _instances(seed);
        bytes memory proof = halo2.mockProve(instances);
        ezkl.verifyProof(model, instances, proof);
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        ezkl.verifyProof(otherModel, instances, proof);
    }

    function test_aSecondSpellingOfAnInstanceIsRefusedByName(uint256 seed, uint256 position) external {
        uint256[] memory instances = _instances(seed);
        bytes memory proof = halo2.mockProve(instances);
        position = bound(position, 0, instances.length - 1);
        instances[position] += FixedPoint.FIELD_MODULUS;
        vm.expectRevert(
            abi.encodeWithSelector(IEzklVerifier.InstanceOutOfField.selector, position, instances[position])
        );
        ezkl.verifyProof(model, instances, proof);
    }

    function test_theOrderOfTheFieldIsASecondSpellingOfZero(uint256 position) external {
        uint256[] memory instances = new uint256[](INPUTS + OUTPUTS);
        ezkl.verifyProof(model, instances, halo2.mockProve(instances));
        position = bound(position, 0, instances.length - 1);
        instances[position] = FixedPoint.FIELD_MODULUS;
        bytes memory proof = halo2.mockProve(instances);
        vm.expectRevert(
            abi.encodeWithSelector(IEzklVerifier.InstanceOutOfField.selector, position, FixedPoint.FIELD_MODULUS)
        );
        ezkl.verifyProof(model, instances, proof);
    }

    function test_aModelMayHaveMoreInstancesThan16BitsCount() external {
        Circuit memory circuit = _circuit();
        (circuit.inputs[0].elements, circuit.outputs[0].elements) = (1 << 17, (1 << 32) - 1);
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.circuitHash = CircuitLib.hash(circuit);
        uint256 modelId = registry.registerModel(commitment);
        ezkl.bind(modelId, circuit, address(halo2));
        _assertBinding(modelId, address(halo2), 1 << 17, (1 << 32) - 1);

        uint256[] memory instances = _instances(0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IEzklVerifier.InstanceCountMismatch.selector, (1 << 17) + (1 << 32) - 1, instances.length
            )
        );
        ezkl.verifyProof(modelId, instances, "");
    }

    function test_anotherNumberOfInstancesIsRefused(uint8 count) external {
        vm.assume(count != INPUTS + OUTPUTS);
        uint256[] memory instances = new uint256[](count);
        bytes memory proof = halo2.mockProve(instances);
        vm.expectRevert(
            abi.encodeWithSelector(IEzklVerifier.InstanceCountMismatch.selector, uint256(INPUTS + OUTPUTS), count)
        );
        ezkl.verifyProof(model, instances, proof);
    }

    function test_aModelThatIsNotBoundIsRefused() external {
        uint256[] memory instances = _instances(0);
        bytes memory proof = halo2.mockProve(instances);
        vm.expectRevert(abi.encodeWithSelector(IEzklVerifier.ModelNotBound.selector, 7));
        ezkl.verifyProof(7, instances, proof);
    }

    function test_onlyTheWholeWordOneIsAYes(uint256 word, uint256 length) external {
        vm.assume(word != 1);
        uint256[] memory instances = _instances(0);
        ezkl.verifyProof(_odd(abi.encode(1)), instances, "");
        ezkl.verifyProof(_odd(abi.encode(1, word)), instances, "");

        _refuses(abi.encode(word), instances);
        _refuses(abi.encode(word, 1), instances);
        _refuses(_cut(abi.encode(1), bound(length, 0, 31)), instances);
    }

    function test_aShortAnswerIsNotCompletedByWhatLiesInMemory() external {
        OddVerifier verifier = new OddVerifier(new bytes(31));
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(verifier));
        // The id lies in scratch space when the answer comes: 31 zeros before its last byte would be the word 1.
        uint256 modelId;
        for (uint256 i = 0; uint8(modelId) != 1; ++i) {
            commitment.modelHash = keccak256(abi.encode(i));
            modelId = Commitments.modelId(
                commitment.modelHash, commitment.circuitHash, commitment.vkHash, commitment.proofSystemId
            );
        }
        registry.registerModel(commitment);
        ezkl.bind(modelId, _circuit(), address(verifier));
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        ezkl.verifyProof(modelId, _instances(0), "");
    }

    function test_theReasonOfAVerifierIsQuotedAndItsRefusalStaysOne() external {
        ReasonVerifier verifier = new ReasonVerifier();
        uint256 modelId = _model(address(verifier));
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC7751.WrappedError.selector,
                address(verifier),
                IHalo2Verifier.verifyProof.selector,
                abi.encodeWithSelector(ReasonVerifier.NotToday.selector, 7),
                abi.encodeWithSelector(IERC7992Verifier.InvalidProof.selector)
            )
        );
        ezkl.verifyProof(modelId, _instances(0), "");
    }

    function test_falseAndTwoAndNothingAreNo() external {
        uint256[] memory instances = _instances(0);
        _refuses(abi.encode(false), instances);
        _refuses(abi.encode(2), instances);
        _refuses("", instances);
        _refuses(hex"01", instances);
    }

    function test_codeThatIsGoneIsANo() external {
        uint256[] memory instances = _instances(0);
        bytes memory proof = halo2.mockProve(instances);
        ezkl.verifyProof(model, instances, proof);
        vm.etch(address(halo2), "");
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        ezkl.verifyProof(model, instances, proof);
    }

    function _refuses(bytes memory answer, uint256[] memory instances) private {
        uint256 modelId = _odd(answer);
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        ezkl.verifyProof(modelId, instances, "");
    }

    /// @dev A model whose verifier always answers this. All such verifiers share their code, so the models differ.
    function _odd(bytes memory answer) private returns (uint256 modelId) {
        OddVerifier verifier = new OddVerifier(answer);
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(verifier));
        commitment.modelHash = keccak256(abi.encode(verifier));
        modelId = registry.registerModel(commitment);
        ezkl.bind(modelId, _circuit(), address(verifier));
    }

    function _cut(bytes memory data, uint256 length) private pure returns (bytes memory start) {
        start = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            start[i] = data[i];
        }
    }

    function _codeMismatch(uint256 modelId, address expected, bytes32 got) private view returns (bytes memory) {
        return abi.encodeWithSelector(IEzklVerifier.VerifierCodeMismatch.selector, modelId, expected.codehash, got);
    }

    function _assertBinding(uint256 modelId, address verifier, uint256 inputs, uint256 outputs) private view {
        (address boundTo, uint32 boundInputs, uint32 boundOutputs) = ezkl.bindingOf(modelId);
        vm.assertEq(boundTo, verifier);
        vm.assertEq(boundInputs, inputs);
        vm.assertEq(boundOutputs, outputs);
    }
}
