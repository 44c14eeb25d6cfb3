// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165, IERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {Grade} from "./Grade.sol";
import {IInferenceGateway} from "./interfaces/IInferenceGateway.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {IVerifierStop} from "./interfaces/IVerifierStop.sol";

/// @dev Documented in `IVerifierStop`.
contract VerifierStop is IVerifierStop, ERC165 {
    /// @inheritdoc IVerifierStop
    IProofVerifier public immutable verifier;

    /// @inheritdoc IVerifierStop
    address public immutable guardian;

    /// @inheritdoc IProofVerifier
    bytes4 public immutable proofSystemId;

    /// @inheritdoc IProofVerifier
    Grade public immutable grade;

    // | slot | field          | why it is there                          |
    // |------|----------------|------------------------------------------|
    // | 0    | _stopped       | whether all is stopped; never unset      |
    // | 1    | _stoppedModels | whether a model is stopped; never unset  |
    bool private _stopped;
    mapping(uint256 modelId => bool stopped) private _stoppedModels;

    constructor(IProofVerifier verifier_, address guardian_) {
        if (!ERC165Checker.supportsInterface(address(verifier_), type(IProofVerifier).interfaceId)) {
            revert IInferenceGateway.NotAProofVerifier({candidate: address(verifier_)});
        }
        verifier = verifier_;
        guardian = guardian_;
        proofSystemId = verifier_.proofSystemId();
        grade = verifier_.grade();
    }

    /// @inheritdoc IVerifierStop
    function stop() external {
        if (msg.sender != guardian) revert NotGuardian({caller: msg.sender});
        if (_stopped) return;
        _stopped = true;
        emit VerifierStopped();
    }

    /// @inheritdoc IVerifierStop
    function stopModel(uint256 modelId, Claim calldata first, Claim calldata second) external {
        uint256 inputs = verifyProof(modelId, first.instances, first.proof);
        verifyProof(modelId, second.instances, second.proof);
        if (inputs == 0) revert InputNotShown({modelId: modelId});
        if (_hash(first.instances[:inputs]) != _hash(second.instances[:inputs])) {
            revert InputsDiffer({modelId: modelId});
        }
        // The verifier takes one spelling of each instance only, so other words are another output.
        if (_hash(first.instances) == _hash(second.instances)) revert OutputsAgree({modelId: modelId});

        _stoppedModels[modelId] = true;
        emit ModelStopped({modelId: modelId, first: first.instances, second: second.instances});
    }

    /// @inheritdoc IVerifierStop
    function isStopped(uint256 modelId) external view returns (bool) {
        return _stopped || _stoppedModels[modelId];
    }

    /// @inheritdoc IProofVerifier
    function verifyProof(uint256 modelId, uint256[] calldata instances, bytes calldata proof)
        public
        view
        returns (uint256 inputInstances)
    {
        if (_stopped) revert VerifierIsStopped();
        if (_stoppedModels[modelId]) revert ModelIsStopped({modelId: modelId});
        return verifier.verifyProof(modelId, instances, proof);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IProofVerifier).interfaceId || interfaceId == type(IVerifierStop).interfaceId
            || super.supportsInterface(interfaceId);
    }

    function _hash(uint256[] calldata words) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(words));
    }
}
