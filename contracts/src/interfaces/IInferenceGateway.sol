// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Grade} from "../Grade.sol";
import {IERC7992Verifier} from "./draft-IERC7992.sol";
import {IProofVerifier} from "./IProofVerifier.sol";

/// @title Verify, tie, emit
/// @notice Trust contract. Has no owner and no storage that changes after construction. It trusts the verifiers it was
/// built with, completely, and the registry for one thing: whether a model is deprecated.
///
/// `proof` is `abi.encode(uint256[] instances, bytes proof)`, in canonical form. Input commitment and output are
/// recomputed from the instances, so neither can be attached to a proof of something else:
/// - `inputCommitment` is the hash of `domain()` and the input instances. The domain holds the chain and this gateway;
///   a commitment made for one place is refused in every other. A salt, where wanted, is an input of the model.
///   A private input leaves no instance: the commitment is then that of no words, the same for every input.
/// - `output` is the output instances as 32-byte words, one after another.
///
/// A verification binds a model, an input and an output; not who asked, and not how often.
interface IInferenceGateway is IERC7992Verifier {
    /// @notice At construction, a proof system was routed to its verifier, for good.
    event ProofSystemRouted(bytes4 indexed proofSystemId, address indexed verifier, Grade grade);

    /// @notice Two verifiers name the same proof system. Likely cause: a list of addresses with one given twice.
    error ProofSystemTwice(bytes4 proofSystemId);

    /// @notice More verifiers than a gateway has room for.
    error TooManyVerifiers(uint256 most, uint256 got);

    /// @notice The address does not say that it is an `IProofVerifier`. Likely cause: not deployed yet, or the address
    /// of a generated verifier in place of its adapter.
    error NotAProofVerifier(address candidate);

    /// @notice The blob is not the canonical encoding of instances and proof. Likely cause: the proof was sent bare, or
    /// encoded packed, or cut.
    error MalformedProof();

    /// @notice `verifyInference`, for callers that act on the grade. (The standard wants a function without an answer.)
    /// @return grade What stands behind the result.
    function verifyAndGrade(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external
        returns (Grade grade);

    /// @notice The same verification without the event, to ask before sending.
    /// @return grade What stands behind the result.
    function check(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external
        view
        returns (Grade grade);

    /// @notice The domain of input commitments made here and now. Follows the chain id if the chain splits.
    function domain() external view returns (bytes32);

    /// @notice The commitment to an input, from its instances.
    function commitmentOf(uint256[] calldata inputWords) external view returns (bytes32);

    /// @notice The verifier of a proof system; zero if there is none.
    function verifierOf(bytes4 proofSystemId) external view returns (IProofVerifier);

    /// @notice The grade that verified results of a model have. Says nothing about its being deprecated.
    function gradeOf(uint256 modelId) external view returns (Grade);

    /// @notice Whether a true proof of a model would be accepted: it is listed and not deprecated, and its proof system has
    /// a verifier, which is not stopped for it. False never becomes true again for a listed model.
    function accepts(uint256 modelId) external view returns (bool);
}
