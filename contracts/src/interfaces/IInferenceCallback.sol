// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Grade} from "../Grade.sol";

/// @title A contract that is told of a paid inference
/// @notice Trust contract. It must check that the caller is a desk it trusts: then the model gives this output for this
/// input, with this grade, in the ledger of that desk.
///
/// That is all that follows. Anybody may name any contract as the callback of a request of their own, so the contract must
/// also check that it knows the request, or at least that it pins the model and that the input is one it asked about. It
/// is told of a request at most once, and only if all the gas that the request set aside for it was there; a call that
/// fails, or needs more, is not repeated, and the claimer is paid all the same. So whoever cannot do without the output
/// reads the ledger, and takes the callback for a message that may be lost.
interface IInferenceCallback {
    /// @notice A request that named this contract was fulfilled. The claimer is paid already.
    /// @param output The output instances as 32-byte words, one after another.
    /// @param grade What stands behind the result.
    function onInference(
        bytes32 requestId,
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        Grade grade
    ) external;
}
