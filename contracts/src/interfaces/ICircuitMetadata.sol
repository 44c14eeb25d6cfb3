// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IInferenceLedger} from "./IInferenceLedger.sol";
import {IERC8084} from "./draft-IERC8084.sol";

/// @title What explorers and wallets can know of one model
/// @notice Trust contract. Anybody deploys it for any model; nobody owns it and nothing in it changes. Everything follows from
/// the commitment of the model and from the circuit description, which is checked against it, so it takes nobody's word.
/// It relies on the ledger it was given for one thing, which verifier stands behind the proof system of the model.
interface ICircuitMetadata is IERC8084 {
    /// @notice The model has no proofs of a circuit: its results are signed, for one.
    error NoCircuitProofs(uint256 modelId, bytes4 proofSystemId);

    /// @notice The ledger whose registry lists the model.
    function ledger() external view returns (IInferenceLedger);
}
