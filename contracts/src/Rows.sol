// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
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

        bytes32[] memory nodes = new bytes32[](circuit.rows);
        // What is hashed to the input commitment of a row, and to its inference id. The heads stay, the words are written
        // over for each row.
        bytes memory input = abi.encodePacked(domain, instances[:inputs / circuit.rows]);
        bytes memory output = abi.encodePacked(modelId, bytes32(0), instances[:(expected - inputs) / circuit.rows]);
        for (uint256 row = 0; row < nodes.length; ++row) {
            _copyRow(circuit.inputs, circuit.rows, row, instances[:inputs], input, 32);
            _copyRow(circuit.outputs, circuit.rows, row, instances[inputs:], output, 64);
            bytes32 inputCommitment = keccak256(input);
            assembly ("memory-safe") {
                mstore(add(output, 64), inputCommitment)
            }
            nodes[row] = leaf(keccak256(output));
        }
        return _fold(nodes);
    }

    /// @notice The leaf of a row.
    function leaf(bytes32 inferenceId) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(inferenceId));
    }

    /// @dev Writes the words of a row over what stands in `buffer` from byte `position` on, which has room for them.
    function _copyRow(
        Tensor[] memory tensors,
        uint256 rows,
        uint256 row,
        uint256[] calldata words,
        bytes memory buffer,
        uint256 position
    ) private pure {
        uint256 start; // of the tensor, in words
        for (uint256 i = 0; i < tensors.length; ++i) {
            uint256 share = tensors[i].elements / rows;
            assembly ("memory-safe") {
                let source := add(words.offset, mul(32, add(start, mul(row, share))))
                calldatacopy(add(add(buffer, 32), position), source, mul(32, share))
            }
            position += 32 * share;
            start += tensors[i].elements;
        }
    }

    /// @dev Pairs the nodes until one is left, in place.
    function _fold(bytes32[] memory nodes) private pure returns (bytes32) {
        for (uint256 count = nodes.length; count > 1; count = (count + 1) / 2) {
            for (uint256 i = 0; i < count; i += 2) {
                nodes[i / 2] = i + 1 < count ? Hashes.commutativeKeccak256(nodes[i], nodes[i + 1]) : nodes[i];
            }
        }
        return nodes[0];
    }

    function _requireEven(Tensor[] memory tensors, uint32 rows) private pure {
        for (uint256 i = 0; i < tensors.length; ++i) {
            uint32 elements = tensors[i].elements;
            if (elements % rows != 0) revert RowsUneven({elements: elements, rows: rows});
        }
    }
}
