// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Words} from "./Words.sol";

/// @notice The ids and commitments of the system. Python and TypeScript compute the same values from the same vectors
/// (`tests/vectors/commitments.json`). No id depends on proof bytes: whoever holds a witness can make many proofs of
/// one statement.
library Commitments {
    /// @dev Keeps the id of a model apart from every other hash in the system.
    bytes32 internal constant MODEL_TAG = keccak256("proofbridge.model.v1");

    /// @dev Keeps the id of a line apart from every other hash in the system.
    bytes32 internal constant LINE_TAG = keccak256("proofbridge.line.v1");

    /// @dev Keeps an input domain apart from every other hash in the system.
    bytes32 internal constant INPUT_TAG = keccak256("proofbridge.input.v1");

    /// @notice The id of a model is the hash of what is proven about it, so it is the same on every chain and can never
    /// come to mean another model. The `uri` is no part of it.
    function modelId(bytes32 modelHash, bytes32 circuitHash, bytes32 vkHash, bytes4 proofSystemId)
        internal
        pure
        returns (uint256)
    {
        return uint256(keccak256(abi.encode(MODEL_TAG, modelHash, circuitHash, vkHash, proofSystemId)));
    }

    /// @notice The id of a line of versions: the account that created it and its name, so that no other account can take
    /// the same name for itself.
    function lineId(address creator, string calldata name) internal pure returns (bytes32) {
        return keccak256(abi.encode(LINE_TAG, creator, name));
    }

    /// @notice Ties input commitments to one gateway on one chain.
    function domain(uint256 chainId, address gateway) internal pure returns (bytes32) {
        return keccak256(abi.encode(INPUT_TAG, chainId, gateway));
    }

    /// @notice Commits to the input instances of a proof, within a domain.
    function inputCommitment(bytes32 inputDomain, uint256[] calldata inputWords) internal pure returns (bytes32) {
        return Words.hash(inputDomain, inputWords);
    }

    /// @notice The id of a statement: this model gives this output for this input. As ERC-7992 has it.
    /// @param output The output instances as 32-byte words, one after another.
    function inferenceId(uint256 model, bytes32 input, bytes calldata output) internal pure returns (bytes32) {
        return Words.hash(bytes32(model), input, output);
    }
}
