// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Grade} from "../Grade.sol";

/// @title The seam to a proof system
/// @notice Trust contract. A caller believes an implementation completely, so an implementation
/// - returns from `verifyProof` only if the proof is true for exactly these instances and for the commitment that
///   `modelId` is the hash of, and reverts by name otherwise; it never returns a verdict;
/// - refuses an instance that is another spelling of the same field element, so that a statement has one id;
/// - derives the split into input and output from the commitment alone, never from the proof;
/// - answers `proofSystemId` and `grade` with the same value forever, and has no owner and no upgrade. Where an account has
///   a say all the same, who signs or whether to go on, the interface of the implementation says which and how far: see
///   `ISignedInferenceVerifier` and `IVerifierStop`.
/// A caller has looked up that the model exists, is not deprecated and names this proof system; an implementation need
/// not do so again. It learns nothing about who calls, so the same proof is good for everyone: a proof is a bearer token.
interface IProofVerifier is IERC165 {
    /// @notice First four bytes of the keccak256 of the name of the proof system.
    function proofSystemId() external view returns (bytes4);

    /// @notice The grade of what this verifier accepts.
    function grade() external view returns (Grade);

    /// @notice Returns only on a true proof.
    /// @param instances The public values of the proof, those of the input first.
    /// @return inputInstances How many leading instances commit to the input; the rest are the output.
    function verifyProof(uint256 modelId, uint256[] calldata instances, bytes calldata proof)
        external
        view
        returns (uint256 inputInstances);

    /// @notice Whether every proof of a model is refused from now on, whatever it proves. Once true, true forever.
    function isStopped(uint256 modelId) external view returns (bool);
}
