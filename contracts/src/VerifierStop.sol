// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Words} from "./Words.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {IVerifierStop} from "./interfaces/IVerifierStop.sol";

/// @dev Documented in `IVerifierStop`. A verifier inherits it, keeps the flag of a model in a slot that it reads anyway, and
/// calls `_requireRunning` first of all.
abstract contract VerifierStop is IVerifierStop {
    /// @inheritdoc IVerifierStop
    address public immutable guardian;

    // | slot | bytes | field    | why it is there                                                      |
    // |------|-------|----------|----------------------------------------------------------------------|
    // | 0    | 1     | _stopped | whether all is stopped; never unset, and never read without guardian |
    bool private _stopped;

    constructor(address guardian_) {
        guardian = guardian_;
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
        if (Words.hash(first.instances[:inputs]) != Words.hash(second.instances[:inputs])) {
            revert InputsDiffer({modelId: modelId});
        }
        // A verifier takes one spelling of each instance only, so other words are another output.
        if (Words.hash(first.instances) == Words.hash(second.instances)) revert OutputsAgree({modelId: modelId});

        _stopModel(modelId);
        emit ModelStopped({modelId: modelId, first: first.instances, second: second.instances});
    }

    /// @inheritdoc IProofVerifier
    function isStopped(uint256 modelId) external view returns (bool) {
        return _isAllStopped() || _isModelStopped(modelId);
    }

    /// @inheritdoc IProofVerifier
    function verifyProof(uint256 modelId, uint256[] calldata instances, bytes calldata proof)
        public
        view
        virtual
        returns (uint256 inputInstances);

    /// @dev Sets the flag of a model, for good.
    function _stopModel(uint256 modelId) internal virtual;

    /// @dev The flag of a model.
    function _isModelStopped(uint256 modelId) internal view virtual returns (bool);

    /// @param modelStopped The flag of the model, which the caller has read already.
    function _requireRunning(uint256 modelId, bool modelStopped) internal view {
        if (guardian != address(0) && _stopped) revert VerifierIsStopped();
        if (modelStopped) revert ModelIsStopped({modelId: modelId});
    }

    /// @dev Where there is no guardian the slot is not even read: it costs 2 100 gas.
    function _isAllStopped() private view returns (bool) {
        return guardian != address(0) && _stopped;
    }
}
