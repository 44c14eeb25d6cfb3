// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Grade} from "./Grade.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";

/// @notice Where proofs of one proof system go and what they are worth, in one word, so that a gateway can keep it in its
/// code: 4 bytes of proof system, 7 of nothing, 1 of grade, 20 of verifier. Zero is no route.
type Route is bytes32;

using RouteLib for Route global;

/// @notice Writes and reads routes.
library RouteLib {
    /// @notice The route to a verifier. Everything is asked of the verifier, so nothing can be written down wrongly.
    function to(IProofVerifier target) internal view returns (Route) {
        uint256 tail = uint256(target.grade()) << 160 | uint160(address(target));
        return Route.wrap(bytes32(target.proofSystemId()) | bytes32(tail));
    }

    /// @notice The proof system that is routed.
    function proofSystemId(Route route) internal pure returns (bytes4) {
        return bytes4(Route.unwrap(route));
    }

    /// @notice What its proofs are worth.
    function grade(Route route) internal pure returns (Grade) {
        return Grade(uint8(uint256(Route.unwrap(route)) >> 160));
    }

    /// @notice The verifier; zero if there is no route.
    function verifier(Route route) internal pure returns (IProofVerifier) {
        return IProofVerifier(address(uint160(uint256(Route.unwrap(route)))));
    }
}
