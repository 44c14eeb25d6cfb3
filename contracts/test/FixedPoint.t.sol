// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FixedPoint} from "../src/FixedPoint.sol";
import {Test} from "./Test.sol";

contract FixedPointTest is Test {
    uint256 private constant R = FixedPoint.FIELD_MODULUS;
    uint256 private constant LARGEST = (R - 1) / 2;

    // External, so that a refusal can be expected.
    function toSigned(uint256 instance) external pure returns (int256) {
        return FixedPoint.toSigned(instance);
    }

    function toInstance(int256 signed) external pure returns (uint256) {
        return FixedPoint.toInstance(signed);
    }

    function toWad(uint256 instance, int8 scale) external pure returns (int256) {
        return FixedPoint.toWad(instance, scale);
    }

    function test_theLowerHalfIsPositiveAndTheUpperHalfNegative() external view {
        vm.assertEq(this.toSigned(0), 0);
        vm.assertEq(this.toSigned(1), 1);
        vm.assertEq(this.toSigned(R - 1), -1);
        vm.assertEq(this.toSigned(LARGEST), int256(LARGEST));
        vm.assertEq(this.toSigned(LARGEST + 1), -int256(LARGEST));
    }

    function test_theSignedNumberIsTheInstanceModuloR(uint256 instance) external view {
        instance = bound(instance, 0, R - 1);
        int256 signed = this.toSigned(instance);
        vm.assertEq(uint256(signed < 0 ? signed + int256(R) : signed), instance);
        vm.assertLt(uint256(signed < 0 ? -signed : signed), LARGEST + 1);
    }

    function test_whatIsNoFieldElementIsRefused(uint256 word) external {
        _isRefused(bound(word, R, type(uint256).max));
    }

    function test_theFieldEndsBelowItsOrder() external {
        this.toSigned(R - 1);
        _isRefused(R);
    }

    function test_anInstanceStandsForOneIntegerAndBack(uint256 instance) external view {
        instance = bound(instance, 0, R - 1);
        vm.assertEq(this.toInstance(this.toSigned(instance)), instance);
    }

    function test_anIntegerBeyondHalfTheFieldHasNoInstance() external {
        vm.assertEq(this.toInstance(int256(LARGEST)), LARGEST);
        vm.assertEq(this.toInstance(-int256(LARGEST)), LARGEST + 1);
        _hasNoInstance(int256(LARGEST) + 1);
        _hasNoInstance(-int256(LARGEST) - 1);
        _hasNoInstance(type(int256).max);
        _hasNoInstance(type(int256).min);
    }

    function test_aWadIsTheInstanceOverAPowerOfTwo() external view {
        vm.assertEq(this.toWad(12_288, 13), 1.5e18);
        vm.assertEq(this.toWad(R - 12_288, 13), -1.5e18);
        vm.assertEq(this.toWad(7, 0), 7e18);
        vm.assertEq(this.toWad(3, -2), 12e18);
        vm.assertEq(this.toWad(R - 3, -2), -12e18);
    }

    function test_aWadIsTruncatedTowardZero() external view {
        vm.assertEq(this.toWad(1, 60), 0); // 0.867 of the smallest unit
        vm.assertEq(this.toWad(R - 1, 60), 0);
        vm.assertEq(this.toWad(2, 60), 1); // 1.73
        vm.assertEq(this.toWad(R - 2, 60), -1);
    }

    function test_aWadAgreesWithPlainDivisionWhereThatFits(uint64 number, uint8 scale) external view {
        scale = uint8(bound(scale, 0, 127));
        int256 expected = int256(uint256(number) * 1e18 / 2 ** scale);
        vm.assertEq(this.toWad(number, int8(scale)), expected);
        if (number != 0) vm.assertEq(this.toWad(R - number, int8(scale)), -expected);
    }

    function test_aLargeNumberNeedsALargeScale() external {
        vm.expectRevert(abi.encodeWithSelector(FixedPoint.FixedPointOverflow.selector, LARGEST, int8(0)));
        this.toWad(LARGEST, 0);
        // 2**252.6 * 2**59.8 / 2**58 is the first below 2**255.
        vm.expectRevert(abi.encodeWithSelector(FixedPoint.FixedPointOverflow.selector, LARGEST, int8(57)));
        this.toWad(LARGEST, 57);
        vm.assertEq(this.toWad(LARGEST, 58), -this.toWad(LARGEST + 1, 58));
        vm.expectRevert(abi.encodeWithSelector(FixedPoint.FixedPointOverflow.selector, LARGEST, type(int8).min));
        this.toWad(LARGEST, type(int8).min);
    }

    function test_aWadEndsOrIsRefusedByName(uint256 instance, int8 scale) external view {
        try this.toWad(bound(instance, 0, R - 1), scale) {}
        catch (bytes memory refusal) {
            vm.assertEq(bytes32(bytes4(refusal)), bytes32(FixedPoint.FixedPointOverflow.selector));
        }
    }

    function _hasNoInstance(int256 signed) private {
        vm.expectRevert(abi.encodeWithSelector(FixedPoint.FixedPointTooLarge.selector, signed));
        this.toInstance(signed);
    }

    function _isRefused(uint256 word) private {
        bytes memory refusal = abi.encodeWithSelector(FixedPoint.FixedPointOutOfField.selector, word);
        vm.expectRevert(refusal);
        this.toSigned(word);
        vm.expectRevert(refusal);
        this.toWad(word, 0);
    }
}
