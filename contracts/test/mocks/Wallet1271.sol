// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title A contract account that signs by approving digests on the chain
/// @notice Its signature is the word "approved"; any other is refused.
contract Wallet1271 is IERC1271 {
    mapping(bytes32 digest => bool approved) private _approved;

    function approve(bytes32 digest) external {
        _approved[digest] = true;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        bool yes = _approved[digest] && keccak256(signature) == keccak256("approved");
        return yes ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
