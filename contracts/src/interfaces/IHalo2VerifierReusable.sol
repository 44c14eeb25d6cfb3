// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title The contract that ezkl generates once for many circuits
/// @notice Trust contract. Known from the generated source of ezkl 23.0.5, and relied upon:
/// - `verifyProof` answers or reverts, mostly with empty data. The first word of the answer is 1 and the second is the
///   keccak256 of the artifact it was given. What follows is not valid ABI, so the answer must not be decoded as declared.
/// - It reads proof, instances and artifact in this order from the calldata, as Solidity's own encoding lays them out, and
///   the artifact from memory, where its own decoding puts it.
/// - It wants a proof of whole words, and ignores the words that follow the last one it needs.
/// - Anybody registers any artifact, also one with a trusted setup whose secret they know. Registration means nothing.
/// - It has no delegate call and no self-destruct, and `verifyProof` writes no storage, so it can be called statically.
interface IHalo2VerifierReusable {
    /// @notice Makes an artifact usable.
    function registerVka(bytes32[] calldata vka) external returns (bytes32 digest);

    /// @notice Answers for a true proof of the circuit that the artifact describes, reverts otherwise.
    function verifyProof(bytes calldata proof, uint256[] calldata instances, bytes32[] calldata vka)
        external
        returns (bool success, bytes32 digest, int256[] memory rescaledInstances);
}
