// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title ERC-8084 (Draft): metadata of a zero-knowledge circuit
/// @notice Selectors and topics are those of the published text. What each answer is here:
interface IERC8084 {
    /// @notice Metadata can be read from now on.
    event CircuitMetadataUpdated(bytes32 indexed circuitId, uint64 circuitVersion, bytes4 proofSystem);

    /// @notice The id of the model: the hash of its file, its circuit and its verifying key.
    function circuitId() external view returns (bytes32);

    /// @notice 1.0, as two numbers of 32 bits. A model never changes; another version has another id, see the lines of
    /// `IModelRegistry`.
    function circuitVersion() external view returns (uint64);

    /// @notice The `circuitHash` of the model.
    function publicInputsSchemaHash() external view returns (bytes32);

    /// @notice The document that has this hash, whole, as a `data:` URI: the tag of circuit descriptions and the `Circuit`,
    /// ABI-encoded. It says how the instances of a proof are split and scaled.
    function publicInputsSchemaURI() external view returns (string memory);

    /// @notice Where the verifying key is found: the view of the verifier (ERC-681) that tells which code and which artifact
    /// check the proofs of the model, and after `#` the `vkHash` that these have.
    function verificationKeyURI() external view returns (string memory);

    /// @notice The number of Halo2 in the registry of the standard. The exact proof system is `proofSystemOf` of the ledger.
    function proofSystem() external view returns (bytes4);
}
