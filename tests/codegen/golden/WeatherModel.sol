// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

// Written by `proofbridge model codegen` from a model's bundle: generate it again, do not edit it.

import {Commitments} from "src/Commitments.sol";
import {FixedPoint} from "src/FixedPoint.sol";
import {Grade} from "src/Grade.sol";
import {IInferenceLedger} from "src/interfaces/IInferenceLedger.sol";

/// @title Reads what one model says, and whether that is verified
/// @notice The model is pinned: its id is the hash of its file, its circuit and its key, so no other model can stand in for it.
library WeatherModel {
    // "weather"
    uint256 internal constant MODEL_ID = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f;

    /// @dev Of one row's output; each has 32 bytes.
    uint256 internal constant OUTPUT_WORDS = 6;

    /// @dev A number of `temperatureC` is its integer over 2**this.
    int8 internal constant OUTPUT_TEMPERATURE_C_SCALE = 13;
    /// @dev A number of `type_` is its integer over 2**this.
    int8 internal constant OUTPUT_TYPE_SCALE = 0;
    /// @dev A number of `far` is its integer over 2**this.
    int8 internal constant OUTPUT_FAR_SCALE = -2;

    /// @notice One row's outputs, row-major: integers at the scales above, or numbers with 18 decimals, see the functions.
    struct Output {
        int256[3] temperatureC; // "temperature (\u00b0C)": float32 [1, 3], at scale 13
        int256 type_; // "type": int64 [1], at scale 0
        int256[2] far; // "far": float64 [2, 1], at scale -2
    }

    /// @notice The output has more or fewer words than the model gives. Likely cause: another model's, or all rows of a batch.
    error OutputMisshapen(uint256 expectedBytes, uint256 gotBytes);

    /// @notice The ledger does not hold this inference with so much behind it. Says nothing about the output: it may be true.
    error NotVerified(bytes32 inferenceId, Grade minGrade);

    /// @notice The outputs as integers at their scales, exact. Reverts with `FixedPointOutOfField` on a word that is no number.
    function decode(bytes calldata output) internal pure returns (Output memory decoded) {
        _requireShape(output);
        for (uint256 i = 0; i < 3; ++i) {
            decoded.temperatureC[i] = FixedPoint.toSigned(_word(output, i));
        }
        decoded.type_ = FixedPoint.toSigned(_word(output, 3));
        for (uint256 i = 0; i < 2; ++i) {
            decoded.far[i] = FixedPoint.toSigned(_word(output, 4 + i));
        }
    }

    /// @notice The outputs as numbers with 18 decimals, cut toward zero.
    function decodeWad(bytes calldata output) internal pure returns (Output memory decoded) {
        _requireShape(output);
        for (uint256 i = 0; i < 3; ++i) {
            decoded.temperatureC[i] = FixedPoint.toWad(_word(output, i), OUTPUT_TEMPERATURE_C_SCALE);
        }
        decoded.type_ = FixedPoint.toWad(_word(output, 3), OUTPUT_TYPE_SCALE);
        for (uint256 i = 0; i < 2; ++i) {
            decoded.far[i] = FixedPoint.toWad(_word(output, 4 + i), OUTPUT_FAR_SCALE);
        }
    }

    /// @notice The outputs with 18 decimals, if the ledger holds that the model gives them for this input, with `minGrade` or more
    /// behind it. Reverts by name otherwise.
    function requireVerified(IInferenceLedger ledger, bytes32 inputCommitment_, bytes calldata output, Grade minGrade)
        internal
        view
        returns (Output memory)
    {
        if (!ledger.isVerified(MODEL_ID, inputCommitment_, output, minGrade)) {
            bytes32 inferenceId = Commitments.inferenceId(MODEL_ID, inputCommitment_, output);
            revert NotVerified({inferenceId: inferenceId, minGrade: minGrade});
        }
        return decodeWad(output);
    }

    /// @notice The same for a row of a recorded batch, by its path to the root.
    function requireVerifiedInBatch(
        IInferenceLedger ledger,
        bytes32 root,
        bytes32[] calldata path,
        bytes32 inputCommitment_,
        bytes calldata output,
        Grade minGrade
    ) internal view returns (Output memory) {
        if (!ledger.isVerifiedInBatch(root, path, MODEL_ID, inputCommitment_, output, minGrade)) {
            bytes32 inferenceId = Commitments.inferenceId(MODEL_ID, inputCommitment_, output);
            revert NotVerified({inferenceId: inferenceId, minGrade: minGrade});
        }
        return decodeWad(output);
    }

    /// @dev Of one row's input.
    uint256 internal constant INPUT_WORDS = 5;

    /// @dev A number of `station` is its integer over 2**this.
    int8 internal constant INPUT_STATION_SCALE = 0;
    /// @dev A number of `lastDays` is its integer over 2**this.
    int8 internal constant INPUT_LAST_DAYS_SCALE = 7;

    /// @notice One row's inputs, row-major: integers at the scales above.
    struct Input {
        int256 station; // "station": int64 [1], at scale 0
        int256[4] lastDays; // "last days": float32 [2, 2], at scale 7
    }

    /// @notice The commitment to an input, for a ledger of this chain.
    function inputCommitment(IInferenceLedger ledger, Input memory input) internal view returns (bytes32) {
        uint256[] memory words = new uint256[](INPUT_WORDS);
        words[0] = FixedPoint.toInstance(input.station);
        for (uint256 i = 0; i < 4; ++i) {
            words[1 + i] = FixedPoint.toInstance(input.lastDays[i]);
        }
        return keccak256(abi.encodePacked(Commitments.domain(block.chainid, address(ledger)), words));
    }

    function _requireShape(bytes calldata output) private pure {
        if (output.length != 32 * OUTPUT_WORDS) {
            revert OutputMisshapen({expectedBytes: 32 * OUTPUT_WORDS, gotBytes: output.length});
        }
    }

    function _word(bytes calldata output, uint256 place) private pure returns (uint256) {
        return uint256(bytes32(output[32 * place:32 * place + 32]));
    }
}
