// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IProofVerifier} from "./IProofVerifier.sol";

/// @title A verifier that can be stopped, one way
/// @notice Trust contract. It refuses what it accepted before, by name, once it is stopped; it never accepts what it would
/// refuse otherwise, and nothing starts it again. There are two ways to stop:
/// - The guardian stops all of it, for whatever reason. A guardian who errs, or whose key is stolen, can refuse every
///   inference from then on; they can neither make one up nor take one back. A zero guardian is none, and the choice is made
///   at construction, for good.
/// - Anybody stops one model, by showing two proofs that the verifier accepts and that give two outputs for one input. Only
///   that model, because anybody can list a model whose key proves everything, and must not stop the others by it. An
///   input that leaves no instance cannot be shown to be the same one, so nothing follows from two outputs of it.
///
/// A consumer that has pinned a model relies on the verifier, and on the guardian for nothing but to go on. Records made
/// before a stop stay.
interface IVerifierStop is IProofVerifier {
    /// @notice Instances and a proof of them.
    struct Claim {
        uint256[] instances;
        bytes proof;
    }

    /// @notice The guardian stopped the verifier, for good.
    event VerifierStopped();

    /// @notice Two outputs for one input were proven of a model, and it was stopped for good.
    event ModelStopped(uint256 indexed modelId, uint256[] first, uint256[] second);

    /// @notice The verifier is stopped. Likely cause: a flaw was found in it; look for what its guardian says.
    error VerifierIsStopped();

    /// @notice The model is stopped. Likely cause: its key, its circuit or its trusted setup is broken, and somebody showed it.
    error ModelIsStopped(uint256 modelId);

    /// @notice Only the guardian stops a whole verifier. Likely cause: sent from another account.
    error NotGuardian(address caller);

    /// @notice The input of the model leaves no instance, so two proofs need not be of the same one.
    error InputNotShown(uint256 modelId);

    /// @notice The two proofs are of different inputs.
    error InputsDiffer(uint256 modelId);

    /// @notice The two proofs are of the same statement. Likely cause: two proofs of one witness, which anybody can make.
    error OutputsAgree(uint256 modelId);

    /// @notice Stops the verifier for every model, for good. Only the guardian. Stopping again changes nothing.
    function stop() external;

    /// @notice Stops the verifier for one model, for good. Anybody who has two true proofs of two outputs for one input.
    function stopModel(uint256 modelId, Claim calldata first, Claim calldata second) external;

    /// @notice Who may stop the verifier; zero for nobody.
    function guardian() external view returns (address);
}
