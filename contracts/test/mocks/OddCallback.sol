// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Grade} from "../../src/Grade.sol";
import {IInferenceCallback} from "../../src/interfaces/IInferenceCallback.sol";
import {Reenterer} from "./Reenterer.sol";

/// @title A callback that listens, or does worse
contract OddCallback is IInferenceCallback, Reenterer {
    enum Mode {
        Listens,
        Reverts,
        Loops,
        Bombs
    }

    Mode private immutable _mode;

    /// @notice What it was called with, as bytes, and with how much gas.
    bytes32 public heard;
    uint256 public gasThen;
    uint256 public balanceOfClaimerThen;

    error NotListening();

    constructor(Mode mode) {
        _mode = mode;
    }

    function onInference(bytes32, uint256, bytes32, bytes calldata, Grade) external {
        uint256 left = gasleft();
        if (_mode == Mode.Reverts) revert NotListening();
        while (_mode == Mode.Loops) {}
        if (_mode == Mode.Bombs) {
            assembly {
                return(0, 1000000)
            }
        }
        (heard, gasThen) = (keccak256(abi.encode(msg.sender, msg.data)), left);
        balanceOfClaimerThen = tx.origin.balance;
        _reenter();
    }
}
