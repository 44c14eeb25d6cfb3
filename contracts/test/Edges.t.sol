// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7751} from "@openzeppelin/contracts/interfaces/IERC7751.sol";
import {Commitments} from "../src/Commitments.sol";
import {EzklReusableVerifier} from "../src/EzklReusableVerifier.sol";
import {InferenceGateway} from "../src/InferenceGateway.sol";
import {IERC7992Registry, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IHalo2Verifier} from "../src/interfaces/IHalo2Verifier.sol";
import {IHalo2VerifierReusable} from "../src/interfaces/IHalo2VerifierReusable.sol";
import {IInferenceGateway} from "../src/interfaces/IInferenceGateway.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IEzklVerifier} from "../src/interfaces/IEzklVerifier.sol";
import {IInferenceDesk} from "../src/interfaces/IInferenceDesk.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {DeskStage} from "./DeskStage.sol";
import {Cheats} from "./Test.sol";
import {NamedClaimVerifier} from "./mocks/ClaimVerifier.sol";
import {MockHalo2VerifierReusable} from "./mocks/MockHalo2VerifierReusable.sol";
import {OddVerifier} from "./mocks/OddVerifier.sol";
import {RevertVerifier} from "./mocks/RevertVerifier.sol";

/// @dev Numbers, orders and answers at the edge of what can be: each told two programs apart that the other tests did not.
contract EdgesTest is DeskStage {
    function test_anAnswerThatIsTwoBytesShortIsNotCompletedByWhatLiesInMemory() external {
        OddVerifier verifier = new OddVerifier(new bytes(30));
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(verifier));
        // As with one byte: the end of the id lies in scratch space, and makes the word 1 of 30 zeros.
        bytes memory hashed =
            abi.encode(Commitments.MODEL_TAG, 0, commitment.circuitHash, commitment.vkHash, commitment.proofSystemId);
        uint256 modelId;
        uint256 modelHash;
        while (uint16(modelId) != 1) {
            ++modelHash;
            assembly ("memory-safe") {
                mstore(add(hashed, 64), modelHash)
            }
            modelId = uint256(keccak256(hashed));
        }
        commitment.modelHash = bytes32(modelHash);
        registry.registerModel(commitment);
        ezkl.bind(modelId, _circuit(), address(verifier));
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        ezkl.verifyProof(modelId, _instances(0), "");
    }

    function test_aRefusalThatReadsLikeAYesIsARefusal() external {
        bytes memory vka = abi.encode("vka");
        MockHalo2VerifierReusable shared = new MockHalo2VerifierReusable();
        EzklReusableVerifier reusable = new EzklReusableVerifier(registry, address(0));
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(shared));
        commitment.proofSystemId = reusable.proofSystemId();
        commitment.vkHash = reusable.keyHashOf(address(shared).codehash, keccak256(vka));
        uint256 modelId = registry.registerModel(commitment);
        reusable.bind(modelId, _circuit(), address(shared), vka);

        bytes memory code = address(new RevertVerifier(bytes32(uint256(1)), keccak256(vka))).code;
        vm.etch(address(shared), code);
        vm.expectRevert(_wrapped(address(shared), IHalo2VerifierReusable.verifyProof.selector, vka));
        reusable.verifyProof(modelId, _instances(0), vka);
        vm.etch(address(halo2), code);
        vm.expectRevert(_wrapped(address(halo2), IHalo2Verifier.verifyProof.selector, vka));
        ezkl.verifyProof(model, _instances(0), "");
    }

    /// @dev The acceptance is quoted as the reason that it is.
    function _wrapped(address target, bytes4 selector, bytes memory vka) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IERC7751.WrappedError.selector,
            target,
            selector,
            abi.encode(1, keccak256(vka)),
            abi.encodeWithSelector(IERC7992Verifier.InvalidProof.selector)
        );
    }

    function test_theOrderOfTheVerifiersDoesNotMatter(uint256 shift) external {
        bytes4[4] memory ids = [bytes4(uint32(10)), bytes4(uint32(20)), bytes4(uint32(30)), bytes4(uint32(40))];
        IProofVerifier[] memory list = new IProofVerifier[](4);
        for (uint256 i = 0; i < 4; ++i) {
            // Every rotation, upwards and downwards.
            list[(shift % 2 == 0 ? i : 3 - i)] = new NamedClaimVerifier(ids[(i + shift / 2) % 4]);
        }
        InferenceGateway any = new InferenceGateway(registry, list);
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertEq(address(any.verifierOf(list[i].proofSystemId())), address(list[i]));
        }
        for (uint32 id = 5; id < 50; id += 10) {
            vm.assertEq(address(any.verifierOf(bytes4(id))), address(0));
        }
    }

    function test_feeAndBondMayBeMoreThanEitherCanBe(bool native) external {
        IInferenceDesk.Order memory order = _order(native ? NATIVE : coin, "input");
        (order.fee, order.bond) = (type(uint128).max, type(uint128).max);
        bytes32 id = _ask(order);
        _claim(id);
        vm.warp(block.timestamp + CLAIM_SECONDS + 1);
        desk.refund(id);
        vm.assertEq(_balance(order.token, REQUESTER), uint256(type(uint128).max) * 2);
    }

    function test_feeAndBondGoInOnePayment() external {
        bytes32 id = _ask(_order(coin, "input"));
        _claim(id);
        vm.warp(block.timestamp + CLAIM_SECONDS + 1);
        vm.recordLogs();
        desk.refund(id);
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2); // Refunded, and one Transfer
        vm.assertEq(logs[1].data, abi.encode(uint256(FEE) + BOND));
    }

    function test_aVersionFarBeyondTheLastOneIsRefusedByName(uint256 version) external {
        bytes32 line = registry.createLine("line");
        registry.appendVersion(line, model);
        vm.assume(version != 0);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VersionNotFound.selector, line, version));
        registry.versionAt(line, version);
    }

    function test_aBlobOfNothingIsWellFormed() external {
        vm.expectRevert(
            abi.encodeWithSelector(IEzklVerifier.InstanceCountMismatch.selector, uint256(INPUTS + OUTPUTS), 0)
        );
        gateway.check(model, "input", "", abi.encode(new uint256[](0), ""));
    }

    /// @dev A size that wraps around would fit, and stands where only the rest of the calldata is.
    function test_whatFollowsABlobIsNoPartOfIt() external {
        _isMalformed(abi.encode(0x40, 0x60, 0));
        _isMalformed(abi.encode(0x40, 0x80, 1, 7));
    }

    function _isMalformed(bytes memory blob) private {
        bytes memory data = abi.encodeCall(IInferenceGateway.check, (model, "input", "", blob));
        (bool success, bytes memory reason) = address(gateway).call(abi.encodePacked(data, type(uint256).max - 31));
        vm.assertEq(success, false);
        vm.assertEq(reason, abi.encodeWithSelector(IInferenceGateway.MalformedProof.selector));
    }
}
