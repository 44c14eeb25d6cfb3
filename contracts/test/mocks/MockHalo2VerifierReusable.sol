// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FixedPoint} from "../../src/FixedPoint.sol";

/// @title An honest stand-in for ezkl's reusable verifier
/// @notice Proves nothing, but tells proofs apart, as `MockHalo2Verifier` does, and has the habits of the original: anybody
/// registers any artifact, whole words after the proof are ignored, the answer is not valid ABI (its third word is a number of
/// bytes), and a refusal has no data, but for an artifact that is not registered. For tests and local development only.
contract MockHalo2VerifierReusable {
    event VkaRegistered(address indexed from, bytes32 indexed digest, bytes32[] indexed vka);

    uint256 private constant PROOF_BYTES = 64;

    mapping(bytes32 => bool) public registered;

    function registerVka(bytes32[] memory vka) external returns (bytes32 digest) {
        digest = keccak256(abi.encodePacked(vka));
        registered[digest] = true;
        emit VkaRegistered(msg.sender, digest, vka);
    }

    /// @notice A proof of these instances, for this artifact.
    function mockProve(bytes32 digest, uint256[] calldata instances) public pure returns (bytes memory) {
        bytes32 seal = keccak256(abi.encode(digest, instances));
        return abi.encode(seal, keccak256(abi.encode(seal)));
    }

    function verifyProof(bytes calldata proof, uint256[] calldata instances, bytes32[] memory vka)
        external
        view
        returns (bool, bytes32, int256[] memory)
    {
        bytes32 digest = keccak256(abi.encodePacked(vka));
        // forge-lint: disable-next-line(custom-errors)
        require(registered[digest], "VKA not registered");
        bool accepted =
            proof.length >= PROOF_BYTES && keccak256(proof[:PROOF_BYTES]) == keccak256(mockProve(digest, instances));
        for (uint256 i = 0; i < instances.length; ++i) {
            accepted = accepted && instances[i] < FixedPoint.FIELD_MODULUS;
        }
        // forge-lint: disable-next-line(custom-errors)
        if (!accepted) revert(); // with empty data
        bytes memory answer = abi.encodePacked(uint256(1), digest, instances.length * 32, instances);
        assembly ("memory-safe") {
            return(add(answer, 32), mload(answer))
        }
    }
}
