from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.core import field
from bridge.core.field import MODULUS

HALF = (MODULUS - 1) // 2

instances = st.integers(0, MODULUS - 1)
numbers = st.integers(-HALF, HALF)
scales = st.integers(-128, 127)


@given(instances)
def test_an_instance_comes_back_from_its_number(instance: int) -> None:
    assert field.to_instance(field.to_signed(instance)) == instance


@given(numbers)
def test_a_number_comes_back_from_its_instance(number: int) -> None:
    assert field.to_signed(field.to_instance(number)) == number


@pytest.mark.parametrize(
    ("instance", "number"),
    [(0, 0), (1, 1), (HALF, HALF), (HALF + 1, -HALF), (MODULUS - 1, -1)],
)
def test_above_half_the_field_a_number_is_negative(instance: int, number: int) -> None:
    assert field.to_signed(instance) == number


@pytest.mark.parametrize("instance", [MODULUS, MODULUS + 1, 2**256 - 1, -1])
def test_a_word_outside_the_field_is_no_instance(instance: int) -> None:
    with pytest.raises(ValueError, match="not an element"):
        field.to_signed(instance)


@pytest.mark.parametrize("number", [HALF + 1, -HALF - 1])
def test_a_number_beyond_half_the_field_has_no_instance(number: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        field.to_instance(number)


def fits(number: int, scale: int) -> bool:
    return abs(Fraction(number) * 10**18 / Fraction(2) ** scale) < 2**255


@given(numbers, scales)
def test_a_wad_is_cut_toward_zero(number: int, scale: int) -> None:
    assume(fits(number, scale))
    exact = Fraction(number) * 10**18 / Fraction(2) ** scale
    wad = field.to_wad(field.to_instance(number), scale)
    assert abs(wad) <= abs(exact) < abs(wad) + 1
    assert wad * number >= 0


@given(numbers, scales)
def test_a_wad_of_the_negative_is_the_negative_wad(number: int, scale: int) -> None:
    """Rounding down instead of toward zero would break this."""
    assume(fits(number, scale))
    assert field.to_wad(field.to_instance(-number), scale) == -field.to_wad(field.to_instance(number), scale)


def test_a_negative_fraction_is_cut_up_and_not_down() -> None:
    assert field.to_wad(field.to_instance(-3), 60) == -2
    assert field.to_wad(field.to_instance(-1), 60) == 0


@given(st.integers(-(2**53), 2**53), st.integers(0, 60))
def test_a_real_number_is_the_integer_over_the_scale(number: int, scale: int) -> None:
    assert field.to_number(field.to_instance(number), scale) == number / 2**scale


@given(instances)
def test_little_endian_text_comes_back(instance: int) -> None:
    assert field.from_little_endian(field.to_little_endian(instance)) == instance


def test_the_first_byte_of_little_endian_text_is_the_smallest() -> None:
    assert field.to_little_endian(258) == "0201" + "00" * 30
    assert field.from_little_endian("0x0201" + "00" * 30) == 258


@pytest.mark.parametrize(
    "text",
    ["", "00" * 31, "00" * 33, "zz" * 32, MODULUS.to_bytes(32, "little").hex(), "ff" * 32],
    ids=["empty", "short", "long", "no hex", "the modulus", "beyond the field"],
)
def test_other_text_is_no_field_element(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        field.from_little_endian(text)


def test_a_wad_beyond_256_bits_is_refused_as_the_contract_refuses_it() -> None:
    largest = field.MODULUS // 2
    assert field.to_wad(largest, 58) < 2**255
    with pytest.raises(ValueError, match="does not fit 256 bits"):
        field.to_wad(largest, 57)
    with pytest.raises(ValueError, match="does not fit 256 bits"):
        field.to_wad(field.MODULUS - largest, 57)
