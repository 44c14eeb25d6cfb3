// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Grade} from "./Grade.sol";
import {IInferenceLedger} from "./interfaces/IInferenceLedger.sol";

/// @notice A record in the one slot that it takes: 1 byte of grade, 5 of block number, 6 of time, 20 of submitter. Zero is no
/// record, because no block has the time zero. Packed here and not by Solidity, which pays 400 gas more to write it.
type RecordWord is uint256;

using RecordWordLib for RecordWord global;

/// @notice Writes and reads records.
library RecordWordLib {
    /// @notice The record of what happens now. Neither number is cut within the next thirty thousand years.
    function made(Grade grade_) internal view returns (RecordWord) {
        return RecordWord.wrap(
            uint256(grade_) << 248 | uint256(uint40(block.number)) << 208 | uint256(uint48(block.timestamp)) << 160
                | uint160(msg.sender)
        );
    }

    /// @notice Whether there is a record.
    function exists(RecordWord word) internal pure returns (bool) {
        return RecordWord.unwrap(word) != 0;
    }

    /// @notice What stood behind the result.
    function grade(RecordWord word) internal pure returns (Grade) {
        return Grade(uint8(RecordWord.unwrap(word) >> 248));
    }

    /// @notice All of it.
    function unpack(RecordWord word) internal pure returns (IInferenceLedger.Record memory) {
        uint256 raw = RecordWord.unwrap(word);
        return IInferenceLedger.Record({
            submitter: address(uint160(raw)),
            recordedAt: uint48(raw >> 160),
            blockNumber: uint40(raw >> 208),
            grade: word.grade()
        });
    }
}
