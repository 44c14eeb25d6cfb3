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

    // | slot | bytes | field    | why it is there                              |
    // |------|-------|----------|----------------------------------------------|
    // | 0    | 20    | owner    | who may append                               |
    // | 1    | 32    | versions | model ids, in the order they were appended   |
    struct Line {
        address owner; // never zero in a line that exists
        uint256[] versions;
    }

    // | slot | field       | why it is there                                          |
    // |------|-------------|----------------------------------------------------------|
    // | 0    | _listings   | a listing for each model id                              |
    // | 1    | _lines      | a line for each line id                                  |
    // | 2    | _modelOffer | to whom a listing is offered; apart, as it is seldom set |
    // | 3    | _lineOffer  | to whom a line is offered                                |
    mapping(uint256 modelId => Listing) private _listings;
    mapping(bytes32 lineId => Line) private _lines;
    mapping(uint256 modelId => address candidate) private _modelOffer;
    mapping(bytes32 lineId => address candidate) private _lineOffer;

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

    /// @inheritdoc IModelRegistry
    function offerModel(uint256 modelId, address candidate) external {
        _ownListing(modelId);
        _modelOffer[modelId] = candidate;
        emit ModelOffered({modelId: modelId, owner: msg.sender, candidate: candidate});
    }

    /// @inheritdoc IModelRegistry
    function acceptModel(uint256 modelId) external {
        Listing storage listing = _listing(modelId);
        if (listing.deprecated) revert ModelIsDeprecated({modelId: modelId});
        if (_modelOffer[modelId] != msg.sender) revert ModelNotOffered({modelId: modelId, caller: msg.sender});

        address oldOwner = listing.owner;
        delete _modelOffer[modelId];
        listing.owner = msg.sender;
        emit ModelTransferred({modelId: modelId, oldOwner: oldOwner, newOwner: msg.sender});
    }

    /// @inheritdoc IModelRegistry
    function createLine(string calldata name) external returns (bytes32 lineId) {
        lineId = Commitments.lineId(msg.sender, name);
        if (_lines[lineId].owner != address(0)) revert LineAlreadyCreated({lineId: lineId});

        _lines[lineId].owner = msg.sender;
        emit LineCreated({lineId: lineId, owner: msg.sender, name: name});
    }

    /// @inheritdoc IModelRegistry
    function appendVersion(bytes32 lineId, uint256 modelId) external returns (uint256 version) {
        Line storage line = _ownLine(lineId);
        if (_listing(modelId).deprecated) revert ModelIsDeprecated({modelId: modelId});

        version = line.versions.length;
        line.versions.push(modelId);
        emit VersionAppended({lineId: lineId, modelId: modelId, version: version});
    }

    /// @inheritdoc IModelRegistry
    function offerLine(bytes32 lineId, address candidate) external {
        _ownLine(lineId);
        _lineOffer[lineId] = candidate;
        emit LineOffered({lineId: lineId, owner: msg.sender, candidate: candidate});
    }

    /// @inheritdoc IModelRegistry
    function acceptLine(bytes32 lineId) external {
        Line storage line = _line(lineId);
        if (_lineOffer[lineId] != msg.sender) revert LineNotOffered({lineId: lineId, caller: msg.sender});

        address oldOwner = line.owner;
        delete _lineOffer[lineId];
        line.owner = msg.sender;
        emit LineTransferred({lineId: lineId, oldOwner: oldOwner, newOwner: msg.sender});
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
        // All three at once: the compiler makes one read of it.
        Listing storage listing = _listings[modelId];
        address owner;
        (owner, proofSystemId, deprecated) = (listing.owner, listing.proofSystemId, listing.deprecated);
        if (owner == address(0)) revert ModelNotFound({modelId: modelId});
    }

    /// @inheritdoc IModelRegistry
    function circuitHashOf(uint256 modelId) external view returns (bytes32) {
        return _listing(modelId).circuitHash;
    }

    /// @inheritdoc IModelRegistry
    function latest(bytes32 lineId) external view returns (uint256 modelId) {
        uint256[] storage versions = _line(lineId).versions;
        for (uint256 i = versions.length; i > 0; --i) {
            modelId = versions[i - 1];
            if (isActive(modelId)) return modelId;
        }
        revert NoActiveVersion({lineId: lineId});
    }

    /// @inheritdoc IModelRegistry
    function versionAt(bytes32 lineId, uint256 version) external view returns (uint256 modelId) {
        uint256[] storage versions = _line(lineId).versions;
        if (version >= versions.length) revert VersionNotFound({lineId: lineId, version: version});
        return versions[version];
    }

    /// @inheritdoc IModelRegistry
    function versionCount(bytes32 lineId) external view returns (uint256) {
        return _line(lineId).versions.length;
    }

    /// @inheritdoc IModelRegistry
    function lineOwner(bytes32 lineId) external view returns (address) {
        return _line(lineId).owner;
    }

    /// @inheritdoc IModelRegistry
    function lineIdOf(address creator, string calldata name) external pure returns (bytes32) {
        return Commitments.lineId(creator, name);
    }

    /// @inheritdoc IModelRegistry
    function isActive(uint256 modelId) public view returns (bool) {
        Listing storage listing = _listings[modelId];
        return listing.owner != address(0) && !listing.deprecated;
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

    function _line(bytes32 lineId) private view returns (Line storage line) {
        line = _lines[lineId];
        if (line.owner == address(0)) revert LineNotFound({lineId: lineId});
    }

    /// @dev A line of the caller.
    function _ownLine(bytes32 lineId) private view returns (Line storage line) {
        line = _line(lineId);
        if (line.owner != msg.sender) revert NotLineOwner({lineId: lineId, caller: msg.sender});
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
