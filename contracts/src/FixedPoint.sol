// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

/// @notice Turns the instances of a proof into numbers. An instance is an element of the bn254 scalar field; its lower
/// half stands for zero and the positive integers, its upper half for the negative ones.
library FixedPoint {
    /// @notice The order r of the bn254 scalar field, a prime and therefore odd.
    uint256 internal constant FIELD_MODULUS =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// @notice The word is no field element. Likely cause: a number that was negated modulo 2**256 and not modulo r, or
    /// the little-endian words of a proof file read as big-endian.
    error FixedPointOutOfField(uint256 instance);

    /// @notice The number does not fit 256 bits at 18 decimals. Likely cause: a strongly negative scale, or an instance
    /// that is a hash and not a number.
    error FixedPointOverflow(uint256 instance, int8 scale);

    /// @notice The integer has no instance: beyond (r-1)/2 in magnitude. Likely cause: a number with 18 decimals in place of one at
    /// the scale of its tensor.
    error FixedPointTooLarge(int256 signed);

    /// @notice The signed integer that an instance stands for, between -(r-1)/2 and (r-1)/2.
    function toSigned(uint256 instance) internal pure returns (int256) {
        if (instance >= FIELD_MODULUS) revert FixedPointOutOfField({instance: instance});
        // r is odd, so r / 2 rounds down to (r-1)/2, the largest positive value. All of it is far below 2**255.
        return instance > FIELD_MODULUS / 2 ? int256(instance) - int256(FIELD_MODULUS) : int256(instance);
    }

    /// @notice The instance that stands for a signed integer.
    function toInstance(int256 signed) internal pure returns (uint256) {
        if (SignedMath.abs(signed) > FIELD_MODULUS / 2) revert FixedPointTooLarge({signed: signed});
        return signed < 0 ? FIELD_MODULUS - SignedMath.abs(signed) : uint256(signed);
    }

    /// @notice `toSigned(instance) / 2**scale` with 18 decimals, truncated toward zero. The range is symmetric: what
    /// exceeds 2**255 - 1 in magnitude is refused.
    function toWad(uint256 instance, int8 scale) internal pure returns (int256) {
        int256 signed = toSigned(instance);
        uint256 shift = SignedMath.abs(scale);
        (uint256 left, uint256 right) = scale < 0 ? (shift, uint256(0)) : (uint256(0), shift);

        // 1e18 < 2**60 and left <= 128, so the factor fits; the product needs 512 bits.
        (uint256 high, uint256 low) = Math.mul512(SignedMath.abs(signed), 1e18 << left);
        // After this check nothing of `high` is shifted out; for right == 0 it is zero and so is `high << 256`.
        if (high >> right != 0) revert FixedPointOverflow({instance: instance, scale: scale});
        uint256 magnitude = (high << (256 - right)) | (low >> right);
        if (magnitude > uint256(type(int256).max)) revert FixedPointOverflow({instance: instance, scale: scale});

        return signed < 0 ? -int256(magnitude) : int256(magnitude);
    }
}
