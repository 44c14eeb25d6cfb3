// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IInferenceGateway} from "./interfaces/IInferenceGateway.sol";

/// @notice Reads the `proof` argument of ERC-7992: `abi.encode(uint256[] instances, bytes proof)`, in its one canonical
/// encoding. Anything else is refused by one name, so that every byte of the blob is accounted for and a broken blob
/// never looks like a broken contract.
///
/// ```
/// 0x00              0x40                      where the instances start
/// 0x20              0x60 + 32 n               where the proof starts
/// 0x40              n, then n words           the instances
/// 0x60 + 32 n       m, then m bytes           the proof, padded with zeros to whole words; the blob ends here
/// ```
library ProofBlob {
    /// @dev Two offsets and two lengths: the blob of no instances and an empty proof.
    uint256 private constant SHORTEST = 0x80;

    /// @notice The two parts, in place: nothing is copied.
    function decode(bytes calldata blob) internal pure returns (uint256[] calldata instances, bytes calldata proof) {
        if (blob.length < SHORTEST || _word(blob, 0) != 0x40) revert IInferenceGateway.MalformedProof();
        // Unchecked: the length of the blob bounds every number before it is used, but for the one that may wrap.
        unchecked {
            uint256 count = _word(blob, 0x40);
            if (count > (blob.length - SHORTEST) / 32) revert IInferenceGateway.MalformedProof();
            uint256 start = 0x60 + count * 32;
            if (_word(blob, 0x20) != start) revert IInferenceGateway.MalformedProof();

            // What is left holds the proof: whole words, the last of them padded, and padded with zeros only.
            uint256 size = _word(blob, start);
            uint256 room = blob.length - start - 32;
            // A size beyond the room wraps around to a huge padding.
            uint256 padding = room - size;
            if (padding > 31 || room % 32 != 0) revert IInferenceGateway.MalformedProof();
            // Where nothing is padded this shifts by 256, which leaves zero.
            if (_word(blob, blob.length - 32) << (256 - 8 * padding) != 0) revert IInferenceGateway.MalformedProof();

            // The only way to name a part of `bytes calldata` as an array.
            assembly ("memory-safe") {
                instances.offset := add(blob.offset, 0x60)
                instances.length := count
                proof.offset := add(blob.offset, add(start, 32))
                proof.length := size
            }
        }
    }

    /// @dev The caller has checked that the word lies inside the blob. A slice would check it again, dearly.
    function _word(bytes calldata blob, uint256 position) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(blob.offset, position))
        }
    }
}
