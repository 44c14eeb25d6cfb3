// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Circuit, Visibility} from "../Circuit.sol";
import {Grade} from "../Grade.sol";
import {IInferenceGateway} from "./IInferenceGateway.sol";
import {IInferenceLedger} from "./IInferenceLedger.sol";

/// @title Opens the input of an inference that was hidden behind its hash
/// @notice Trust contract. A model whose input is hashed proves that its output belongs to an input with this hash, and shows
/// the hash alone. Whoever knows the input may show it here, at any time and to any contract; nobody else can, and nobody can
/// show another one. It holds no state, belongs to nobody, and trusts the ledger that it is handed.
///
/// What was never shown and is easy to guess is not hidden by a hash: an input of few possible values can be tried out.
interface IInputOpening {
    /// @notice The input of this circuit is not hashed. Likely cause: the description of another model.
    error InputNotHashed(Visibility inputVisibility);

    /// @notice The words are too many or too few for the input of the circuit.
    error InputMiscounted(uint256 expected, uint256 got);

    /// @notice Whether the ledger holds a record, of at least this grade, that the model gives this output for this very
    /// input. Reverts with `CircuitMismatch` where the description is not the one that the model commits to.
    /// @param words The instances of the input tensors, one tensor after another, as they were before they were hashed.
    function isVerified(
        IInferenceLedger ledger,
        uint256 modelId,
        Circuit calldata circuit,
        uint256[] calldata words,
        bytes calldata output,
        Grade minGrade
    ) external view returns (bool);

    /// @notice The input commitment of these words, as the gateway makes it of their hashes.
    function commitmentOf(IInferenceGateway gateway, Circuit calldata circuit, uint256[] calldata words)
        external
        view
        returns (bytes32);

    /// @notice The hash that stands for the words of one tensor.
    function hashOf(uint256[] calldata words) external pure returns (uint256);
}
