// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title The contract that ezkl generates for a circuit
/// @notice Trust contract. Known from the generated source, and relied upon: it answers with the word 1 or reverts with
/// empty data, whatever the reason; it reads the proof at fixed places of the calldata, so only Solidity's own encoding
/// is understood; it has no storage, no delegate call and no self-destruct. Declared without `view` by ezkl, and safe to
/// call statically.
interface IHalo2Verifier {
    /// @notice Answers true for a true proof, reverts without data otherwise.
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external returns (bool);
}
