// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @notice How the input of a circuit shows itself among the instances of a proof.
enum Visibility {
    /// Every element is an instance.
    Public,
    /// One instance per input tensor: its hash.
    Hashed,
    /// No instance at all: the proof says that some input gives this output.
    Private
}

/// @notice The shape of one tensor, flattened. The number an instance stands for is `signed(instance) / 2**scale`.
struct Tensor {
    uint32 elements;
    int8 scale;
}

/// @notice What a reader has to know to split the instances of a proof into input and output and turn them into
/// numbers. Its hash is the `circuitHash` of a model commitment, so it cannot be told wrongly.
struct Circuit {
    bytes32 settingsHash;
    Visibility inputVisibility;
    uint32 rows; // how many inputs a proof is of, one after another in every tensor; 1 if it is no batch
    Tensor[] inputs;
    Tensor[] outputs;
}

/// @notice Hash and instance counts of a circuit description. Input instances always come before output instances.
library CircuitLib {
    /// @notice The description does not hash to the `circuitHash` of the model. Likely cause: another build's manifest.
    error CircuitMismatch(uint256 modelId, bytes32 expected, bytes32 got);

    /// @dev Keeps the hash of a circuit apart from every other hash in the system.
    bytes32 internal constant CIRCUIT_TAG = keccak256("proofbridge.circuit.v1");

    /// @notice The `circuitHash` of a model commitment.
    function hash(Circuit memory circuit) internal pure returns (bytes32) {
        return keccak256(document(circuit));
    }

    /// @notice What is hashed.
    function document(Circuit memory circuit) internal pure returns (bytes memory) {
        return abi.encode(CIRCUIT_TAG, circuit);
    }

    /// @notice Refuses a description that is not the one a model has committed to.
    function requireCommitted(Circuit memory circuit, uint256 modelId, bytes32 expected) internal pure {
        bytes32 got = hash(circuit);
        if (got != expected) revert CircuitMismatch({modelId: modelId, expected: expected, got: got});
    }

    /// @notice How many leading instances commit to the input.
    function inputInstances(Circuit memory circuit) internal pure returns (uint256) {
        if (circuit.inputVisibility == Visibility.Public) return _elements(circuit.inputs);
        return circuit.inputVisibility == Visibility.Hashed ? circuit.inputs.length : 0;
    }

    /// @notice How many instances, after those of the input, are the output.
    function outputInstances(Circuit memory circuit) internal pure returns (uint256) {
        return _elements(circuit.outputs);
    }

    function _elements(Tensor[] memory tensors) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < tensors.length; ++i) {
            sum += tensors[i].elements;
        }
    }
}
