"""Our Poseidon against ezkl's own."""

from __future__ import annotations

import ezkl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.field import MODULUS, from_little_endian, to_little_endian
from bridge.core.poseidon import ROUNDS, WIDTH, parameters, poseidon

elements = st.integers(0, MODULUS - 1)


def of_ezkl(words: list[int]) -> int:
    (hashed,) = ezkl.poseidon_hash([to_little_endian(word) for word in words])
    return from_little_endian(hashed)


@settings(max_examples=50)
@given(st.lists(elements, min_size=1, max_size=40))
def test_the_hash_is_that_of_ezkl(words: list[int]) -> None:
    assert poseidon(words) == of_ezkl(words)


@pytest.mark.parametrize("words", [[0], [0, 0], [MODULUS - 1], [1, 2], [2, 1], list(range(100))])
def test_the_hash_of_short_and_long_and_extreme_messages_is_that_of_ezkl(words: list[int]) -> None:
    assert poseidon(words) == of_ezkl(words)


def test_order_and_length_decide() -> None:
    assert len({poseidon(words) for words in ([1, 2], [2, 1], [1, 2, 0], [0, 1, 2], [1], [])}) == 6


def test_the_parameters_are_field_elements_and_the_matrix_can_be_inverted() -> None:
    constants, ((a, b), (c, d)) = parameters()
    assert len(constants) == WIDTH * ROUNDS
    assert all(0 <= each < MODULUS for each in (*constants, a, b, c, d))
    assert (a * d - b * c) % MODULUS
    assert constants[0] == 0x09C46E9EC68E9BD4FE1FAABA294CBA38A71AA177534CDD1B6C7DC0DBD0ABD7A7, "of the reference script"
