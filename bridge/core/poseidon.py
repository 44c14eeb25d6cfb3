"""The Poseidon hash that ezkl commits to a hashed input with, so that anybody can open one.

Width 2, rate 1, 8 full and 56 partial rounds of x^5 over the bn254 scalar field (https://eprint.iacr.org/2019/458). Round
constants and matrix come from the paper's Grain generator, as in its reference script, with no rejected matrix. The sponge
absorbs one element a permutation, starts from a capacity of 2**64, and its first element afterwards is the hash. A test holds all
of that to ezkl itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate, pairwise

from bridge.core.field import MODULUS
from bridge.core.tensor import CircuitTensor

WIDTH = 2
FULL_ROUNDS = 8
PARTIAL_ROUNDS = 56
ROUNDS = FULL_ROUNDS + PARTIAL_ROUNDS
CAPACITY = 1 << 64
"""What halo2 starts the capacity of a message of any length with."""

_BITS = 254
_TAPS = (62, 51, 38, 23, 13, 0)
_WARM_UP = 160


def poseidon(words: Iterable[int]) -> int:
    """The hash of field elements, in their order."""
    first, second = 0, CAPACITY
    for word in words:
        first, second = _permute(first + word, second)
    return first


def input_hashes(words: Sequence[int], tensors: Sequence[CircuitTensor]) -> tuple[int, ...]:
    """The instances of a hashed input: one hash for each tensor, whose elements lie one after another in `words`."""
    ends = list(accumulate(tensor.elements for tensor in tensors))
    return tuple(poseidon(words[start:end]) for start, end in pairwise([0, *ends]))


def _permute(first: int, second: int) -> tuple[int, int]:
    constants, ((a, b), (c, d)) = parameters()
    half = FULL_ROUNDS // 2
    for number in range(ROUNDS):
        first = pow(first + constants[2 * number], 5, MODULUS)
        second = (second + constants[2 * number + 1]) % MODULUS
        if not half <= number < half + PARTIAL_ROUNDS:
            second = pow(second, 5, MODULUS)
        first, second = (a * first + b * second) % MODULUS, (c * first + d * second) % MODULUS
    return first, second


@cache
def parameters() -> tuple[tuple[int, ...], tuple[tuple[int, int], tuple[int, int]]]:
    """The round constants, two a round, and the matrix."""
    bits = _grain()

    def number() -> int:
        return sum(next(bits) << place for place in reversed(range(_BITS)))

    def element() -> int:
        while (drawn := number()) >= MODULUS:
            pass
        return drawn

    constants = tuple(element() for _ in range(WIDTH * ROUNDS))
    x, y = ([number() % MODULUS for _ in range(WIDTH)] for _ in range(2))
    rows = [[pow(left + right, -1, MODULUS) for right in y] for left in x]
    return constants, ((rows[0][0], rows[0][1]), (rows[1][0], rows[1][1]))


def _grain() -> Iterator[int]:
    """The bits of the Grain generator in self-shrinking mode, seeded with what they are for."""
    fields = ((1, 2), (0, 4), (_BITS, 12), (WIDTH, 12), (FULL_ROUNDS, 10), (PARTIAL_ROUNDS, 10), ((1 << 30) - 1, 30))
    state = [int(bit) for value, size in fields for bit in f"{value:0{size}b}"]

    def step() -> int:
        bit = 0
        for tap in _TAPS:
            bit ^= state[tap]
        state.pop(0)
        state.append(bit)
        return bit

    for _ in range(_WARM_UP):
        step()
    while True:
        keep, bit = step(), step()
        if keep:
            yield bit
