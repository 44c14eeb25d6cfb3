// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, Tensor, Visibility} from "../src/Circuit.sol";
import {Rows} from "../src/Rows.sol";
import {Test} from "./Test.sol";
import {Tree} from "./Tree.sol";

contract RowsTest is Test, Tree {
    uint256 private constant MODEL = uint256(keccak256("model"));
    bytes32 private constant DOMAIN = keccak256("domain");

    // External, so that the words lie in calldata and a refusal can be expected.
    function root(Circuit memory circuit, uint256[] calldata words) external pure returns (bytes32) {
        return Rows.root(circuit, MODEL, DOMAIN, words);
    }

    /// @dev One to three tensors on each side, with none to three words a row each.
    function test_theRootIsThatOfTheRowsPickedOneByOne(uint256 seed, uint8 rows) external view {
        Circuit memory circuit = _circuit(seed, uint32(bound(rows, 1, 20)));
        uint256[] memory words = _words(circuit, seed);
        vm.assertEq(this.root(circuit, words), _root(_leaves(circuit, words)));
    }

    function test_aTensorThatIsAllOfARowGivesTheSameTree(uint256 seed, uint8 rows, bool withEmpty) external view {
        Circuit memory circuit = _circuit(seed, uint32(bound(rows, 1, 20)));
        circuit.inputs = new Tensor[](withEmpty ? 2 : 1);
        circuit.outputs = new Tensor[](1);
        circuit.inputs[0].elements = 3 * circuit.rows;
        circuit.outputs[0].elements = circuit.rows;
        uint256[] memory words = _words(circuit, seed);
        vm.assertEq(this.root(circuit, words), _root(_leaves(circuit, words)));
    }

    function test_modelAndDomainAreInEveryLeaf(uint256 seed) external view {
        Circuit memory circuit = _circuit(seed, 1);
        uint256[] memory words = _words(circuit, seed);
        bytes32 input = keccak256(abi.encodePacked(DOMAIN, _row(circuit.inputs, 1, 0, words, 0)));
        uint256[] memory output = _row(circuit.outputs, 1, 0, words, _elements(circuit.inputs));
        vm.assertEq(
            this.root(circuit, words), Rows.leaf(keccak256(abi.encodePacked(MODEL, input, abi.encodePacked(output))))
        );
    }

    function test_anotherNumberOfWordsIsRefused(uint256 seed, bool more) external {
        Circuit memory circuit = _circuit(seed, 3);
        uint256 expected = _elements(circuit.inputs) + _elements(circuit.outputs);
        vm.assume(more || expected != 0);
        uint256[] memory words = new uint256[](more ? expected + 1 : expected - 1);
        vm.expectRevert(abi.encodeWithSelector(Rows.RowsMiscounted.selector, expected, words.length));
        this.root(circuit, words);
    }

    /// @dev The word that is told, and no other, decides the root.
    function test_everyWordIsPartOfTheRoot(uint256 seed, uint256 position) external view {
        Circuit memory circuit = _circuit(seed, 5);
        uint256[] memory words = _words(circuit, seed);
        vm.assume(words.length != 0);
        bytes32 before = this.root(circuit, words);
        words[bound(position, 0, words.length - 1)] ^= 1;
        vm.assertNotEq(this.root(circuit, words), before);
    }

    function _circuit(uint256 seed, uint32 rows) private pure returns (Circuit memory) {
        return Circuit({
            settingsHash: keccak256("settings"),
            inputVisibility: Visibility.Public,
            rows: rows,
            inputs: _tensors(uint256(keccak256(abi.encode("inputs", seed))), rows),
            outputs: _tensors(uint256(keccak256(abi.encode("outputs", seed))), rows)
        });
    }

    function _tensors(uint256 seed, uint32 rows) private pure returns (Tensor[] memory tensors) {
        tensors = new Tensor[](1 + seed % 3);
        for (uint256 i = 0; i < tensors.length; ++i) {
            tensors[i].elements = uint32((seed >> (8 * (i + 1))) % 4) * rows;
        }
    }

    function _words(Circuit memory circuit, uint256 seed) private pure returns (uint256[] memory words) {
        words = new uint256[](_elements(circuit.inputs) + _elements(circuit.outputs));
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = uint256(keccak256(abi.encode(seed, i)));
        }
    }

    function _elements(Tensor[] memory tensors) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < tensors.length; ++i) {
            sum += tensors[i].elements;
        }
    }

    function _leaves(Circuit memory circuit, uint256[] memory words) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](circuit.rows);
        for (uint256 row = 0; row < leaves.length; ++row) {
            bytes32 input = keccak256(abi.encodePacked(DOMAIN, _row(circuit.inputs, circuit.rows, row, words, 0)));
            uint256[] memory output = _row(circuit.outputs, circuit.rows, row, words, _elements(circuit.inputs));
            leaves[row] = keccak256(abi.encode(keccak256(abi.encodePacked(MODEL, input, abi.encodePacked(output)))));
        }
    }

    /// @dev The words of a row, picked one by one from tensors that begin at `start`.
    function _row(Tensor[] memory tensors, uint256 rows, uint256 row, uint256[] memory words, uint256 start)
        private
        pure
        returns (uint256[] memory picked)
    {
        picked = new uint256[](_elements(tensors) / rows);
        uint256 count;
        for (uint256 i = 0; i < tensors.length; ++i) {
            uint256 share = tensors[i].elements / rows;
            for (uint256 j = 0; j < share; ++j) {
                picked[count++] = words[start + row * share + j];
            }
            start += tensors[i].elements;
        }
    }
}
