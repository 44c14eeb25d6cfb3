// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IERC7992Registry} from "./draft-IERC7992.sol";

/// @title The registry of models
/// @notice Trust contract. The id of a model is the hash of its commitment without the `uri`, so everything an id
/// proves, it proves without trusting this registry or the owner of a listing.
///
/// Listings go to whoever comes first, and anybody can list any commitment. A squatter who lists the model of somebody
/// else decides what the `uri` says and can deprecate the listing, which stops verification of that id; they can never
/// change what is proven. The builder of a model answers by building it again with another setting, which gives
/// another id, and registers in the same transaction as it becomes public. Never treat the owner of a listing as
/// the author of a model.
///
/// Policy of versions, as ERC-7992 asks: a new version is a new id.
interface IModelRegistry is IERC7992Registry {
    /// @notice The commitment is listed already. Likely cause: the same bundle deployed twice; nothing is left to do.
    error ModelAlreadyRegistered(uint256 modelId, address owner);

    /// @notice A hash of the commitment is zero. Likely cause: a manifest that was not filled in to the end.
    error ZeroHash(bytes32 modelHash, bytes32 circuitHash, bytes32 vkHash);

    /// @notice Only the `uri` of a listing can change. Likely cause: a rebuilt model, which has to be registered anew.
    error CommitmentImmutable(uint256 modelId);

    /// @notice What a verification has to know of a model. Reads one slot; reverts for an unknown id.
    function status(uint256 modelId) external view returns (bytes4 proofSystemId, bool deprecated);
}
