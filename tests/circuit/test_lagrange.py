"""A cut of a setup is what ezkl makes of it, and each of its points is the sum that it claims to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ecc.optimized_bn128 import FQ, G1, Z1, add, multiply, neg, normalize

from bridge.circuit import srs
from bridge.circuit.lagrange import Point, cut, lagrange
from bridge.core.field import MODULUS

INFINITY: Point = (1, 1, 0)
factors = st.sampled_from((1, 2, 3, 15, 16, 17, 31, 32, MODULUS - 1, MODULUS - 2, (MODULUS + 1) // 2)) | st.integers(
    1, MODULUS - 1
)


def multiple(factor: int) -> Point:
    """A multiple of the generator, by another library; 0 is the point at infinity."""
    return given_as(multiply(G1, factor)) if factor else INFINITY


def given_as(point: tuple[FQ, FQ, FQ]) -> Point:
    x, y = normalize(point)
    return int(x), int(y), 1


def named(point: Point) -> tuple[FQ, FQ] | None:
    """The coordinates of a point, whatever it is divided by."""
    x, y, z = map(FQ, point)
    return (x / z**2, y / z**3) if point[2] else None


def sums(powers: Sequence[int]) -> list[tuple[FQ, FQ] | None]:
    """The Lagrange form of multiples of the generator, by its definition and another library."""
    rows = len(powers)
    root = pow(7, (MODULUS - 1) // rows, MODULUS)
    found = []
    for row in range(rows):
        value = sum(power * pow(root, -row * column, MODULUS) for column, power in enumerate(powers))
        found.append(named(multiple(value * pow(rows, -1, MODULUS) % MODULUS)))
    return found


@pytest.mark.parametrize("logrows", [1, 2, 5, 7])
def test_a_cut_to_its_own_size_is_the_file_that_ezkl_made(
    logrows: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path))
    made = srs.development_setup(logrows).path.read_bytes()
    assert cut(made, logrows) == made


def test_a_cut_to_its_own_size_is_the_file_that_a_ceremony_published(perpetual: Path) -> None:
    assert cut(perpetual.read_bytes(), 1) == perpetual.read_bytes()


def test_a_cut_has_the_first_powers_the_same_secret_and_a_lagrange_form_that_sums_to_the_generator(
    hermez: Path,
) -> None:
    whole = hermez.read_bytes()
    part = cut(whole, 3)
    assert part[:4] == b"\x03\0\0\0"
    assert part[4 : 4 + 8 * 64] == whole[4 : 4 + 8 * 64]
    assert part[-256:] == whole[-256:]
    points = _words(part[4 + 8 * 64 : -256])
    total = Z1
    for x, y in points:
        total = add(total, (FQ(x), FQ(y), FQ(1)))
    assert normalize(total) == normalize(G1)
    assert len(set(points)) == 8


@given(st.lists(factors, min_size=8, max_size=8))
def test_each_point_is_the_sum_that_it_claims_to_be(powers: list[int]) -> None:
    assert [named(point) for point in lagrange([multiple(power) for power in powers])] == sums(powers)


@pytest.mark.parametrize(
    "powers", [(1, 1), (1, MODULUS - 1), (1, 0), (0, 1), (0, 0), (5, 5, 5, 5), (1, 2, MODULUS - 1, MODULUS - 2)]
)
def test_equal_opposite_and_infinite_points_add_up_too(powers: tuple[int, ...]) -> None:
    assert [named(point) for point in lagrange([multiple(power) for power in powers])] == sums(powers)


def test_how_far_it_is_grows_to_the_whole() -> None:
    told: list[float] = []
    lagrange([multiple(power) for power in (1, 2, 3, 4)], told.append)
    assert told == sorted(told)
    assert told[-1] == 1


@pytest.mark.parametrize("logrows", [-1, 0, 2, 12])
def test_no_more_rows_than_there_are_can_be_cut(logrows: int, perpetual: Path) -> None:
    with pytest.raises(ValueError, match=r"cut out of one of 2\^1"):
        cut(perpetual.read_bytes(), logrows)


def test_the_other_library_and_ours_mean_the_same_point() -> None:
    assert named(multiple(MODULUS - 1)) == normalize(neg(G1))


def _words(raw: bytes) -> list[tuple[int, int]]:
    """Points of halo2's raw form."""
    modulus = FQ.field_modulus
    inverse = pow(2**256, -1, modulus)
    numbers = [int.from_bytes(raw[at : at + 32], "little") * inverse % modulus for at in range(0, len(raw), 32)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))
