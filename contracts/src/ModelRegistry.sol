// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165, IERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {Commitments} from "./Commitments.sol";
import {IERC7992Registry} from "./interfaces/draft-IERC7992.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";

/// @dev Documented in `IModelRegistry`.
contract ModelRegistry is IModelRegistry, ERC165 {
    // | slot | bytes        | field                               | why it is there                                   |
    // |------|--------------|-------------------------------------|---------------------------------------------------|
    // | 0    | 20 + 4 + 1   | owner, proofSystemId, deprecated    | all that a verification reads, in one slot        |
    // | 1-3  | 32 each      | modelHash, circuitHash, vkHash      | read when a model is bound, and by `getModel`     |
    // | 4    | string       | uri                                 | the only field that can change                    |
    struct Listing {
        address owner; // never zero in a listing that exists
        bytes4 proofSystemId;
        bool deprecated;
        bytes32 modelHash;
        bytes32 circuitHash;
        bytes32 vkHash;
        string uri;
    }

    // | slot | field     | why it is there             |
    // |------|-----------|-----------------------------|
    // | 0    | _listings | a listing for each model id |
    mapping(uint256 modelId => Listing) private _listings;

    /// @inheritdoc IERC7992Registry
    function registerModel(ModelCommitment calldata commitment) external returns (uint256 modelId) {
        if (commitment.modelHash == 0 || commitment.circuitHash == 0 || commitment.vkHash == 0) {
            revert ZeroHash({
                modelHash: commitment.modelHash, circuitHash: commitment.circuitHash, vkHash: commitment.vkHash
            });
        }
        modelId = _idOf(commitment);
        Listing storage listing = _listings[modelId];
        if (listing.owner != address(0)) revert ModelAlreadyRegistered({modelId: modelId, owner: listing.owner});

        listing.owner = msg.sender;
        listing.proofSystemId = commitment.proofSystemId;
        listing.modelHash = commitment.modelHash;
        listing.circuitHash = commitment.circuitHash;
        listing.vkHash = commitment.vkHash;
        listing.uri = commitment.uri;
        emit ModelRegistered({modelId: modelId, owner: msg.sender, commitment: commitment});
    }

    /// @inheritdoc IERC7992Registry
    function updateModel(uint256 modelId, ModelCommitment calldata newCommitment) external {
        Listing storage listing = _ownListing(modelId);
        // The id is the hash of all but the uri, so one comparison covers every field that must stay.
        if (_idOf(newCommitment) != modelId) revert CommitmentImmutable({modelId: modelId});

        ModelCommitment memory oldCommitment = _commitmentOf(listing);
        listing.uri = newCommitment.uri;
        emit ModelUpdated({modelId: modelId, oldCommitment: oldCommitment, newCommitment: newCommitment});
    }

    /// @inheritdoc IERC7992Registry
    function deprecateModel(uint256 modelId) external {
        _ownListing(modelId).deprecated = true;
        emit ModelDeprecated({modelId: modelId});
    }

    /// @inheritdoc IERC7992Registry
    function getModel(uint256 modelId)
        external
        view
        returns (ModelCommitment memory commitment, bool deprecated, address owner)
    {
        Listing storage listing = _listing(modelId);
        return (_commitmentOf(listing), listing.deprecated, listing.owner);
    }

    /// @inheritdoc IModelRegistry
    function status(uint256 modelId) external view returns (bytes4 proofSystemId, bool deprecated) {
        Listing storage listing = _listing(modelId);
        return (listing.proofSystemId, listing.deprecated);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IERC7992Registry).interfaceId || interfaceId == type(IModelRegistry).interfaceId
            || super.supportsInterface(interfaceId);
    }

    function _idOf(ModelCommitment calldata commitment) private pure returns (uint256) {
        return
            Commitments.modelId(
                commitment.modelHash, commitment.circuitHash, commitment.vkHash, commitment.proofSystemId
            );
    }

    function _listing(uint256 modelId) private view returns (Listing storage listing) {
        listing = _listings[modelId];
        if (listing.owner == address(0)) revert ModelNotFound({modelId: modelId});
    }

    /// @dev A listing that the caller may still change.
    function _ownListing(uint256 modelId) private view returns (Listing storage listing) {
        listing = _listing(modelId);
        if (listing.owner != msg.sender) revert NotModelOwner({modelId: modelId, caller: msg.sender});
        if (listing.deprecated) revert ModelIsDeprecated({modelId: modelId});
    }

    function _commitmentOf(Listing storage listing) private view returns (ModelCommitment memory) {
        return ModelCommitment({
            modelHash: listing.modelHash,
            circuitHash: listing.circuitHash,
            vkHash: listing.vkHash,
            proofSystemId: listing.proofSystemId,
            uri: listing.uri
        });
    }
}
