// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib} from "../src/Circuit.sol";
import {FixedPoint} from "../src/FixedPoint.sol";
import {Grade} from "../src/Grade.sol";
import {InferenceLedger} from "../src/InferenceLedger.sol";
import {SignedInferenceVerifier} from "../src/SignedInferenceVerifier.sol";
import {IERC7992Registry, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IEzklVerifier} from "../src/interfaces/IEzklVerifier.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {ISignedInferenceVerifier} from "../src/interfaces/ISignedInferenceVerifier.sol";
import {IVerifierStop} from "../src/interfaces/IVerifierStop.sol";
import {Stage} from "./Stage.sol";
import {Wallet1271} from "./mocks/Wallet1271.sol";

contract SignedInferenceVerifierTest is Stage {
    address private immutable ADMIN = address(uint160(uint256(keccak256("admin"))));

    /// @dev Keys of the panel, ordered by their addresses.
    uint256[] private _keys = _sortedKeys(1, 3);
    SignedInferenceVerifier private signed = new SignedInferenceVerifier(registry, address(0));
    uint256 private signedModel = _signedModel(_panel(_keys, 2));

    function test_itSaysWhatItIs() external view {
        vm.assertEq(bytes32(signed.proofSystemId()), bytes32(bytes4(keccak256("eip712-signed-inference-v1"))));
        vm.assertEq(uint256(signed.grade()), uint256(Grade.Signed));
        vm.assertEq(address(signed.registry()), address(registry));
        vm.assertEq(signed.supportsInterface(type(IProofVerifier).interfaceId), true);
        vm.assertEq(signed.supportsInterface(type(ISignedInferenceVerifier).interfaceId), true);
        vm.assertEq(signed.supportsInterface(0xffffffff), false);
    }

    function test_theDigestIsThatOfEip712() external view {
        uint256[] memory instances = _instances(0);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("proofbridge signed inference"),
                keccak256("1"),
                block.chainid,
                address(signed)
            )
        );
        bytes32 statement = keccak256(
            abi.encode(
                keccak256("SignedInference(uint256 modelId,uint256[] instances)"),
                signedModel,
                keccak256(abi.encodePacked(instances))
            )
        );
        vm.assertEq(signed.digestOf(signedModel, instances), keccak256(abi.encodePacked(hex"1901", domain, statement)));
    }

    function test_anybodyBindsAModelToItsFirstPanel() external {
        ISignedInferenceVerifier.Panel memory panel = _panel(_sortedKeys(7, 2), 1);
        uint256 modelId = registry.registerModel(_signedCommitment(panel));
        vm.assertEq(abi.encode(signed.panelOf(modelId)), abi.encode(_nobody()));
        vm.expectEmit(address(signed));
        emit ISignedInferenceVerifier.ModelBound(modelId, panel, _circuit());
        vm.prank(STRANGER);
        signed.bind(modelId, _circuit(), panel);
        vm.assertEq(abi.encode(signed.panelOf(modelId)), abi.encode(panel));
    }

    function test_theFirstPanelDoesNotComeBackAfterARotation() external {
        ISignedInferenceVerifier.Panel memory first = _panel(_keys, 2);
        ISignedInferenceVerifier.Panel memory second = _panel(_sortedKeys(7, 4), 3);
        _rotate(second);
        vm.recordLogs();
        signed.bind(signedModel, _circuit(), first);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(abi.encode(signed.panelOf(signedModel)), abi.encode(second));
    }

    function test_aPanelThatIsNotTheCommittedOneIsRefused() external {
        for (uint256 field = 0; field < 4; ++field) {
            ISignedInferenceVerifier.Panel memory panel = _panel(_keys, 2);
            if (field == 0) panel.admin = STRANGER;
            if (field == 1) panel.threshold = 1;
            if (field == 2) panel.signers[0] = STRANGER;
            if (field == 3) panel = _panel(_sortedKeys(1, 2), 2);
            vm.expectRevert(
                abi.encodeWithSelector(
                    ISignedInferenceVerifier.PanelMismatch.selector,
                    signedModel,
                    signed.hashOf(_panel(_keys, 2)),
                    signed.hashOf(panel)
                )
            );
            signed.bind(signedModel, _circuit(), panel);
        }
    }

    function test_whatIsNotTheCommittedCircuitIsRefused() external {
        Circuit memory circuit = _circuit();
        circuit.inputs[0].elements += 1;
        circuit.outputs[0].elements -= 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                CircuitLib.CircuitMismatch.selector, signedModel, CircuitLib.hash(_circuit()), CircuitLib.hash(circuit)
            )
        );
        signed.bind(signedModel, circuit, _panel(_keys, 2));
    }

    function test_aModelOfAnotherProofSystemOrOfNoListingIsNotBound() external {
        vm.expectRevert(abi.encodeWithSelector(IERC7992Verifier.UnsupportedProofSystem.selector, ezkl.proofSystemId()));
        signed.bind(model, _circuit(), _panel(_keys, 2));
        vm.expectRevert(abi.encodeWithSelector(IERC7992Registry.ModelNotFound.selector, 7));
        signed.bind(7, _circuit(), _panel(_keys, 2));
    }

    function test_aThresholdThatCannotBeMeantIsRefused() external {
        _isNotSeated(_panel(_keys, 0), _thresholdOutOfRange(0, 3));
        _isNotSeated(_panel(_keys, 4), _thresholdOutOfRange(4, 3));
        _isNotSeated(_panel(new uint256[](0), 1), _thresholdOutOfRange(1, 0));
        ISignedInferenceVerifier.Panel memory panel = _crowd(256);
        _isNotSeated(panel, _thresholdOutOfRange(1, 256));
    }

    function test_aFullPanelSignsWithItsLastMember() external {
        ISignedInferenceVerifier.Panel memory panel = _crowd(255);
        uint256 key = 99;
        panel.signers[254] = vm.addr(key);
        for (uint256 i = 0; i < 254; ++i) {
            panel.signers[i] = address(uint160(i + 1));
        }
        _rotate(panel);
        uint256[] memory instances = _instances(0);
        signed.verifyProof(signedModel, instances, _entry(254, key, signed.digestOf(signedModel, instances)));
    }

    function test_signersThatAreTwiceOrZeroOrOutOfOrderAreRefused() external {
        ISignedInferenceVerifier.Panel memory panel = _panel(_keys, 2);
        panel.signers[2] = panel.signers[1];
        _isNotSeated(panel, _notAscending(2, panel.signers[1]));
        (panel.signers[0], panel.signers[1]) = (panel.signers[1], panel.signers[0]);
        _isNotSeated(panel, _notAscending(1, panel.signers[1]));
        panel.signers[0] = address(0);
        _isNotSeated(panel, _notAscending(0, address(0)));
    }

    function test_enoughSignaturesAreAccepted(uint256 seed, uint8 who) external view {
        uint256[] memory instances = _instances(seed);
        bytes32 digest = signed.digestOf(signedModel, instances);
        who = uint8(bound(who, 0, 2));
        bytes memory proof;
        for (uint8 i = 0; i < 3; ++i) {
            if (i != who) proof = abi.encodePacked(proof, _entry(i, _keys[i], digest));
        }
        vm.assertEq(signed.verifyProof(signedModel, instances, proof), INPUTS);
    }

    function test_moreSignaturesThanNeededAreAccepted() external view {
        uint256[] memory instances = _instances(0);
        vm.assertEq(signed.verifyProof(signedModel, instances, _signatures(_keys, instances)), INPUTS);
    }

    function test_tooFewSignaturesAreRefused() external {
        uint256[] memory instances = _instances(0);
        bytes memory proof = _entry(1, _keys[1], signed.digestOf(signedModel, instances));
        _isRefused(instances, "", _tooFew(2, 0));
        _isRefused(instances, proof, _tooFew(2, 1));
    }

    function test_nobodyCountsTwiceAndNobodyOutsideThePanelCounts() external {
        uint256[] memory instances = _instances(0);
        bytes32 digest = signed.digestOf(signedModel, instances);
        bytes memory one = _entry(1, _keys[1], digest);
        _isRefused(instances, abi.encodePacked(one, one), _positionRefused(1));
        _isRefused(instances, abi.encodePacked(one, _entry(0, _keys[0], digest)), _positionRefused(0));
        _isRefused(instances, abi.encodePacked(one, _entry(3, 7, digest)), _positionRefused(3));
        _isRefused(instances, abi.encodePacked(one, _entry(2, 7, digest)), _signatureRefused(vm.addr(_keys[2])));
    }

    function test_aMangledSignatureIsRefused(uint256 position, uint8 flip) external {
        vm.assume(flip != 0);
        uint256[] memory instances = _instances(0);
        bytes memory proof = _signatures(_keys, instances);
        position = bound(position, 0, 64);
        proof[3 + position] ^= bytes1(flip);
        _isRefused(instances, proof, _signatureRefused(vm.addr(_keys[0])));
    }

    function test_aProofThatEndsInsideAnEntryIsRefused(uint256 cut) external {
        uint256[] memory instances = _instances(0);
        bytes memory proof = _signatures(_keys, instances);
        cut = bound(cut, 1, 67);
        assembly ("memory-safe") {
            mstore(proof, sub(mload(proof), cut))
        }
        _isRefused(instances, proof, abi.encodeWithSelector(ISignedInferenceVerifier.MalformedSignatures.selector));
    }

    function test_signaturesOfOtherInstancesAreRefused(uint256 seed, uint256 position, uint256 change) external {
        uint256[] memory instances = _instances(seed);
        bytes memory proof = _signatures(_keys, instances);
        position = bound(position, 0, instances.length - 1);
        change = bound(change, 1, FixedPoint.FIELD_MODULUS - 1);
        instances[position] = addmod(instances[position], change, FixedPoint.FIELD_MODULUS);
        _isRefused(instances, proof, _signatureRefused(vm.addr(_keys[0])));
    }

    function test_signaturesForAnotherModelAreRefused() external {
        uint256[] memory instances = _instances(0);
        ISignedInferenceVerifier.Panel memory panel = _panel(_keys, 3);
        uint256 other = _signedModel(panel);
        bytes memory proof = _signatures(_keys, instances);
        vm.expectRevert(
            abi.encodeWithSelector(ISignedInferenceVerifier.SignatureRefused.selector, other, panel.signers[0])
        );
        signed.verifyProof(other, instances, proof);
    }

    function test_signaturesForAnotherContractOrChainAreRefused(uint64 chainId) external {
        uint256[] memory instances = _instances(0);
        bytes memory proof = _signatures(_keys, instances);
        SignedInferenceVerifier other = new SignedInferenceVerifier(registry, address(0));
        other.bind(signedModel, _circuit(), _panel(_keys, 2));
        vm.expectRevert(_signatureRefused(vm.addr(_keys[0])));
        other.verifyProof(signedModel, instances, proof);

        vm.assume(chainId != 0 && chainId != block.chainid);
        vm.chainId(chainId);
        _isRefused(instances, proof, _signatureRefused(vm.addr(_keys[0])));
    }

    function test_instancesOfAnotherNumberOrSpellingAreRefused() external {
        uint256[] memory instances = new uint256[](INPUTS + OUTPUTS + 1);
        _isRefused(
            instances,
            _signatures(_keys, instances),
            abi.encodeWithSelector(
                IEzklVerifier.InstanceCountMismatch.selector, uint256(INPUTS + OUTPUTS), instances.length
            )
        );
        instances = _instances(0);
        instances[5] += FixedPoint.FIELD_MODULUS;
        _isRefused(
            instances,
            _signatures(_keys, instances),
            abi.encodeWithSelector(IEzklVerifier.InstanceOutOfField.selector, 5, instances[5])
        );
    }

    function test_aModelThatIsNotBoundIsNeitherVerifiedNorRotated() external {
        bytes memory refusal = abi.encodeWithSelector(IEzklVerifier.ModelNotBound.selector, 7);
        vm.expectRevert(refusal);
        signed.verifyProof(7, _instances(0), "");
        vm.expectRevert(refusal);
        signed.rotate(7, 1, new address[](1));
    }

    function test_anAccountWithCodeSignsByErc1271() external {
        Wallet1271 wallet = new Wallet1271();
        ISignedInferenceVerifier.Panel memory panel = _panel(_sortedKeys(1, 1), 1);
        panel.signers[0] = address(wallet);
        _rotate(panel);
        uint256[] memory instances = _instances(0);
        bytes memory proof = abi.encodePacked(uint8(0), uint16(8), "approved");
        _isRefused(instances, proof, _signatureRefused(address(wallet)));
        wallet.approve(signed.digestOf(signedModel, instances));
        vm.assertEq(signed.verifyProof(signedModel, instances, proof), INPUTS);
        proof[10] = "D";
        _isRefused(instances, proof, _signatureRefused(address(wallet)));
    }

    function test_theAdminRotatesThePanel() external {
        uint256[] memory others = _sortedKeys(7, 4);
        uint256[] memory instances = _instances(0);
        bytes memory proof = _signatures(_keys, instances);
        bytes memory proofOfOthers = _signatures(others, instances);
        signed.verifyProof(signedModel, instances, proof);

        ISignedInferenceVerifier.Panel memory panel = _panel(others, 4);
        vm.expectEmit(address(signed));
        emit ISignedInferenceVerifier.PanelRotated(signedModel, 4, panel.signers);
        _rotate(panel);
        vm.assertEq(abi.encode(signed.panelOf(signedModel)), abi.encode(panel));
        signed.verifyProof(signedModel, instances, proofOfOthers);
        _isRefused(instances, proof, _signatureRefused(panel.signers[0]));

        panel = _panel(_keys, 1); // shorter: nothing is left of the longer one
        _rotate(panel);
        vm.assertEq(abi.encode(signed.panelOf(signedModel)), abi.encode(panel));
        signed.verifyProof(signedModel, instances, proof);
    }

    function test_nobodyButTheAdminRotatesThePanel(address caller) external {
        vm.assume(caller != ADMIN);
        address[] memory signers = new address[](1);
        signers[0] = caller;
        bytes memory refusal =
            abi.encodeWithSelector(ISignedInferenceVerifier.NotPanelAdmin.selector, signedModel, caller);
        vm.expectRevert(refusal);
        vm.prank(caller);
        signed.rotate(signedModel, 1, signers);
    }

    function test_theOwnerOfTheListingHasNoSayInThePanel() external {
        vm.expectRevert(abi.encodeWithSelector(ISignedInferenceVerifier.NotPanelAdmin.selector, signedModel, OWNER));
        vm.prank(OWNER);
        signed.rotate(signedModel, 1, new address[](1));
    }

    function test_aSignedInferenceIsRecordedAsSignedAndAsNothingMore() external {
        InferenceLedger memory_ = new InferenceLedger(registry, _verifiers(ezkl, signed));
        uint256[] memory instances = _instances(0);
        bytes32 input = memory_.commitmentOf(_words(instances, 0, INPUTS));
        bytes memory output = abi.encodePacked(_words(instances, INPUTS, INPUTS + OUTPUTS));
        memory_.verifyAndStoreInference(
            signedModel, input, output, abi.encode(instances, _signatures(_keys, instances))
        );
        vm.assertEq(memory_.isVerified(signedModel, input, output, Grade.Signed), true);
        vm.assertEq(memory_.isVerified(signedModel, input, output, Grade.Attested), false);
    }

    function test_aModelIsStoppedBySignersWhoSayTwoThings(uint256 seed) external {
        uint256[] memory first = _instances(seed);
        uint256[] memory second = _instances(seed);
        second[INPUTS] = first[INPUTS] ^ 1;
        bytes memory one = _signatures(_keys, first);
        vm.assertEq(signed.isStopped(signedModel), false);
        signed.stopModel(
            signedModel, IVerifierStop.Claim(first, one), IVerifierStop.Claim(second, _signatures(_keys, second))
        );
        vm.assertEq(signed.isStopped(signedModel), true);
        _isRefused(first, one, abi.encodeWithSelector(IVerifierStop.ModelIsStopped.selector, signedModel));
    }

    function _isRefused(uint256[] memory instances, bytes memory proof, bytes memory refusal) private {
        vm.expectRevert(refusal);
        signed.verifyProof(signedModel, instances, proof);
    }

    /// @dev Neither as the first panel of a model nor by a rotation.
    function _isNotSeated(ISignedInferenceVerifier.Panel memory panel, bytes memory refusal) private {
        uint256 modelId = registry.registerModel(_signedCommitment(panel));
        vm.expectRevert(refusal);
        signed.bind(modelId, _circuit(), panel);
        vm.expectRevert(refusal);
        _rotate(panel);
    }

    function _rotate(ISignedInferenceVerifier.Panel memory panel) private {
        vm.prank(ADMIN);
        signed.rotate(signedModel, panel.threshold, panel.signers);
    }

    function _signedModel(ISignedInferenceVerifier.Panel memory panel) private returns (uint256 modelId) {
        IERC7992Registry.ModelCommitment memory commitment = _signedCommitment(panel);
        vm.prank(OWNER);
        modelId = registry.registerModel(commitment);
        signed.bind(modelId, _circuit(), panel);
    }

    function _signedCommitment(ISignedInferenceVerifier.Panel memory panel)
        private
        view
        returns (IERC7992Registry.ModelCommitment memory commitment)
    {
        commitment = _commitment(address(halo2));
        commitment.proofSystemId = signed.proofSystemId();
        commitment.vkHash = signed.hashOf(panel);
    }

    function _panel(uint256[] memory keys_, uint8 threshold)
        private
        view
        returns (ISignedInferenceVerifier.Panel memory)
    {
        address[] memory signers = new address[](keys_.length);
        for (uint256 i = 0; i < signers.length; ++i) {
            signers[i] = vm.addr(keys_[i]);
        }
        return ISignedInferenceVerifier.Panel({admin: ADMIN, threshold: threshold, signers: signers});
    }

    function _nobody() private pure returns (ISignedInferenceVerifier.Panel memory panel) {}

    function _crowd(uint160 size) private view returns (ISignedInferenceVerifier.Panel memory) {
        address[] memory signers = new address[](size);
        for (uint160 i = 0; i < size; ++i) {
            signers[i] = address(i + 1);
        }
        return ISignedInferenceVerifier.Panel({admin: ADMIN, threshold: 1, signers: signers});
    }

    function _sortedKeys(uint256 start, uint256 count) private pure returns (uint256[] memory sorted) {
        sorted = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 place = i;
            for (; place > 0 && vm.addr(sorted[place - 1]) > vm.addr(start + i); --place) {
                sorted[place] = sorted[place - 1];
            }
            sorted[place] = start + i;
        }
    }

    function _signatures(uint256[] memory keys_, uint256[] memory instances) private view returns (bytes memory proof) {
        bytes32 digest = signed.digestOf(signedModel, instances);
        for (uint256 i = 0; i < keys_.length; ++i) {
            proof = abi.encodePacked(proof, _entry(uint8(i), keys_[i], digest));
        }
    }

    function _entry(uint8 position, uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(position, uint16(65), r, s, v);
    }

    function _thresholdOutOfRange(uint8 threshold, uint256 signers) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISignedInferenceVerifier.ThresholdOutOfRange.selector, threshold, signers);
    }

    function _notAscending(uint256 position, address signer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISignedInferenceVerifier.SignersNotAscending.selector, position, signer);
    }

    function _tooFew(uint8 expected, uint256 got) private view returns (bytes memory) {
        return abi.encodeWithSelector(ISignedInferenceVerifier.TooFewSignatures.selector, signedModel, expected, got);
    }

    function _positionRefused(uint8 position) private view returns (bytes memory) {
        return abi.encodeWithSelector(ISignedInferenceVerifier.PositionRefused.selector, signedModel, position);
    }

    function _signatureRefused(address signer) private view returns (bytes memory) {
        return abi.encodeWithSelector(ISignedInferenceVerifier.SignatureRefused.selector, signedModel, signer);
    }
}
