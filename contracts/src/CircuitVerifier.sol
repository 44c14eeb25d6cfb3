// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165, IERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Circuit, CircuitLib} from "./Circuit.sol";
import {FixedPoint} from "./FixedPoint.sol";
import {IERC7992Registry, IERC7992Verifier} from "./interfaces/draft-IERC7992.sol";
import {IEzklVerifier} from "./interfaces/IEzklVerifier.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {IVerifierStop} from "./interfaces/IVerifierStop.sol";
import {VerifierStop} from "./VerifierStop.sol";

/// @title What the verifiers of committed circuits have in common
/// @notice The split of the instances into input and output comes from the circuit description, which has to hash to the
/// `circuitHash` of the model. The registry is asked when a model is bound, and never again.
abstract contract CircuitVerifier is VerifierStop, ERC165 {
    using CircuitLib for Circuit;

    IModelRegistry internal immutable _registry;

    constructor(IModelRegistry registry_, address guardian_) VerifierStop(guardian_) {
        _registry = registry_;
    }

    function supportsInterface(bytes4 interfaceId) public view virtual override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IProofVerifier).interfaceId || interfaceId == type(IVerifierStop).interfaceId
            || super.supportsInterface(interfaceId);
    }

    /// @dev Checks a description against the commitment of a model and reads the layout of the instances from it.
    function _checkCircuit(uint256 modelId, Circuit memory circuit, bytes4 proofSystemId)
        internal
        view
        returns (bytes32 vkHash, uint32 inputInstances, uint32 outputInstances)
    {
        (IERC7992Registry.ModelCommitment memory commitment,,) = _registry.getModel(modelId);
        if (commitment.proofSystemId != proofSystemId) {
            revert IERC7992Verifier.UnsupportedProofSystem({proofSystemId: commitment.proofSystemId});
        }
        circuit.requireCommitted(modelId, commitment.circuitHash);
        return
            (
                commitment.vkHash,
                SafeCast.toUint32(circuit.inputInstances()),
                SafeCast.toUint32(circuit.outputInstances())
            );
    }

    function _checkCount(uint256[] calldata instances, uint256 expected) internal pure {
        if (instances.length != expected) {
            revert IEzklVerifier.InstanceCountMismatch({expected: expected, got: instances.length});
        }
    }

    /// @dev A statement has one spelling: every instance is below the order of the field.
    function _checkField(uint256[] calldata instances) internal pure {
        for (uint256 i = 0; i < instances.length; ++i) {
            if (instances[i] >= FixedPoint.FIELD_MODULUS) {
                revert IEzklVerifier.InstanceOutOfField({index: i, value: instances[i]});
            }
        }
    }
}
