// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Commitments} from "../src/Commitments.sol";
import {EzklVerifier} from "../src/EzklVerifier.sol";
import {FixedPoint} from "../src/FixedPoint.sol";
import {Grade} from "../src/Grade.sol";
import {InferenceGateway} from "../src/InferenceGateway.sol";
import {IERC7992Registry, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IEzklVerifier} from "../src/interfaces/IEzklVerifier.sol";
import {IInferenceGateway} from "../src/interfaces/IInferenceGateway.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {Stage} from "./Stage.sol";
import {Cheats} from "./Test.sol";
import {IVerifierStop} from "../src/interfaces/IVerifierStop.sol";
import {NamedClaimVerifier} from "./mocks/ClaimVerifier.sol";
import {MockHalo2Verifier} from "./mocks/MockHalo2Verifier.sol";

contract InferenceGatewayTest is Stage {
    function test_itSaysWhatItIs() external view {
        vm.assertEq(gateway.supportsInterface(0x5df65472), true);
        vm.assertEq(gateway.supportsInterface(type(IInferenceGateway).interfaceId), true);
        vm.assertEq(gateway.supportsInterface(0xffffffff), false);
        vm.assertEq(gateway.registry(), address(registry));
        vm.assertEq(bytes32(gateway.proofSystemOf(model)), bytes32(ezkl.proofSystemId()));
        vm.assertEq(address(gateway.verifierOf(ezkl.proofSystemId())), address(ezkl));
        vm.assertEq(address(gateway.verifierOf("none")), address(0));
        vm.assertEq(uint256(gateway.gradeOf(model)), uint256(Grade.Proven));
    }

    function test_theRoutesAreToldInEvents() external {
        vm.recordLogs();
        new InferenceGateway(registry, _verifiers(ezkl, claims));
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2);
        vm.assertEq(logs[0].topics[0], IInferenceGateway.ProofSystemRouted.selector);
        vm.assertEq(logs[0].topics[1], ezkl.proofSystemId());
        vm.assertEq(logs[0].topics[2], bytes32(uint256(uint160(address(ezkl)))));
        vm.assertEq(logs[0].data, abi.encode(Grade.Proven));
        vm.assertEq(logs[1].topics[1], claims.proofSystemId());
        vm.assertEq(logs[1].data, abi.encode(Grade.Claimed));
    }

    function test_aProofSystemHasOneVerifier() external {
        IProofVerifier[] memory twice = _verifiers(ezkl, ezkl);
        vm.expectRevert(abi.encodeWithSelector(IInferenceGateway.ProofSystemTwice.selector, ezkl.proofSystemId()));
        new InferenceGateway(registry, twice);
    }

    function test_aGatewayRoutesToFourVerifiersAndNoMore(uint256 seed) external {
        IProofVerifier[] memory four = _claimants(4);
        InferenceGateway full = new InferenceGateway(registry, four);
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertEq(address(full.verifierOf(four[i].proofSystemId())), address(four[i]));
            IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
            commitment.proofSystemId = four[i].proofSystemId();
            uint256 modelId = registry.registerModel(commitment);
            vm.assertEq(uint256(full.gradeOf(modelId)), uint256(Grade.Claimed));
            uint256[] memory instances = _instances(seed);
            bytes32 input = full.commitmentOf(_words(instances, 0, 1));
            bytes memory output = abi.encodePacked(_words(instances, 1, instances.length));
            full.verifyInference(modelId, input, output, abi.encode(instances, "I say so"));
        }
        IProofVerifier[] memory five = _claimants(5);
        vm.expectRevert(abi.encodeWithSelector(IInferenceGateway.TooManyVerifiers.selector, 4, 5));
        new InferenceGateway(registry, five);
    }

    function test_aModelIsAcceptedUntilItIsDeprecatedOrStopped(uint256 unknown) external {
        vm.assume(unknown != model);
        vm.assertEq(gateway.accepts(model), true);
        vm.assertEq(gateway.accepts(unknown), false);

        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.proofSystemId = "none";
        vm.assertEq(gateway.accepts(registry.registerModel(commitment)), false);

        vm.prank(OWNER);
        registry.deprecateModel(model);
        vm.assertEq(gateway.accepts(model), false);
    }

    function test_aModelWhoseVerifierIsStoppedIsNotAccepted(bool byGuardian) external {
        EzklVerifier guarded = new EzklVerifier(registry, OWNER);
        guarded.bind(model, _circuit(), address(halo2));
        InferenceGateway other = new InferenceGateway(registry, _verifiers(guarded, claims));
        vm.assertEq(other.accepts(model), true);
        if (byGuardian) {
            vm.prank(OWNER);
            guarded.stop();
        } else {
            uint256[] memory second = _instances(0);
            second[INPUTS] = 1;
            guarded.stopModel(
                model,
                IVerifierStop.Claim(_instances(0), halo2.mockProve(_instances(0))),
                IVerifierStop.Claim(second, halo2.mockProve(second))
            );
        }
        vm.assertEq(other.accepts(model), false);
    }

    function test_whatIsNoProofVerifierIsNotRouted() external {
        _isNotRouted(address(halo2));
        _isNotRouted(address(registry));
        _isNotRouted(STRANGER);
    }

    function test_aTrueInferenceIsVerified(uint256 seed) external {
        Inference memory told = _inference(_instances(seed));
        vm.expectEmit(address(gateway));
        emit IERC7992Verifier.InferenceVerified(model, told.inputCommitment, told.output, STRANGER);
        vm.prank(STRANGER);
        gateway.verifyInference(model, told.inputCommitment, told.output, told.proof);
        vm.assertEq(uint256(gateway.check(model, told.inputCommitment, told.output, told.proof)), uint256(Grade.Proven));
    }

    function test_aVerifiedInferenceIsToldItsGrade(uint256 seed) external {
        Inference memory told = _inference(_instances(seed));
        vm.expectEmit(address(gateway));
        emit IERC7992Verifier.InferenceVerified(model, told.inputCommitment, told.output, STRANGER);
        vm.prank(STRANGER);
        Grade grade = gateway.verifyAndGrade(model, told.inputCommitment, told.output, told.proof);
        vm.assertEq(uint256(grade), uint256(Grade.Proven));
        vm.assertEq(ledger.isVerified(model, told.inputCommitment, told.output, Grade.Claimed), false);

        vm.expectRevert(IERC7992Verifier.InputCommitmentMismatch.selector);
        gateway.verifyAndGrade(model, keccak256("other"), told.output, told.proof);
    }

    function test_aProofUnderAnotherInputIsRefused(uint256 seed, bytes32 commitment) external {
        Inference memory told = _inference(_instances(seed));
        vm.assume(commitment != told.inputCommitment);
        told.inputCommitment = commitment;
        _isRefused(model, told, IERC7992Verifier.InputCommitmentMismatch.selector);
    }

    function test_aProofUnderAnotherOutputIsRefused(uint256 seed, bytes calldata output) external {
        Inference memory told = _inference(_instances(seed));
        vm.assume(keccak256(output) != keccak256(told.output));
        told.output = output;
        _isRefused(model, told, IERC7992Verifier.OutputMismatch.selector);
    }

    function test_anOutputThatIsCutOrContinuedIsRefused(uint256 seed) external {
        Inference memory told = _inference(_instances(seed));
        bytes memory output = told.output;
        told.output = abi.encodePacked(output, uint256(0));
        _isRefused(model, told, IERC7992Verifier.OutputMismatch.selector);
        told.output = abi.encodePacked(_words(_instances(seed), INPUTS, INPUTS + OUTPUTS - 1));
        _isRefused(model, told, IERC7992Verifier.OutputMismatch.selector);
    }

    function test_aTrueStatementWithAWrongProofIsRefused(uint256 seed) external {
        uint256[] memory instances = _instances(seed);
        Inference memory told = _inference(instances);
        told.proof = abi.encode(instances, new bytes(PROOF_WORDS * 32));
        _isRefused(model, told, IERC7992Verifier.InvalidProof.selector);
    }

    function test_aProofOfAnotherModelIsRefused(uint256 seed) external {
        MockHalo2Verifier other = new MockHalo2Verifier("two", INPUTS + OUTPUTS, PROOF_WORDS);
        _isRefused(_model(address(other)), _inference(_instances(seed)), IERC7992Verifier.InvalidProof.selector);
    }

    function test_aSecondSpellingOfAnInstanceIsRefused(uint256 seed) external {
        uint256[] memory instances = _instances(seed);
        Inference memory told = _inference(instances);
        bytes memory proof = halo2.mockProve(instances);
        instances[INPUTS] += FixedPoint.FIELD_MODULUS;
        told.proof = abi.encode(instances, proof);
        told.output = abi.encodePacked(_words(instances, INPUTS, INPUTS + OUTPUTS));
        _isRefused(
            model,
            told,
            abi.encodeWithSelector(IEzklVerifier.InstanceOutOfField.selector, uint256(INPUTS), instances[INPUTS])
        );
    }

    function test_anUnknownModelIsRefused(uint256 unknown) external {
        vm.assume(unknown != model);
        bytes memory refusal = abi.encodeWithSelector(IERC7992Registry.ModelNotFound.selector, unknown);
        _isRefused(unknown, _inference(_instances(0)), refusal);
        vm.expectRevert(refusal);
        gateway.gradeOf(unknown);
        vm.expectRevert(refusal);
        gateway.proofSystemOf(unknown);
    }

    function test_aDeprecatedModelIsRefused() external {
        Inference memory told = _inference(_instances(0));
        gateway.check(model, told.inputCommitment, told.output, told.proof);
        vm.prank(OWNER);
        registry.deprecateModel(model);
        _isRefused(
            model, told, abi.encodeWithSelector(IERC7992Verifier.VerificationRefused_ModelDeprecated.selector, model)
        );
    }

    function test_aProofSystemWithoutAVerifierIsRefused() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.proofSystemId = "none";
        uint256 modelId = registry.registerModel(commitment);
        bytes memory refusal = abi.encodeWithSelector(IERC7992Verifier.UnsupportedProofSystem.selector, bytes4("none"));
        _isRefused(modelId, _inference(_instances(0)), refusal);
        vm.expectRevert(refusal);
        gateway.gradeOf(modelId);
    }

    function test_aWeakerProofSystemGivesAWeakerGrade() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.proofSystemId = claims.proofSystemId();
        uint256 modelId = registry.registerModel(commitment);
        uint256[] memory instances = _instances(0);
        bytes32 input = gateway.commitmentOf(_words(instances, 0, 1));
        bytes memory output = abi.encodePacked(_words(instances, 1, instances.length));

        bytes memory proof = abi.encode(instances, "I say so");
        vm.assertEq(uint256(gateway.check(modelId, input, output, proof)), uint256(Grade.Claimed));
        vm.assertEq(uint256(gateway.gradeOf(modelId)), uint256(Grade.Claimed));
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        gateway.check(modelId, input, output, abi.encode(instances, "I don't"));
    }

    function test_aCommitmentForAnotherGatewayIsRefused(uint256 seed) external {
        InferenceGateway other = new InferenceGateway(registry, _verifiers(ezkl, claims));
        Inference memory told = _inference(_instances(seed));
        vm.assertNotEq(other.domain(), gateway.domain());
        vm.expectRevert(IERC7992Verifier.InputCommitmentMismatch.selector);
        other.verifyInference(model, told.inputCommitment, told.output, told.proof);
    }

    function test_aSplitOfTheChainGivesTheDomainANewId(uint64 chainId) external {
        vm.assertEq(gateway.domain(), Commitments.domain(block.chainid, address(gateway)));
        vm.assume(chainId != 0 && chainId != block.chainid);
        Inference memory told = _inference(_instances(0));
        gateway.check(model, told.inputCommitment, told.output, told.proof);

        vm.chainId(chainId);
        vm.assertEq(gateway.domain(), Commitments.domain(chainId, address(gateway)));
        _isRefused(model, told, IERC7992Verifier.InputCommitmentMismatch.selector);
        told = _inference(_instances(0));
        gateway.check(model, told.inputCommitment, told.output, told.proof);
    }

    function test_anythingThatIsNoBlobIsRefusedByName(bytes calldata blob) external {
        _isMalformed(blob);
    }

    function test_aBlobWithAByteTooManyOrTooFewIsRefused(uint256 seed, uint256 cut) external {
        bytes memory blob = _inference(_instances(seed)).proof;
        _isMalformed(abi.encodePacked(blob, bytes1(0)));
        _isMalformed(abi.encodePacked(blob, uint256(0)));
        uint256 shorter = bound(cut, 0, blob.length - 1);
        assembly ("memory-safe") {
            mstore(blob, shorter)
        }
        _isMalformed(blob);
    }

    function test_aBlobWithAWildOffsetOrLengthIsRefused(uint256 seed, uint256 wild) external {
        uint256[] memory instances = _instances(seed);
        // The places of the two offsets and the two lengths.
        uint256[4] memory places = [uint256(0x00), 0x20, 0x40, 0x60 + 32 * instances.length];
        for (uint256 i = 0; i < places.length; ++i) {
            bytes memory blob = _inference(instances).proof;
            uint256 place = 32 + places[i];
            uint256 canonical;
            assembly ("memory-safe") {
                canonical := mload(add(blob, place))
                mstore(add(blob, place), wild)
            }
            if (wild != canonical) _isMalformed(blob);
        }
    }

    function test_aBlobWithDirtyPaddingIsRefused(uint256 size, uint256 position, uint8 dirt) external {
        vm.assume(dirt != 0);
        size = bound(size, 1, 31);
        bytes memory blob = abi.encode(_instances(0), new bytes(size));
        Inference memory told = _inference(_instances(0));
        told.proof = blob;
        _isRefused(model, told, IERC7992Verifier.InvalidProof.selector); // well formed, so it gets to the verifier
        blob[blob.length - 1 - bound(position, 0, 31 - size)] = bytes1(dirt);
        _isMalformed(blob);
    }

    function test_aBlobThatReachesBeyondItsEndIsRefused() external {
        uint256[] memory instances = _instances(0);
        Inference memory told = _inference(instances);
        // The size of the proof is what the room for it would be if lengths were subtracted without a look.
        told.proof = abi.encodePacked(uint256(0x40), uint256(0x160), instances.length, instances, -int256(0x100));
        bytes memory data = abi.encodeCall(gateway.check, (model, told.inputCommitment, told.output, told.proof));
        uint256 lengthOfProof = 32 + 4 + 4 * 32 + 32 + told.output.length;
        assembly ("memory-safe") {
            mstore(add(data, lengthOfProof), 0x80)
        }
        (bool success, bytes memory refusal) = address(gateway).call(data);
        vm.assertEq(success, false);
        vm.assertEq(refusal, abi.encodeWithSelector(IInferenceGateway.MalformedProof.selector));
    }

    function test_everyCanonicalBlobIsRead(uint256[] calldata instances, bytes calldata proof) external {
        vm.assume(instances.length != INPUTS + OUTPUTS);
        Inference memory told = _inference(_instances(0));
        told.proof = abi.encode(instances, proof);
        _isRefused(
            model,
            told,
            abi.encodeWithSelector(
                IEzklVerifier.InstanceCountMismatch.selector, uint256(INPUTS + OUTPUTS), instances.length
            )
        );
    }

    function _isNotRouted(address candidate) private {
        IProofVerifier[] memory list = _verifiers(ezkl, IProofVerifier(candidate));
        vm.expectRevert(abi.encodeWithSelector(IInferenceGateway.NotAProofVerifier.selector, candidate));
        new InferenceGateway(registry, list);
    }

    function _isMalformed(bytes memory blob) private {
        Inference memory told = _inference(_instances(0));
        told.proof = blob;
        _isRefused(model, told, IInferenceGateway.MalformedProof.selector);
    }

    function _isRefused(uint256 modelId, Inference memory told, bytes4 refusal) private {
        _isRefused(modelId, told, abi.encodeWithSelector(refusal));
    }

    function _isRefused(uint256 modelId, Inference memory told, bytes memory refusal) private {
        vm.expectRevert(refusal);
        gateway.verifyInference(modelId, told.inputCommitment, told.output, told.proof);
        vm.expectRevert(refusal);
        gateway.check(modelId, told.inputCommitment, told.output, told.proof);
    }

    /// @dev So many verifiers of so many proof systems.
    function _claimants(uint256 count) private returns (IProofVerifier[] memory list) {
        list = new IProofVerifier[](count);
        for (uint256 i = 0; i < count; ++i) {
            list[i] = new NamedClaimVerifier(bytes4(uint32(i + 1)));
        }
    }
}
