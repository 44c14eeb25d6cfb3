// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InputOpening} from "../src/InputOpening.sol";
import {SignedInferenceVerifier} from "../src/SignedInferenceVerifier.sol";
import {VerifiedInferenceConsumer} from "../src/VerifiedInferenceConsumer.sol";
import {ScoreVault} from "../src/examples/ScoreVault.sol";
import {IInferenceGateway} from "../src/interfaces/IInferenceGateway.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {ISignedInferenceVerifier} from "../src/interfaces/ISignedInferenceVerifier.sol";
import {Grade, IVerifiedInferenceConsumer} from "../src/interfaces/IVerifiedInferenceConsumer.sol";
import {Circuit, CircuitLib, IERC7992Registry, Stage, Tensor, Visibility} from "./Stage.sol";

/// @dev A consumer that shows what it reads.
contract Reader is VerifiedInferenceConsumer {
    constructor(Terms memory terms_) VerifiedInferenceConsumer(terms_) {}

    function verified(bytes32 inputCommitment, bytes calldata output)
        external
        view
        returns (IInferenceLedger.Record memory)
    {
        return _verified(inputCommitment, output);
    }

    function wadAt(bytes calldata output, uint256 index, int8 scale) external pure returns (int256) {
        return _wadAt(output, index, scale);
    }
}

/// @dev What lies on a boundary or well beyond it, where the tests of each contract look just beside it.
contract BoundariesTest is Stage {
    uint48 private constant DEADLINE = 10 days;

    Reader private reader = new Reader(_terms(Grade.Signed));

    function test_aStrongerRecordThanAskedForIsTaken(uint256 seed) external {
        Inference memory told = _inference(_instances(seed));
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        vm.assertEq(uint256(reader.verified(told.inputCommitment, told.output).grade), uint256(Grade.Proven));
    }

    function test_aWordBeyondTheOutputIsRefusedByName(uint32 word) external {
        bytes memory output = abi.encode(0, word);
        vm.assertEq(reader.wadAt(output, 1, 0), int256(uint256(word)) * 1e18);
        for (uint256 index = 2; index < 5; ++index) {
            vm.expectRevert(abi.encodeWithSelector(IVerifiedInferenceConsumer.OutputTooShort.selector, index, 64));
            reader.wadAt(output, index, 0);
        }
        vm.expectRevert(abi.encodeWithSelector(IVerifiedInferenceConsumer.OutputTooShort.selector, 1, 63));
        reader.wadAt(abi.encodePacked(uint256(0), bytes31(0)), 1, 0);
    }

    function test_theDeadlineItselfIsNotTooLate() external {
        ScoreVault vault = new ScoreVault(_terms(Grade.Proven), 0);
        vm.warp(DEADLINE);
        vault.deposit{value: 1}(STRANGER, "input", 0, DEADLINE);
        vm.assertEq(address(vault).balance, 1);
        vm.warp(uint256(DEADLINE) + 1);
        vm.expectRevert(abi.encodeWithSelector(ScoreVault.TooLate.selector, DEADLINE));
        vault.deposit{value: 1}(STRANGER, "input", 0, DEADLINE);
    }

    /// @dev Of so many hashes some are greater than the committed one and some are less.
    function test_noOtherPanelIsTheCommittedOne() external {
        SignedInferenceVerifier signed = new SignedInferenceVerifier(registry, address(0));
        ISignedInferenceVerifier.Panel memory panel = _panel();
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        (commitment.vkHash, commitment.proofSystemId) = (signed.hashOf(panel), signed.proofSystemId());
        uint256 modelId = registry.registerModel(commitment);
        for (uint160 other = 1; other < 12; ++other) {
            panel.admin = address(other);
            vm.expectRevert(
                abi.encodeWithSelector(
                    ISignedInferenceVerifier.PanelMismatch.selector, modelId, commitment.vkHash, signed.hashOf(panel)
                )
            );
            signed.bind(modelId, _circuit(), panel);
        }
    }

    function test_aPositionFarOutsideThePanelIsRefused(uint8 position) external {
        position = uint8(bound(position, 1, 255));
        SignedInferenceVerifier signed = new SignedInferenceVerifier(registry, address(0));
        ISignedInferenceVerifier.Panel memory panel = _panel();
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        (commitment.vkHash, commitment.proofSystemId) = (signed.hashOf(panel), signed.proofSystemId());
        uint256 modelId = registry.registerModel(commitment);
        signed.bind(modelId, _circuit(), panel);
        vm.expectRevert(abi.encodeWithSelector(ISignedInferenceVerifier.PositionRefused.selector, modelId, position));
        signed.verifyProof(modelId, _instances(0), abi.encodePacked(position, uint16(65), new bytes(65)));
    }

    function test_hiddenTensorsLieOneAfterAnother(uint256 seed) external {
        InputOpening opening = new InputOpening();
        Circuit memory circuit = _circuit();
        circuit.inputVisibility = Visibility.Hashed;
        circuit.inputs = new Tensor[](2);
        (circuit.inputs[0], circuit.inputs[1]) = (_tensors(3)[0], _tensors(1)[0]);
        uint256[] memory words = _words(_instances(seed), 0, 4);
        uint256[] memory hashes = new uint256[](2);
        (hashes[0], hashes[1]) = (opening.hashOf(_words(words, 0, 3)), opening.hashOf(_words(words, 3, 4)));
        vm.assertEq(opening.commitmentOf(gateway, circuit, words), gateway.commitmentOf(hashes));
    }

    /// @dev The outputs can.
    function test_inputsThatCannotBeDividedHaveNoRows() external {
        Circuit memory circuit = _circuit();
        circuit.rows = 8;
        (circuit.inputs, circuit.outputs) = (_tensors(4), _tensors(8));
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.circuitHash = CircuitLib.hash(circuit);
        uint256 uneven = registry.registerModel(commitment);
        vm.expectRevert(abi.encodeWithSignature("RowsUneven(uint32,uint32)", 4, 8));
        ledger.verifyAndStoreBatch(uneven, circuit, abi.encode(new uint256[](12), ""));
    }

    /// @dev Two instances are more than the blob holds, and where their proof would start only the rest of the calldata is: a size
    /// that wraps around.
    function test_aCountBeyondTheBlobIsMalformedWhateverFollows() external {
        bytes memory blob = abi.encode(0x40, 0xa0, 2, 7, 7);
        bytes memory data = abi.encodeCall(IInferenceGateway.check, (model, "input", "", blob));
        (bool success, bytes memory reason) = address(gateway).call(abi.encodePacked(data, type(uint256).max - 31));
        vm.assertEq(success, false);
        vm.assertEq(reason, abi.encodeWithSelector(IInferenceGateway.MalformedProof.selector));
    }

    function _panel() private view returns (ISignedInferenceVerifier.Panel memory) {
        address[] memory signers = new address[](1);
        signers[0] = STRANGER;
        return ISignedInferenceVerifier.Panel({admin: OWNER, threshold: 1, signers: signers});
    }

    function _terms(Grade minGrade) private view returns (IVerifiedInferenceConsumer.Terms memory) {
        return IVerifiedInferenceConsumer.Terms({
            ledger: ledger, modelId: model, lineId: 0, minGrade: minGrade, maxAge: 1 days
        });
    }
}
