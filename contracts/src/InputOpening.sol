// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib, Visibility} from "./Circuit.sol";
import {Grade} from "./Grade.sol";
import {IInferenceGateway} from "./interfaces/IInferenceGateway.sol";
import {IInferenceLedger} from "./interfaces/IInferenceLedger.sol";
import {IInputOpening} from "./interfaces/IInputOpening.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {Poseidon} from "./Poseidon.sol";

/// @dev Documented in `IInputOpening`.
contract InputOpening is IInputOpening {
    using CircuitLib for Circuit;

    /// @inheritdoc IInputOpening
    function isVerified(
        IInferenceLedger ledger,
        uint256 modelId,
        Circuit calldata circuit,
        uint256[] calldata words,
        bytes calldata output,
        Grade minGrade
    ) external view returns (bool) {
        Circuit memory description = circuit;
        description.requireCommitted(modelId, IModelRegistry(ledger.registry()).circuitHashOf(modelId));
        return ledger.isVerified(modelId, commitmentOf(ledger, circuit, words), output, minGrade);
    }

    /// @inheritdoc IInputOpening
    function hashOf(uint256[] calldata words) external pure returns (uint256) {
        return Poseidon.hash(words);
    }

    /// @inheritdoc IInputOpening
    function commitmentOf(IInferenceGateway gateway, Circuit calldata circuit, uint256[] calldata words)
        public
        view
        returns (bytes32)
    {
        if (circuit.inputVisibility != Visibility.Hashed) {
            revert InputNotHashed({inputVisibility: circuit.inputVisibility});
        }
        uint256[] memory hashes = new uint256[](circuit.inputs.length);
        uint256 expected;
        for (uint256 i = 0; i < hashes.length; ++i) {
            uint256 start = expected;
            expected += circuit.inputs[i].elements;
            if (expected > words.length) revert InputMiscounted({expected: expected, got: words.length});
            hashes[i] = Poseidon.hash(words[start:expected]);
        }
        if (expected != words.length) revert InputMiscounted({expected: expected, got: words.length});
        return gateway.commitmentOf(hashes);
    }
}
