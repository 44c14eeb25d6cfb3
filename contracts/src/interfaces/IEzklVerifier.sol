// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Circuit} from "../Circuit.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IProofVerifier} from "./IProofVerifier.sol";

/// @title Proofs of ezkl, each checked by the contract that was generated for its model
/// @notice Trust contract. For a model of this proof system `vkHash` is the hash of the runtime code of its generated
/// verifier, so the id of the model already says which code decides. What remains to be trusted is that code, and the
/// trusted setup inside it: whoever knows the secret of the setup can prove anything. Both can be audited from the code
/// alone; nobody can change either.
///
/// Besides its own errors `verifyProof` reverts with `InvalidProof` and `bind` with `UnsupportedProofSystem`, both of
/// ERC-7992.
interface IEzklVerifier is IProofVerifier {
    /// @notice A model was bound to a generated verifier. The circuit tells how to read its instances.
    event ModelBound(uint256 indexed modelId, address indexed verifier, Circuit circuit);

    /// @notice The code at the address does not hash to the `vkHash` of the model. Likely cause: the verifier is not
    /// deployed yet, is that of another build, or was compiled with another compiler or other settings.
    error VerifierCodeMismatch(uint256 modelId, bytes32 expected, bytes32 got);

    /// @notice No generated verifier is known for the model. Likely cause: the deployment stopped before `bind`.
    error ModelNotBound(uint256 modelId);

    /// @notice The proof has too many or too few instances. Likely cause: a proof of another model, or another batch size.
    error InstanceCountMismatch(uint256 expected, uint256 got);

    /// @notice An instance is not below the order of the field. Likely cause: little-endian words read as big-endian.
    error InstanceOutOfField(uint256 index, uint256 value);

    /// @notice Binds a model to its generated verifier. Anybody may, because everything is checked against the
    /// commitment. Binding a bound model again changes nothing, whichever address with the same code is given.
    function bind(uint256 modelId, Circuit calldata circuit, address verifier) external;

    /// @notice What a model is bound to; zeros for a model that is not.
    function bindingOf(uint256 modelId)
        external
        view
        returns (address verifier, uint32 inputInstances, uint32 outputInstances);

    /// @notice The registry that commitments are looked up in when binding.
    function registry() external view returns (IModelRegistry);
}
