// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IERC7751} from "@openzeppelin/contracts/interfaces/IERC7751.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {IERC7992Verifier} from "./interfaces/draft-IERC7992.sol";

/// @notice How a verifier says that the contract behind it did not accept a proof.
library Refusal {
    /// @notice Reverts with `InvalidProof`; wrapped together with the reason (ERC-7751), where the call that was made last
    /// reverted and gave one. Generated verifiers mostly refuse without a word.
    /// @param success Whether that call succeeded. What it answered is no reason then.
    function raise(address target, bytes4 selector, bool success) internal pure {
        if (success || LowLevelCall.returnDataSize() == 0) revert IERC7992Verifier.InvalidProof();
        revert IERC7751.WrappedError({
            target: target,
            selector: selector,
            reason: LowLevelCall.returnData(),
            details: abi.encodeWithSelector(IERC7992Verifier.InvalidProof.selector)
        });
    }
}
