// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Circuit, CircuitLib, Tensor, Visibility} from "./Circuit.sol";
import {Commitments} from "./Commitments.sol";

/// @notice Splits the instances of a batch into its rows, and makes the root over them.
///
/// Every tensor holds its share of row 0, then that of row 1, and so on: the batch is the first axis of each. The words of
/// a row are its shares of all input tensors, and of all output tensors, in the order of the tensors.
///
/// A leaf is the hash of an inference id, so that no inner node, which is the hash of two words, can be taken for one. Nodes
/// are paired from the left, and one that is left over goes up as it is; a pair is hashed in ascending order. That is the
/// tree that OpenZeppelin's `MerkleProof` checks.
library Rows {
    using CircuitLib for Circuit;

    /// @notice The instances of the input are hashed or private, so no row of it can be told from another.
    error RowsNotShown(Visibility inputVisibility);

    /// @notice A tensor cannot be divided into so many rows. Likely cause: a circuit description without a number of rows, or
    /// one with a tensor that has no batch axis.
    error RowsUneven(uint32 elements, uint32 rows);

    /// @notice The proof has too many or too few instances for the circuit.
    error RowsMiscounted(uint256 expected, uint256 got);

    /// @dev In front of the words of the input: the domain.
    uint256 private constant INPUT_HEAD = 32;

    /// @dev In front of the words of the output: the id of the model, and the input commitment.
    uint256 private constant OUTPUT_HEAD = 64;

    /// @dev A part of the memory that holds what is hashed for each row, in bytes.
    struct Hashed {
        uint256 start; // where the head of row 0 lies
        uint256 size; // of what is hashed: head and words
        uint256 width; // from one row to the next: the words
    }

    /// @notice The root over the rows of a batch.
    /// @param domain The domain of input commitments, as for single inferences.
    /// @param instances Input tensors, then output tensors, of all rows.
    function root(Circuit memory circuit, uint256 modelId, bytes32 domain, uint256[] calldata instances)
        internal
        pure
        returns (bytes32)
    {
        if (circuit.inputVisibility != Visibility.Public) {
            revert RowsNotShown({inputVisibility: circuit.inputVisibility});
        }
        if (circuit.rows == 0) revert RowsUneven({elements: 0, rows: 0});
        uint256 inputs = circuit.inputInstances();
        uint256 expected = inputs + circuit.outputInstances();
        if (instances.length != expected) revert RowsMiscounted({expected: expected, got: instances.length});
        _requireEven(circuit.inputs, circuit.rows);
        _requireEven(circuit.outputs, circuit.rows);

        Hashed memory input = _gather(circuit.inputs, circuit.rows, instances[:inputs], INPUT_HEAD);
        Hashed memory output = _gather(circuit.outputs, circuit.rows, instances[inputs:], OUTPUT_HEAD);
        return _fold(_leaves(input, output, circuit.rows, modelId, domain));
    }

    /// @notice The leaf of a row.
    function leaf(bytes32 inferenceId) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(inferenceId));
    }

    /// @dev Copies what is proven into memory, row after row, behind room for a head.
    function _gather(Tensor[] memory tensors, uint256 rows, uint256[] calldata words, uint256 head)
        private
        pure
        returns (Hashed memory hashed)
    {
        uint256 width = 32 * (words.length / rows);
        uint256 source;
        uint256 start;
        assembly ("memory-safe") {
            source := words.offset
            start := mload(0x40)
            mstore(0x40, add(start, add(head, mul(32, words.length))))
        }
        hashed = Hashed({start: start, size: head + width, width: width});
        uint256 target = start + head;
        for (uint256 i = 0; i < tensors.length; ++i) {
            uint256 size = 32 * (tensors[i].elements / rows);
            // A tensor that is all of the row lies row after row already.
            (uint256 copies, uint256 length) = size == width ? (1, size * rows) : (rows, size);
            assembly ("memory-safe") {
                for { let copy := 0 } lt(copy, copies) { copy := add(copy, 1) } {
                    calldatacopy(add(target, mul(copy, width)), add(source, mul(copy, length)), length)
                }
            }
            source += size * rows;
            target += size;
        }
    }

    /// @dev The leaf of each row. In assembly, because what a row of a batch costs is here.
    function _leaves(Hashed memory input, Hashed memory output, uint256 rows, uint256 modelId, bytes32 domain)
        private
        pure
        returns (bytes32[] memory leaves)
    {
        leaves = new bytes32[](rows);
        (uint256 inputStart, uint256 inputSize, uint256 inputWidth) = (input.start, input.size, input.width);
        (uint256 outputStart, uint256 outputSize, uint256 outputWidth) = (output.start, output.size, output.width);
        assembly ("memory-safe") {
            let end := add(add(leaves, 32), mul(32, rows))
            // The head of a row is written over the last words of the row before, which is hashed by then.
            for { let place := add(leaves, 32) } lt(place, end) { place := add(place, 32) } {
                mstore(inputStart, domain)
                mstore(outputStart, modelId)
                mstore(add(outputStart, 32), keccak256(inputStart, inputSize))
                mstore(0, keccak256(outputStart, outputSize))
                mstore(place, keccak256(0, 32))
                inputStart := add(inputStart, inputWidth)
                outputStart := add(outputStart, outputWidth)
            }
        }
    }

    /// @dev Pairs the nodes until one is left, in place. What OpenZeppelin's `commutativeKeccak256` makes of each pair.
    function _fold(bytes32[] memory nodes) private pure returns (bytes32 top) {
        assembly ("memory-safe") {
            let first := add(nodes, 32)
            for { let count := mload(nodes) } gt(count, 1) { count := shr(1, add(count, 1)) } {
                let paired := add(first, mul(64, shr(1, count)))
                let target := first
                for { let pair := first } lt(pair, paired) { pair := add(pair, 64) } {
                    let left := mload(pair)
                    let right := mload(add(pair, 32))
                    let descending := gt(left, right)
                    mstore(mul(32, descending), left)
                    mstore(mul(32, iszero(descending)), right)
                    mstore(target, keccak256(0, 64))
                    target := add(target, 32)
                }
                if and(count, 1) { mstore(target, mload(paired)) }
            }
            top := mload(first)
        }
    }

    function _requireEven(Tensor[] memory tensors, uint32 rows) private pure {
        for (uint256 i = 0; i < tensors.length; ++i) {
            uint32 elements = tensors[i].elements;
            if (elements % rows != 0) revert RowsUneven({elements: elements, rows: rows});
        }
    }
}
