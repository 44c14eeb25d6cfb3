// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IInferenceLedger} from "./IInferenceLedger.sol";

/// @title Finding recorded inferences on the chain, without their output
/// @notice Trust contract. Trusts its ledger completely, and holds nothing that is not recorded there. A record costs one
/// slot, and most are only ever asked for together with their output; who wants to ask without it pays for the entry here,
/// at any time after the record. Anybody may, so absence says nothing.
///
/// One output is kept for a model and an input, the first that was entered. A second one, which a sound proof system does
/// not give, is refused by name; see `IVerifierStop` for what to do with the two proofs.
///
/// The latest inference of a model is the one recorded last among those entered. Whoever can have the model run chooses
/// its input, so it says what the model said, and not what about: a consumer that cares asks by input.
interface IInferenceIndex {
    /// @notice A recorded inference can be found by its model and its input from now on.
    event InferenceIndexed(uint256 indexed modelId, bytes32 indexed inputCommitment, bytes32 indexed inferenceId);

    /// @notice Another output is entered for this model and this input. Likely cause: the key or the trusted setup of the
    /// model is broken, or its signers said two things.
    error OutputContested(uint256 modelId, bytes32 inputCommitment, bytes32 entered);

    /// @notice Nothing is entered for this model and this input. Likely cause: recorded, and not indexed.
    error InputNotIndexed(uint256 modelId, bytes32 inputCommitment);

    /// @notice Nothing is entered for this model.
    error ModelNotIndexed(uint256 modelId);

    /// @notice Enters a recorded inference. Anybody may; entering it again changes nothing. Reverts with
    /// `InferenceNotRecorded` of the ledger for one that is not recorded.
    function index(uint256 modelId, bytes32 inputCommitment, bytes calldata output)
        external
        returns (bytes32 inferenceId);

    /// @notice The inference of a model for an input. Its hash says which output it has, its event holds it whole.
    function inferenceOf(uint256 modelId, bytes32 inputCommitment)
        external
        view
        returns (bytes32 inferenceId, IInferenceLedger.Record memory record);

    /// @notice The inference of a model that was recorded last; of two in one block, the one that was entered first.
    function latestOf(uint256 modelId)
        external
        view
        returns (bytes32 inferenceId, IInferenceLedger.Record memory record);

    /// @notice The ledger that remembers.
    function ledger() external view returns (IInferenceLedger);
}
