// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FixedPoint} from "../../src/FixedPoint.sol";
import {IHalo2Verifier} from "../../src/interfaces/IHalo2Verifier.sol";

/// @title An honest stand-in for a generated verifier
/// @notice Proves nothing, but tells proofs apart: `mockProve` makes a proof that this mock accepts for exactly these
/// instances, and everything else is refused the way a generated verifier refuses, with empty data. The key lies in the
/// code, so two keys have two code hashes, as two circuits have. For tests and local development only.
contract MockHalo2Verifier is IHalo2Verifier {
    bytes32 private immutable _key;
    uint256 private immutable _instances;
    uint256 private immutable _proofWords;

    constructor(bytes32 key, uint256 instances, uint256 proofWords) {
        (_key, _instances, _proofWords) = (key, instances, proofWords);
    }

    /// @notice A proof of these instances, for this mock.
    function mockProve(uint256[] calldata instances) public view returns (bytes memory proof) {
        proof = new bytes(_proofWords * 32);
        bytes32 seal = keccak256(abi.encode(_key, instances));
        for (uint256 i = 0; i < _proofWords; ++i) {
            seal = keccak256(abi.encode(seal));
            assembly ("memory-safe") {
                mstore(add(add(proof, 32), mul(i, 32)), seal)
            }
        }
    }

    /// @inheritdoc IHalo2Verifier
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool) {
        bool accepted = instances.length == _instances && keccak256(proof) == keccak256(mockProve(instances));
        for (uint256 i = 0; i < instances.length; ++i) {
            accepted = accepted && instances[i] < FixedPoint.FIELD_MODULUS;
        }
        // forge-lint: disable-next-line(custom-errors)
        if (!accepted) revert(); // with empty data
        return true;
    }
}
