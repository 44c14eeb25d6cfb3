// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7751} from "@openzeppelin/contracts/interfaces/IERC7751.sol";
import {Circuit, CircuitLib} from "../src/Circuit.sol";
import {CodeStore} from "../src/CodeStore.sol";
import {EzklReusableVerifier} from "../src/EzklReusableVerifier.sol";
import {FixedPoint} from "../src/FixedPoint.sol";
import {Grade} from "../src/Grade.sol";
import {InferenceGateway} from "../src/InferenceGateway.sol";
import {InferenceLedger} from "../src/InferenceLedger.sol";
import {IERC7992Registry, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IEzklReusableVerifier} from "../src/interfaces/IEzklReusableVerifier.sol";
import {IEzklVerifier} from "../src/interfaces/IEzklVerifier.sol";
import {IHalo2VerifierReusable} from "../src/interfaces/IHalo2VerifierReusable.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {IVerifierStop} from "../src/interfaces/IVerifierStop.sol";
import {Stage} from "./Stage.sol";
import {MockHalo2VerifierReusable} from "./mocks/MockHalo2VerifierReusable.sol";
import {ReasonVerifier} from "./mocks/ReasonVerifier.sol";
import {OddVerifier} from "./mocks/OddVerifier.sol";

contract EzklReusableVerifierTest is Stage {
    MockHalo2VerifierReusable private shared = new MockHalo2VerifierReusable();
    EzklReusableVerifier private reusable = new EzklReusableVerifier(registry, address(0));
    bytes private _vka = abi.encodePacked(keccak256("vka 1"), keccak256("vka 2"), keccak256("vka 3"));
    bytes32 private _digest = keccak256(_vka);
    uint256 private reusableModel = _reusableModel(address(shared), _vka);

    // External, so that a refusal can be expected.
    function declared(uint256[] calldata instances, bytes calldata proof, bytes32[] calldata vka) external {
        IHalo2VerifierReusable(address(shared)).verifyProof(proof, instances, vka);
    }

    function test_itSaysWhatItIs() external view {
        vm.assertEq(bytes32(reusable.proofSystemId()), bytes32(bytes4(keccak256("halo2-kzg-bn254-reusable-v1"))));
        vm.assertEq(uint256(reusable.grade()), uint256(Grade.Proven));
        vm.assertEq(address(reusable.registry()), address(registry));
        vm.assertEq(reusable.supportsInterface(type(IProofVerifier).interfaceId), true);
        vm.assertEq(reusable.supportsInterface(type(IEzklReusableVerifier).interfaceId), true);
        vm.assertEq(reusable.supportsInterface(0xffffffff), false);
    }

    function test_anybodyBindsAModelAndRegistersItsArtifactByThat() external {
        bytes memory vka = abi.encode("another", "vka");
        uint256 modelId = registry.registerModel(_reusableCommitment(address(shared), keccak256(vka)));
        _assertBinding(modelId, address(0), 0, 0, 0);
        vm.assertEq(shared.registered(keccak256(vka)), false);

        vm.expectEmit(address(reusable));
        emit IEzklReusableVerifier.ModelBound(modelId, address(shared), keccak256(vka), _circuit());
        vm.prank(STRANGER);
        reusable.bind(modelId, _circuit(), address(shared), vka);
        _assertBinding(modelId, address(shared), INPUTS, OUTPUTS, keccak256(vka));
        vm.assertEq(shared.registered(keccak256(vka)), true);
    }

    function test_bindingAgainChangesNothing() external {
        MockHalo2VerifierReusable twin = new MockHalo2VerifierReusable();
        vm.recordLogs();
        reusable.bind(reusableModel, _circuit(), address(shared), _vka);
        reusable.bind(reusableModel, _circuit(), address(twin), _vka);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        _assertBinding(reusableModel, address(shared), INPUTS, OUTPUTS, _digest);
    }

    function test_anotherArtifactOrOtherCodeIsRefused(bytes calldata vka) external {
        bytes32 expected = reusable.keyHashOf(address(shared).codehash, _digest);
        vm.assume(keccak256(vka) != _digest);
        vm.expectRevert(_keyMismatch(expected, reusable.keyHashOf(address(shared).codehash, keccak256(vka))));
        reusable.bind(reusableModel, _circuit(), address(shared), vka);

        vm.expectRevert(_keyMismatch(expected, reusable.keyHashOf(address(halo2).codehash, _digest)));
        reusable.bind(reusableModel, _circuit(), address(halo2), _vka);
    }

    function test_anAddressWithoutCodeIsRefusedEvenIfItsHashWasCommitted() external {
        (bool sent,) = STRANGER.call{value: 1}("");
        vm.assertEq(sent, true);
        uint256 modelId = registry.registerModel(_reusableCommitment(STRANGER, _digest));
        vm.expectRevert(
            abi.encodeWithSelector(
                IEzklReusableVerifier.KeyMismatch.selector, modelId, reusable.keyHashOf(STRANGER.codehash, _digest), 0
            )
        );
        reusable.bind(modelId, _circuit(), STRANGER, _vka);
    }

    function test_anArtifactThatIsNotWholeWordsIsRefused(uint8 length) external {
        vm.assume(length % 32 != 0);
        bytes memory vka = new bytes(length);
        uint256 modelId = registry.registerModel(_reusableCommitment(address(shared), keccak256(vka)));
        vm.expectRevert(abi.encodeWithSelector(IEzklReusableVerifier.VkaNotWhole.selector, uint256(length)));
        reusable.bind(modelId, _circuit(), address(shared), vka);
    }

    function test_anArtifactThatTheSharedVerifierDoesNotTakeIsRefused() external {
        uint256 modelId = registry.registerModel(_reusableCommitment(address(registry), _digest));
        vm.expectRevert(abi.encodeWithSelector(IEzklReusableVerifier.VkaNotTaken.selector, modelId));
        reusable.bind(modelId, _circuit(), address(registry), _vka);
        _assertBinding(modelId, address(0), 0, 0, 0);
    }

    function test_anotherCircuitOrAnotherProofSystemIsRefused() external {
        Circuit memory circuit = _circuit();
        circuit.settingsHash = 0;
        vm.expectRevert(
            abi.encodeWithSelector(
                CircuitLib.CircuitMismatch.selector,
                reusableModel,
                CircuitLib.hash(_circuit()),
                CircuitLib.hash(circuit)
            )
        );
        reusable.bind(reusableModel, circuit, address(shared), _vka);
        vm.expectRevert(abi.encodeWithSelector(IERC7992Verifier.UnsupportedProofSystem.selector, ezkl.proofSystemId()));
        reusable.bind(model, _circuit(), address(shared), _vka);
    }

    function test_aTrueProofThatCarriesTheArtifactIsAccepted(uint256 seed) external view {
        uint256[] memory instances = _instances(seed);
        vm.assertEq(reusable.verifyProof(reusableModel, instances, _carrying(instances)), INPUTS);
    }

    function test_anArtifactMayBeShorterThanTheProofBeforeIt(uint256 seed) external {
        bytes memory vka = abi.encode("vka of three words");
        bytes memory short = abi.encodePacked(keccak256(vka));
        uint256 modelId = _reusableModel(address(shared), short);
        uint256[] memory instances = _instances(seed);
        bytes memory proof = shared.mockProve(keccak256(short), instances);
        reusable.verifyProof(modelId, instances, abi.encodePacked(proof, short));
    }

    function test_onceTheArtifactIsStoredTheProofIsEnough(uint256 seed) external {
        uint256[] memory instances = _instances(seed);
        bytes memory proof = shared.mockProve(_digest, instances);
        bytes memory carrying = _carrying(instances);
        vm.expectRevert(abi.encodeWithSelector(IEzklReusableVerifier.VkaMissing.selector, reusableModel, _digest));
        reusable.verifyProof(reusableModel, instances, proof);

        vm.prank(STRANGER);
        address store = reusable.storeVka(_vka);
        vm.assertEq(reusable.storeOf(_digest), store);
        vm.assertEq(store.code, abi.encodePacked(bytes1(0), _vka));
        vm.assertEq(reusable.verifyProof(reusableModel, instances, proof), INPUTS);
        vm.assertEq(reusable.verifyProof(reusableModel, instances, carrying), INPUTS);
    }

    function test_anArtifactIsStoredOnce() external {
        vm.assertEq(reusable.storeOf(_digest), address(0));
        address expected =
            address(uint160(uint256(keccak256(abi.encodePacked(bytes2(0xd694), address(reusable), bytes1(0x01))))));
        vm.expectEmit(address(reusable));
        emit IEzklReusableVerifier.VkaStored(_digest, expected);
        vm.assertEq(reusable.storeVka(_vka), expected);
        vm.recordLogs();
        vm.assertEq(reusable.storeVka(_vka), expected);
        vm.assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_whatIsStoredIsReadAgain(bytes calldata data) external {
        vm.assertEq(CodeStore.read(CodeStore.write(data)), data);
    }

    function test_anArtifactThatCannotBeStoredIsRefusedByName() external {
        // By too little gas, because the chain of forge has no limit to the length of code.
        bytes memory vka = new bytes(24_575);
        vm.expectRevert(abi.encodeWithSelector(IEzklReusableVerifier.VkaNotStored.selector, vka.length));
        reusable.storeVka{gas: 3_000_000}(vka);
        reusable.storeVka(vka);
    }

    function test_aProofThatCarriesAnotherArtifactIsRefused(uint256 position, uint8 flip) external {
        vm.assume(flip != 0);
        uint256[] memory instances = _instances(0);
        bytes memory proof = _carrying(instances);
        position = bound(position, proof.length - _vka.length, proof.length - 1);
        proof[position] ^= bytes1(flip);
        vm.expectRevert(abi.encodeWithSelector(IEzklReusableVerifier.VkaMissing.selector, reusableModel, _digest));
        reusable.verifyProof(reusableModel, instances, proof);
    }

    function test_anArtifactThatSomebodyElseRegisteredProvesNothing() external {
        // A key built on a known secret: its owner can make a proof of anything, for the digest of that key.
        bytes memory rogue = abi.encode("a", "rogue", "key");
        bytes32[] memory words = new bytes32[](rogue.length / 32);
        for (uint256 i = 0; i < words.length; ++i) {
            assembly ("memory-safe") {
                mstore(add(add(words, 32), mul(i, 32)), mload(add(add(rogue, 32), mul(i, 32))))
            }
        }
        shared.registerVka(words);
        uint256[] memory instances = _instances(0);
        bytes memory forged = shared.mockProve(keccak256(rogue), instances);

        vm.expectRevert(abi.encodeWithSelector(IEzklReusableVerifier.VkaMissing.selector, reusableModel, _digest));
        reusable.verifyProof(reusableModel, instances, abi.encodePacked(forged, rogue));
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        reusable.verifyProof(reusableModel, instances, abi.encodePacked(forged, _vka));
        reusable.storeVka(_vka);
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        reusable.verifyProof(reusableModel, instances, abi.encodePacked(forged, rogue));
    }

    function test_theAnswerIsNoValidAbiAndIsUnderstoodAllTheSame() external {
        uint256[] memory instances = _instances(0);
        bytes memory proof = shared.mockProve(_digest, instances);
        bytes32[] memory words = new bytes32[](3);
        (words[0], words[1], words[2]) = (keccak256("vka 1"), keccak256("vka 2"), keccak256("vka 3"));
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x41)); // takes an instance for a length
        this.declared(instances, proof, words);
        reusable.verifyProof(reusableModel, instances, abi.encodePacked(proof, _vka));
    }

    function test_aStatementWithTrailingWordsIsTheSameStatement(uint256[] calldata trail) external {
        reusable.storeVka(_vka);
        InferenceLedger memory_ = new InferenceLedger(registry, _verifiers(ezkl, reusable));
        uint256[] memory instances = _instances(0);
        bytes32 input = memory_.commitmentOf(_words(instances, 0, INPUTS));
        bytes memory output = abi.encodePacked(_words(instances, INPUTS, INPUTS + OUTPUTS));
        bytes memory proof = shared.mockProve(_digest, instances);
        bytes32 id = memory_.verifyAndStoreInference(
            reusableModel, input, output, abi.encode(instances, abi.encodePacked(proof, trail))
        );
        vm.assertEq(memory_.isVerified(reusableModel, input, output, Grade.Proven), true);
        vm.recordLogs();
        vm.assertEq(memory_.verifyAndStoreInference(reusableModel, input, output, abi.encode(instances, proof)), id);
        vm.assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_aMangledProofIsRefused(uint256 seed, uint256 position, uint8 flip, bool stored) external {
        vm.assume(flip != 0);
        uint256[] memory instances = _instances(seed);
        bytes memory proof = _carrying(instances);
        proof[bound(position, 0, 63)] ^= bytes1(flip);
        if (stored) reusable.storeVka(_vka);
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        reusable.verifyProof(reusableModel, instances, proof);
    }

    function test_anyOtherProofIsRefused(uint256 seed, bytes calldata proof) external {
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        reusable.verifyProof(reusableModel, _instances(seed), abi.encodePacked(proof, _vka));
    }

    function test_aProofOfOtherInstancesIsRefused(uint256 seed, uint256 position, uint256 change) external {
        uint256[] memory instances = _instances(seed);
        bytes memory proof = _carrying(instances);
        position = bound(position, 0, instances.length - 1);
        change = bound(change, 1, FixedPoint.FIELD_MODULUS - 1);
        instances[position] = addmod(instances[position], change, FixedPoint.FIELD_MODULUS);
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        reusable.verifyProof(reusableModel, instances, proof);
    }

    function test_aProofOfAnotherModelOfTheSameVerifierIsRefused(uint256 seed) external {
        bytes memory vka = abi.encode("another", "vka");
        uint256 other = _reusableModel(address(shared), vka);
        uint256[] memory instances = _instances(seed);
        bytes memory proof = shared.mockProve(_digest, instances);
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        reusable.verifyProof(other, instances, abi.encodePacked(proof, vka));
        vm.expectRevert(abi.encodeWithSelector(IEzklReusableVerifier.VkaMissing.selector, other, keccak256(vka)));
        reusable.verifyProof(other, instances, abi.encodePacked(proof, _vka));
    }

    function test_instancesOfAnotherNumberOrSpellingAreRefused() external {
        uint256[] memory instances = _instances(0);
        bytes memory proof = _carrying(instances);
        instances[5] += FixedPoint.FIELD_MODULUS;
        vm.expectRevert(abi.encodeWithSelector(IEzklVerifier.InstanceOutOfField.selector, 5, instances[5]));
        reusable.verifyProof(reusableModel, instances, proof);
        vm.expectRevert(
            abi.encodeWithSelector(IEzklVerifier.InstanceCountMismatch.selector, uint256(INPUTS + OUTPUTS), 3)
        );
        reusable.verifyProof(reusableModel, new uint256[](3), proof);
    }

    function test_aModelThatIsNotBoundIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(IEzklVerifier.ModelNotBound.selector, 7));
        reusable.verifyProof(7, _instances(0), "");
    }

    function test_onlyOneAndTheDigestAreAYes(uint256 word, bytes32 digest, uint256 length) external {
        vm.assume(word != 1 && digest != _digest);
        _assertAnswer(abi.encode(1, _digest), true);
        _assertAnswer(abi.encode(1, _digest, word), true);
        _assertAnswer(abi.encode(word, _digest), false);
        _assertAnswer(abi.encode(1, digest), false);
        _assertAnswer("", false);
        bytes memory short = abi.encode(1, _digest);
        length = bound(length, 0, 63);
        assembly ("memory-safe") {
            mstore(short, length)
        }
        _assertAnswer(short, false);
    }

    function test_codeThatIsGoneIsANo() external {
        uint256[] memory instances = _instances(0);
        bytes memory proof = _carrying(instances);
        vm.etch(address(shared), "");
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        reusable.verifyProof(reusableModel, instances, proof);
    }

    function test_theReasonOfTheSharedVerifierIsQuotedAndItsRefusalStaysOne() external {
        bytes memory proof = _carrying(_instances(0));
        vm.etch(address(shared), address(new ReasonVerifier()).code);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC7751.WrappedError.selector,
                address(shared),
                IHalo2VerifierReusable.verifyProof.selector,
                abi.encodeWithSelector(ReasonVerifier.NotToday.selector, 7),
                abi.encodeWithSelector(IERC7992Verifier.InvalidProof.selector)
            )
        );
        reusable.verifyProof(reusableModel, _instances(0), proof);
    }

    function test_aModelIsStoppedByAContradiction(uint256 seed) external {
        uint256[] memory first = _instances(seed);
        uint256[] memory second = _instances(seed);
        second[INPUTS] = first[INPUTS] ^ 1;
        vm.assertEq(reusable.isStopped(reusableModel), false);
        reusable.stopModel(
            reusableModel, IVerifierStop.Claim(first, _carrying(first)), IVerifierStop.Claim(second, _carrying(second))
        );
        vm.assertEq(reusable.isStopped(reusableModel), true);
        bytes memory proof = _carrying(first);
        vm.expectRevert(abi.encodeWithSelector(IVerifierStop.ModelIsStopped.selector, reusableModel));
        reusable.verifyProof(reusableModel, first, proof);
    }

    /// @dev Whether a shared verifier that always answers this is understood as a yes.
    function _assertAnswer(bytes memory answer, bool yes) private {
        OddVerifier odd = new OddVerifier(answer);
        IERC7992Registry.ModelCommitment memory commitment = _reusableCommitment(address(odd), _digest);
        commitment.modelHash = keccak256(abi.encode(odd));
        uint256 modelId = registry.registerModel(commitment);
        reusable.bind(modelId, _circuit(), address(odd), _vka);
        if (!yes) vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        reusable.verifyProof(modelId, _instances(0), _vka);
    }

    /// @dev A true proof, followed by the artifact.
    function _carrying(uint256[] memory instances) private view returns (bytes memory) {
        return abi.encodePacked(shared.mockProve(_digest, instances), _vka);
    }

    function _reusableModel(address verifier, bytes memory vka) private returns (uint256 modelId) {
        modelId = registry.registerModel(_reusableCommitment(verifier, keccak256(vka)));
        reusable.bind(modelId, _circuit(), verifier, vka);
    }

    function _reusableCommitment(address verifier, bytes32 digest)
        private
        view
        returns (IERC7992Registry.ModelCommitment memory commitment)
    {
        commitment = _commitment(address(halo2));
        commitment.proofSystemId = reusable.proofSystemId();
        commitment.vkHash = reusable.keyHashOf(verifier.codehash, digest);
    }

    function _keyMismatch(bytes32 expected, bytes32 got) private view returns (bytes memory) {
        return abi.encodeWithSelector(IEzklReusableVerifier.KeyMismatch.selector, reusableModel, expected, got);
    }

    function _assertBinding(uint256 modelId, address verifier, uint256 inputs, uint256 outputs, bytes32 digest)
        private
        view
    {
        (address boundTo, uint32 boundInputs, uint32 boundOutputs, bytes32 boundDigest) = reusable.bindingOf(modelId);
        vm.assertEq(boundTo, verifier);
        vm.assertEq(boundInputs, inputs);
        vm.assertEq(boundOutputs, outputs);
        vm.assertEq(boundDigest, digest);
    }
}
