// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Circuit} from "../Circuit.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IProofVerifier} from "./IProofVerifier.sol";

/// @title Proofs of ezkl, checked by one contract for many models
/// @notice Trust contract. For a model of this proof system `vkHash` is the hash of two things: the runtime code of the
/// shared verifier, and the verifying key artifact (VKA) that makes it check one circuit. Both are compared when a model is
/// bound, the second again in every answer. That an artifact is registered with the shared verifier means nothing, because
/// anybody registers anything; binding registers it, so nobody else has to.
///
/// What remains to be trusted is the shared code, and the trusted setup, whose points are words of the artifact. Both can
/// be audited from code and artifact; nobody can change either.
///
/// An artifact is some kilobytes, and every verification needs it. Until it is stored, a proof is the proof of ezkl
/// followed by the artifact. Anybody may store the artifact, once for each chain, as code; from then on the proof of ezkl
/// is enough, and one that carries the artifact is as good, because the shared verifier ignores words that follow. Storing
/// pays back with the 24th verification (`scripts/vka_break_even.py`).
///
/// So one statement has many proofs here. No id and no record depends on the bytes of a proof.
///
/// Besides its own errors it reverts with those of `IEzklVerifier` for a circuit, a model that is not bound and instances
/// of the wrong number or size, with `InvalidProof`, and `bind` with `UnsupportedProofSystem`, both of ERC-7992.
interface IEzklReusableVerifier is IProofVerifier {
    /// @notice A model was bound to the shared verifier and its artifact, which is in the calldata of the transaction.
    event ModelBound(uint256 indexed modelId, address indexed verifier, bytes32 indexed vkaDigest, Circuit circuit);

    /// @notice An artifact was stored as the code of `store`, behind one zero byte.
    event VkaStored(bytes32 indexed vkaDigest, address store);

    /// @notice Code and artifact do not hash to the `vkHash` of the model. Likely cause: the shared verifier is not deployed
    /// yet or was compiled with other settings; or an artifact of another build, or with the eight bytes of length that
    /// its file starts with.
    error KeyMismatch(uint256 modelId, bytes32 expected, bytes32 got);

    /// @notice The length is not a number of words. Likely cause: the eight bytes that the file of an artifact starts with.
    error VkaNotWhole(uint256 length);

    /// @notice The shared verifier did not take the artifact. Likely cause: too little gas.
    error VkaNotTaken(uint256 modelId);

    /// @notice The proof does not end with the artifact of the model, and that is not stored. Likely cause: it was made
    /// for a chain where the artifact is stored.
    error VkaMissing(uint256 modelId, bytes32 vkaDigest);

    /// @notice The artifact could not be stored. Likely cause: longer than the code of a contract may be; or too little gas.
    error VkaNotStored(uint256 length);

    /// @notice Binds a model to a shared verifier and an artifact. Anybody may, because everything is checked against the
    /// commitment. Binding a bound model again changes nothing, whichever address with the same code is given.
    /// @param vka The words of the artifact.
    function bind(uint256 modelId, Circuit calldata circuit, address verifier, bytes calldata vka) external;

    /// @notice Stores an artifact as code, for every model that has it. Anybody may; storing it again changes nothing.
    function storeVka(bytes calldata vka) external returns (address store);

    /// @notice What a model is bound to; zeros for a model that is not.
    function bindingOf(uint256 modelId)
        external
        view
        returns (address verifier, uint32 inputInstances, uint32 outputInstances, bytes32 vkaDigest);

    /// @notice Where an artifact is stored; zero if it is not.
    function storeOf(bytes32 vkaDigest) external view returns (address);

    /// @notice The `vkHash` of models that this shared code checks with this artifact.
    function keyHashOf(bytes32 verifierCodeHash, bytes32 vkaDigest) external pure returns (bytes32);

    /// @notice The registry that commitments are looked up in when binding.
    function registry() external view returns (IModelRegistry);
}
