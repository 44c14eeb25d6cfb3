// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @title ERC-7992 (Draft): Verifiable ML Model Inference, the core ABI
/// @notice Selectors, topics and ERC-165 ids are those of the published text. The departures, and why:
/// - An event and an error of the text are both called `ModelDeprecated`, which does not compile. The error is
///   `ModelIsDeprecated` here; no id depends on it.
/// - The interfaces have names of their own, with the number of the standard in them.
/// - The text never says how `inputCommitment` and `output` belong to the proof. Without that, any valid proof of a
///   model can be shown under any commitment. `IInferenceGateway` says how, and recomputes both.

/// @notice A registry of model commitments.
interface IERC7992Registry is IERC165 {
    /// @notice What is known about a model: hashes of what is proven, and where to read about it.
    /// @param modelHash Hash of the model file.
    /// @param circuitHash Hash of the circuit description, see `Circuit`.
    /// @param vkHash Hash of the verifying key, in the form that the proof system pins it.
    /// @param proofSystemId First four bytes of the keccak256 of the name of the proof system.
    /// @param uri Where to read about the model. Nothing is proven about what stands there.
    struct ModelCommitment {
        bytes32 modelHash;
        bytes32 circuitHash;
        bytes32 vkHash;
        bytes4 proofSystemId;
        string uri;
    }

    /// @notice A model was listed by `owner`.
    event ModelRegistered(uint256 indexed modelId, address indexed owner, ModelCommitment commitment);

    /// @notice The listing of a model was changed by its owner.
    event ModelUpdated(uint256 indexed modelId, ModelCommitment oldCommitment, ModelCommitment newCommitment);

    /// @notice A model was deprecated by its owner.
    event ModelDeprecated(uint256 indexed modelId);

    /// @notice No such model here. Likely cause: registered on another chain or in another registry only.
    error ModelNotFound(uint256 modelId);

    /// @notice Only the owner of a listing may change it. Likely cause: the transaction was sent from another account.
    error NotModelOwner(uint256 modelId, address caller);

    /// @notice A deprecated listing cannot be changed any more. Likely cause: the owner deprecated it before.
    error ModelIsDeprecated(uint256 modelId);

    /// @notice Lists a model; the caller becomes the owner of the listing.
    function registerModel(ModelCommitment calldata commitment) external returns (uint256 modelId);

    /// @notice Changes a listing, within what the registry allows. Only its owner.
    function updateModel(uint256 modelId, ModelCommitment calldata newCommitment) external;

    /// @notice Deprecates a model. Only the owner of its listing.
    function deprecateModel(uint256 modelId) external;

    /// @notice The listing of a model.
    function getModel(uint256 modelId)
        external
        view
        returns (ModelCommitment memory commitment, bool deprecated, address owner);
}

/// @notice Verifies that a model gives an output for an input.
interface IERC7992Verifier is IERC165 {
    /// @notice An inference was verified for `caller`. Emitted for every verification, also a repeated one.
    event InferenceVerified(
        uint256 indexed modelId, bytes32 indexed inputCommitment, bytes output, address indexed caller
    );

    /// @notice The proof was not accepted. Likely cause: made for other instances, with another key or for another
    /// build of the model; or the gas limit was too small, which looks just the same. Never take it for evidence.
    error InvalidProof();

    /// @notice Part of the standard. Unused here: a proof of another model is an `InvalidProof`, because each model
    /// is checked by its own key.
    error ModelMismatch();

    /// @notice The input instances of the proof do not give this commitment. Likely cause: a commitment made for
    /// another gateway or chain, or for another input.
    error InputCommitmentMismatch();

    /// @notice The output instances of the proof are not this output. Likely cause: the output was decoded to numbers
    /// and encoded again, or its words are little-endian as in a proof file.
    error OutputMismatch();

    /// @notice Nothing here verifies this proof system. Likely cause: the model was built for a later deployment.
    error UnsupportedProofSystem(bytes4 proofSystemId);

    /// @notice The owner of the listing has deprecated the model. Likely cause: a newer version took its place.
    error VerificationRefused_ModelDeprecated(uint256 modelId);

    /// @notice Returns if, and only if, the inference is verified; reverts by name otherwise.
    function verifyInference(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external;

    /// @notice The proof system of a model.
    function proofSystemOf(uint256 modelId) external view returns (bytes4);

    /// @notice The registry that models are looked up in.
    function registry() external view returns (address);
}

/// @notice The storage extension.
interface IERC7992Storage {
    /// @notice A verified inference was recorded, once.
    event InferenceStored(bytes32 indexed inferenceId);

    /// @notice Verifies an inference and records it.
    /// @return inferenceId `keccak256(abi.encodePacked(modelId, inputCommitment, output))`
    function verifyAndStoreInference(
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        bytes calldata proof
    ) external returns (bytes32 inferenceId);

    /// @notice A recorded inference, with its whole output.
    function getInference(bytes32 inferenceId)
        external
        view
        returns (uint256 modelId, bytes32 inputCommitment, bytes memory output);
}
