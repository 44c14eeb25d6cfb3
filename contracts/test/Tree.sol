// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev The tree over the rows of a batch, built slowly.
abstract contract Tree {
    /// @dev One level up: pairs from the left in ascending order, the one left over as it is.
    function _up(bytes32[] memory nodes) internal pure returns (bytes32[] memory parents) {
        parents = new bytes32[]((nodes.length + 1) / 2);
        for (uint256 i = 0; i < parents.length; ++i) {
            if (2 * i + 1 == nodes.length) {
                parents[i] = nodes[2 * i];
                continue;
            }
            (bytes32 a, bytes32 b) = (nodes[2 * i], nodes[2 * i + 1]);
            parents[i] = a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
        }
    }

    function _root(bytes32[] memory nodes) internal pure returns (bytes32) {
        while (nodes.length > 1) nodes = _up(nodes);
        return nodes[0];
    }

    function _path(bytes32[] memory nodes, uint256 row) internal pure returns (bytes32[] memory path) {
        bytes32[] memory found = new bytes32[](32);
        uint256 count;
        while (nodes.length > 1) {
            if (row ^ 1 < nodes.length) found[count++] = nodes[row ^ 1];
            nodes = _up(nodes);
            row /= 2;
        }
        path = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            path[i] = found[i];
        }
    }
}
