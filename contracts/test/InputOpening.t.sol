// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib, Tensor, Visibility} from "../src/Circuit.sol";
import {FixedPoint} from "../src/FixedPoint.sol";
import {Grade} from "../src/Grade.sol";
import {InputOpening} from "../src/InputOpening.sol";
import {Poseidon} from "../src/Poseidon.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IInputOpening} from "../src/interfaces/IInputOpening.sol";
import {Stage} from "./Stage.sol";
import {MockHalo2Verifier} from "./mocks/MockHalo2Verifier.sol";

/// @dev A model with two hidden tensors, of 1 and 2 words, and 4 words of output.
contract InputOpeningTest is Stage {
    struct Vector {
        bytes32 hash;
        uint256[] words;
    }

    uint256 private constant WORDS = 3;

    InputOpening private opening = new InputOpening();
    MockHalo2Verifier private hidden = new MockHalo2Verifier("hidden", 2 + OUTPUTS, PROOF_WORDS);
    uint256 private hiddenModel = _hiddenModel();

    function test_theHashIsThatOfThePythonSide() external view {
        string memory json = vm.readFile("../tests/vectors/poseidon.json");
        Vector[] memory vectors =
            abi.decode(vm.parseJsonTypeArray(json, "$", "Vector(bytes32 hash,uint256[] words)"), (Vector[]));
        vm.assertEq(vectors.length, 8);
        for (uint256 i = 0; i < vectors.length; ++i) {
            vm.assertEq(bytes32(opening.hashOf(vectors[i].words)), vectors[i].hash);
        }
    }

    function test_aHiddenInputIsOpenedByWhoKnowsIt(uint256 seed) external {
        uint256[] memory words = _words(_instances(seed), 0, WORDS);
        bytes memory output = _record(words);
        vm.assertEq(_isVerified(words, output), true);
    }

    function test_nobodyOpensItAsAnother(uint256 seed, uint256 position, uint256 change) external {
        uint256[] memory words = _words(_instances(seed), 0, WORDS);
        bytes memory output = _record(words);
        position = bound(position, 0, words.length - 1);
        words[position] =
            addmod(words[position], bound(change, 1, FixedPoint.FIELD_MODULUS - 1), FixedPoint.FIELD_MODULUS);
        vm.assertEq(_isVerified(words, output), false);
    }

    function test_anotherOutputOfTheSameInputIsNotVerified(uint256 seed) external {
        uint256[] memory words = _words(_instances(seed), 0, WORDS);
        bytes memory output = _record(words);
        output[31] ^= 0x01;
        vm.assertEq(_isVerified(words, output), false);
    }

    function test_theOrderOfTheTensorsDecides(uint256 seed) external {
        uint256[] memory words = _words(_instances(seed), 0, WORDS);
        bytes memory output = _record(words);
        (words[0], words[1], words[2]) = (words[1], words[2], words[0]);
        vm.assertEq(_isVerified(words, output), false);
    }

    function test_aSecondSpellingOpensNothing(uint256 seed, uint256 position) external {
        uint256[] memory words = _words(_instances(seed), 0, WORDS);
        position = bound(position, 0, words.length - 1);
        words[position] += FixedPoint.FIELD_MODULUS;
        vm.expectRevert(
            abi.encodeWithSelector(
                Poseidon.PoseidonOutOfField.selector, position == 0 ? 0 : position - 1, words[position]
            )
        );
        opening.commitmentOf(gateway, _hiddenCircuit(), words);

        words[position] = FixedPoint.FIELD_MODULUS;
        vm.expectRevert(
            abi.encodeWithSelector(
                Poseidon.PoseidonOutOfField.selector, position == 0 ? 0 : position - 1, FixedPoint.FIELD_MODULUS
            )
        );
        opening.commitmentOf(gateway, _hiddenCircuit(), words);
    }

    function test_anotherNumberOfWordsIsRefused(uint8 count) external {
        vm.assume(count != WORDS);
        uint256[] memory words = new uint256[](count);
        uint256 expected = count == 0 ? 1 : WORDS;
        vm.expectRevert(abi.encodeWithSelector(IInputOpening.InputMiscounted.selector, expected, count));
        opening.commitmentOf(gateway, _hiddenCircuit(), words);
    }

    function test_anInputThatIsNotHashedIsNotOpened(bool isPrivate) external {
        Circuit memory circuit = _hiddenCircuit();
        circuit.inputVisibility = isPrivate ? Visibility.Private : Visibility.Public;
        vm.expectRevert(abi.encodeWithSelector(IInputOpening.InputNotHashed.selector, circuit.inputVisibility));
        opening.commitmentOf(gateway, circuit, new uint256[](WORDS));
    }

    function test_aDescriptionThatTheModelDoesNotCommitToIsRefused() external {
        Circuit memory circuit = _hiddenCircuit();
        bytes32 committed = CircuitLib.hash(circuit);
        (circuit.inputs[0].elements, circuit.inputs[1].elements) = (2, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                CircuitLib.CircuitMismatch.selector, hiddenModel, committed, CircuitLib.hash(circuit)
            )
        );
        opening.isVerified(ledger, hiddenModel, circuit, _words(_instances(0), 0, WORDS), "", Grade.Claimed);
    }

    function _isVerified(uint256[] memory words, bytes memory output) private view returns (bool) {
        return opening.isVerified(ledger, hiddenModel, _hiddenCircuit(), words, output, Grade.Proven);
    }

    /// @dev Records the hashes of these words, and an output of theirs.
    function _record(uint256[] memory words) private returns (bytes memory output) {
        uint256[] memory instances = new uint256[](2 + OUTPUTS);
        (instances[0], instances[1]) = (opening.hashOf(_words(words, 0, 1)), opening.hashOf(_words(words, 1, WORDS)));
        for (uint256 i = 0; i < OUTPUTS; ++i) {
            instances[2 + i] = i;
        }
        output = abi.encodePacked(_words(instances, 2, 2 + OUTPUTS));
        ledger.verifyAndStoreInference(
            hiddenModel,
            gateway.commitmentOf(_words(instances, 0, 2)),
            output,
            abi.encode(instances, hidden.mockProve(instances))
        );
    }

    function _hiddenCircuit() private pure returns (Circuit memory circuit) {
        circuit = _circuit();
        circuit.inputVisibility = Visibility.Hashed;
        circuit.inputs = new Tensor[](2);
        (circuit.inputs[0], circuit.inputs[1]) = (_tensors(1)[0], _tensors(2)[0]);
    }

    function _hiddenModel() private returns (uint256 modelId) {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(hidden));
        commitment.circuitHash = CircuitLib.hash(_hiddenCircuit());
        modelId = registry.registerModel(commitment);
        ezkl.bind(modelId, _hiddenCircuit(), address(hidden));
    }
}
