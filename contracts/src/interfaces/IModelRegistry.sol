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
/// Policy of versions, as ERC-7992 asks: a new version is a new id. A line puts versions in an order. Its id is the hash
/// of the account that created it and its name, so nobody can take the name of a line of somebody else, and it stays
/// the same when the line is handed on. Versions are appended, never replaced or removed.
///
/// Who pins a model id trusts nobody. Who follows a line lets its owner choose the model from now on, without limit:
/// the owner may append any listed model, also one that they did not list themselves.
interface IModelRegistry is IERC7992Registry {
    /// @notice The owner of a listing offered it to `candidate`; to nobody, if that is zero.
    event ModelOffered(uint256 indexed modelId, address indexed owner, address indexed candidate);

    /// @notice A listing was taken over by whom it was offered to.
    event ModelTransferred(uint256 indexed modelId, address indexed oldOwner, address indexed newOwner);

    /// @notice A line without versions was created by `owner`.
    event LineCreated(bytes32 indexed lineId, address indexed owner, string name);

    /// @notice A line got its next version.
    event VersionAppended(bytes32 indexed lineId, uint256 indexed modelId, uint256 version);

    /// @notice The owner of a line offered it to `candidate`; to nobody, if that is zero.
    event LineOffered(bytes32 indexed lineId, address indexed owner, address indexed candidate);

    /// @notice A line was taken over by whom it was offered to.
    event LineTransferred(bytes32 indexed lineId, address indexed oldOwner, address indexed newOwner);

    /// @notice The commitment is listed already. Likely cause: the same bundle deployed twice; nothing is left to do.
    error ModelAlreadyRegistered(uint256 modelId, address owner);

    /// @notice A hash of the commitment is zero. Likely cause: a manifest that was not filled in to the end.
    error ZeroHash(bytes32 modelHash, bytes32 circuitHash, bytes32 vkHash);

    /// @notice Only the `uri` of a listing can change. Likely cause: a rebuilt model, which has to be registered anew.
    error CommitmentImmutable(uint256 modelId);

    /// @notice The listing was not offered to the caller. Likely cause: the offer was withdrawn or went to another account.
    error ModelNotOffered(uint256 modelId, address caller);

    /// @notice The caller has created a line of this name before. Likely cause: the same deployment run twice.
    error LineAlreadyCreated(bytes32 lineId);

    /// @notice No such line here. Likely cause: an id made with the present owner of the line and not with its creator.
    error LineNotFound(bytes32 lineId);

    /// @notice Only the owner of a line may append to it or offer it. Likely cause: sent from another account.
    error NotLineOwner(bytes32 lineId, address caller);

    /// @notice The line was not offered to the caller. Likely cause: the offer was withdrawn or went to another account.
    error LineNotOffered(bytes32 lineId, address caller);

    /// @notice A line has no version of this number. Likely cause: counted from one; the first version is 0.
    error VersionNotFound(bytes32 lineId, uint256 version);

    /// @notice No version of the line can be used. Likely cause: the line is new, or all of its versions are deprecated.
    error NoActiveVersion(bytes32 lineId);

    /// @notice Offers a listing to another account, in place of any earlier offer; zero withdraws it. Only its owner.
    function offerModel(uint256 modelId, address candidate) external;

    /// @notice Takes over a listing that was offered to the caller.
    function acceptModel(uint256 modelId) external;

    /// @notice Creates a line; the caller becomes its owner.
    function createLine(string calldata name) external returns (bytes32 lineId);

    /// @notice Appends an active model to a line. Only the owner of the line. To go back to an earlier model, append it
    /// again.
    /// @return version The number of the version; the first is 0.
    function appendVersion(bytes32 lineId, uint256 modelId) external returns (uint256 version);

    /// @notice Offers a line to another account, in place of any earlier offer; zero withdraws it. Only its owner.
    function offerLine(bytes32 lineId, address candidate) external;

    /// @notice Takes over a line that was offered to the caller.
    function acceptLine(bytes32 lineId) external;

    /// @notice What a verification has to know of a model. Reads one slot; reverts for an unknown id.
    function status(uint256 modelId) external view returns (bytes4 proofSystemId, bool deprecated);

    /// @notice The hash of the circuit of a model, see `Circuit`; reverts for an unknown id.
    function circuitHashOf(uint256 modelId) external view returns (bytes32);

    /// @notice Whether a model is listed and not deprecated.
    function isActive(uint256 modelId) external view returns (bool);

    /// @notice The last version of a line that is active. Reads three slots where that is the last of all; two more for
    /// each deprecated version after it.
    function latest(bytes32 lineId) external view returns (uint256 modelId);

    /// @notice A version of a line, active or not; the first is number 0.
    function versionAt(bytes32 lineId, uint256 version) external view returns (uint256 modelId);

    /// @notice How many versions a line has.
    function versionCount(bytes32 lineId) external view returns (uint256);

    /// @notice Who may append to a line.
    function lineOwner(bytes32 lineId) external view returns (address);

    /// @notice The id of the line that an account has created, or would create, under a name.
    function lineIdOf(address creator, string calldata name) external pure returns (bytes32);
}
