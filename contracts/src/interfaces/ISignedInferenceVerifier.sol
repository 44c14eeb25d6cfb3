// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Circuit} from "../Circuit.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IProofVerifier} from "./IProofVerifier.sol";

/// @title Inferences that known keys have signed
/// @notice Trust contract. Nothing is proven here. A result is accepted because enough of the signers of its model say
/// that it is so; whoever holds enough of their keys can say anything. That is what the grade `Signed` means.
///
/// Who signs is part of what a model is: `vkHash` is the hash of the first panel, which names the signers, how many of
/// them have to sign, and the admin, who may put other signers in their place. The model id commits to all of that, so
/// neither the owner of a listing nor whoever binds a model first has a say in it. The admin of a panel is fixed: zero if
/// the panel shall never change, a multi-signature wallet or a timelock if the power to change it has to be shared or
/// slow. Whoever steals the key of the admin appoints the signers from then on.
///
/// A panel is rotated on one chain at a time. On a chain where the model is not bound yet the first panel is the one that
/// counts, so after a theft the model is bound and rotated everywhere, or given up for a new one.
///
/// What is signed is a statement, and not a permission: this model gives these instances. So it has no nonce and no
/// deadline, and one signature is good for everyone; chain and contract are in the EIP-712 domain. A rotation does not
/// withdraw what was recorded before it, and a signature counts for as long as its signer is on the panel.
///
/// The proof is one entry after another: the position of a signer on the panel (1 byte), the length of the signature
/// (2 bytes), the signature. Positions ascend, so nobody counts twice. An account with code is asked by ERC-1271, any
/// other signs by ECDSA.
///
/// Besides its own errors it reverts with those of `IEzklVerifier` for a circuit, a model that is not bound and instances
/// of the wrong number or size, and `bind` with `UnsupportedProofSystem` of ERC-7992.
interface ISignedInferenceVerifier is IProofVerifier {
    /// @notice Who signs for a model.
    /// @param admin Who may put another panel in place of this one, but not change the admin; zero for nobody.
    /// @param threshold How many of the signers have to sign.
    /// @param signers Accounts in ascending order.
    struct Panel {
        address admin;
        uint8 threshold;
        address[] signers;
    }

    /// @notice A model was bound to its first panel. The circuit tells how to read its instances.
    event ModelBound(uint256 indexed modelId, Panel panel, Circuit circuit);

    /// @notice The admin of a panel put other signers in place of the old ones.
    event PanelRotated(uint256 indexed modelId, uint8 threshold, address[] signers);

    /// @notice The panel does not hash to the `vkHash` of the model. Likely cause: a model bound with today's panel and
    /// not with its first one.
    error PanelMismatch(uint256 modelId, bytes32 expected, bytes32 got);

    /// @notice The threshold is zero, or more than there are signers, or there are more than 255 signers.
    error ThresholdOutOfRange(uint8 threshold, uint256 signers);

    /// @notice The signers of a panel are not in ascending order, or one stands there twice or is zero. Likely cause:
    /// addresses sorted as mixed-case text.
    error SignersNotAscending(uint256 position, address signer);

    /// @notice Only the admin that the model id commits to may rotate the panel. Likely cause: sent from the account that
    /// owns the listing.
    error NotPanelAdmin(uint256 modelId, address caller);

    /// @notice The proof ends inside an entry. Likely cause: it was cut, or encoded as an array of signatures.
    error MalformedSignatures();

    /// @notice An entry names a position that is not on the panel, or not above that of the entry before. Likely cause:
    /// signatures in the order they came in, or made for a panel that was rotated since.
    error PositionRefused(uint256 modelId, uint8 position);

    /// @notice The signature is not one of this signer over this statement. Likely cause: another chain or verifier in the
    /// EIP-712 domain, or a panel that was rotated since.
    error SignatureRefused(uint256 modelId, address signer);

    /// @notice Fewer signers than the threshold. Likely cause: sent before all of them had signed.
    error TooFewSignatures(uint256 modelId, uint8 expected, uint256 got);

    /// @notice Binds a model to its first panel. Anybody may, because everything is checked against the commitment.
    /// Binding a bound model again changes nothing, also after a rotation.
    function bind(uint256 modelId, Circuit calldata circuit, Panel calldata panel) external;

    /// @notice Puts other signers in place of those of now. Only the admin of the panel.
    function rotate(uint256 modelId, uint8 threshold, address[] calldata signers) external;

    /// @notice The panel of a model as it is now; empty for a model that is not bound.
    function panelOf(uint256 modelId) external view returns (Panel memory);

    /// @notice The `vkHash` of models whose first panel this is.
    function hashOf(Panel calldata panel) external pure returns (bytes32);

    /// @notice What a signer signs: EIP-712 of `SignedInference(uint256 modelId,uint256[] instances)`.
    function digestOf(uint256 modelId, uint256[] calldata instances) external view returns (bytes32);

    /// @notice The registry that commitments are looked up in when binding.
    function registry() external view returns (IModelRegistry);
}
