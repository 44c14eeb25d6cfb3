"""A setup of fewer rows, out of a larger one of the same ceremony.

A setup of 2^k rows holds the powers of its secret s as points, [s^0]G … [s^(n-1)]G, and the same in Lagrange form: for each row i
the point [l_i(s)]G, where l_i is 1 in that row and 0 in all others. The powers of a smaller one are the first of a larger
one's. Its Lagrange form is an inverse Fourier transform of them, over the curve's group instead of a field. ezkl does that each
time it is given a setup that is too large, for every key and for every proof; here it is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from struct import Struct

from bridge.core.field import BASE_MODULUS as _Q
from bridge.core.field import MODULUS as _R

_HEAD = Struct("<I")
_WORD = 32
_POINT = 2 * _WORD
_G2S = 2 * 2 * _POINT
_TWO_ADICITY = 28
_GENERATOR = 7
"""Of the scalar field's units, from which halo2curves takes its roots of unity."""
_ROOT = pow(_GENERATOR, (_R - 1) >> _TWO_ADICITY, _R)
"""Of order 2^28."""
_MONTGOMERY = pow(2, 256, _Q)
_FROM_MONTGOMERY = pow(_MONTGOMERY, -1, _Q)

_WINDOW = 5
"""Binary digits that a multiplication takes at once: of 4 to 6 the fastest."""

Point = tuple[int, int, int]
"""Of y² = x³ + 3 in Jacobian coordinates: (X/Z², Y/Z³). Z is 0 for the point at infinity, and only there."""
_INFINITY: Point = (1, 1, 0)


def cut(setup: bytes, logrows: int, told: Callable[[float], None] = lambda _: None) -> bytes:
    """halo2's raw ParamsKZG of 2^`logrows` rows, byte for byte as ezkl itself cuts one; `told` hears the share that is done.

    `setup` is a whole file of at least as many rows, which was looked at before. Raises ValueError where it has fewer.
    """
    (held,) = _HEAD.unpack_from(setup)
    if not 1 <= logrows <= held:
        raise ValueError(f"no setup of 2^{logrows} rows can be cut out of one of 2^{held}")
    rows = 1 << logrows
    powers = setup[_HEAD.size : _HEAD.size + rows * _POINT]
    points = lagrange([_read(powers, at) for at in range(0, len(powers), _POINT)], told)
    return b"".join((_HEAD.pack(logrows), powers, *_written(points), setup[-_G2S:]))


def lagrange(powers: Sequence[Point], told: Callable[[float], None] = lambda _: None) -> list[Point]:
    """[l_i(s)]G for each row, out of as many powers [s^j]G: (1/n) Σ_j w^(-ij) [s^j]G, with w a root of unity of order n.

    Cooley and Tukey's transform, in place, on the powers in bit-reversed order. n must be a power of two of at least 2.
    """
    rows = len(powers)
    logrows = rows.bit_length() - 1
    points = [powers[int(f"{place:0{logrows}b}"[::-1], 2)] for place in range(rows)]
    inverse_root = pow(_ROOT, -1 << (_TWO_ADICITY - logrows), _R)
    for stage in range(logrows):
        half = 1 << stage
        step = pow(inverse_root, rows >> (stage + 1), _R)
        is_last = half * 2 == rows
        factor = pow(rows, -1, _R) if is_last else 1  # of the last sums it takes the fewest multiplications
        scale = _digits(factor)
        for offset in range(half):
            twiddle = _digits(factor)
            for low in range(offset, rows, 2 * half):
                even, odd = points[low], _times(points[low + half], twiddle)
                if is_last:
                    even = _times(even, scale)
                points[low], points[low + half] = _plus(even, odd), _plus(even, _negative(odd))
            factor = factor * step % _R
            told((stage + (offset + 1) / half) / logrows)
    return points


def _plus(one: Point, other: Point) -> Point:
    """add-2007-bl of the Explicit-Formulas Database, and what it leaves out."""
    x1, y1, z1 = one
    x2, y2, z2 = other
    if not z1:
        return other
    if not z2:
        return one
    z1z1, z2z2 = z1 * z1 % _Q, z2 * z2 % _Q
    u1, u2 = x1 * z2z2 % _Q, x2 * z1z1 % _Q
    s1, s2 = y1 * z2 % _Q * z2z2 % _Q, y2 * z1 % _Q * z1z1 % _Q
    h, r = (u2 - u1) % _Q, 2 * (s2 - s1) % _Q
    if not h:
        return _twice(one) if not r else _INFINITY
    i = 4 * h * h % _Q
    j, v = h * i % _Q, u1 * i % _Q
    x3 = (r * r - j - 2 * v) % _Q
    return x3, (r * (v - x3) - 2 * s1 * j) % _Q, 2 * z1 * z2 % _Q * h % _Q


def _twice(point: Point) -> Point:
    """dbl-2009-l of the Explicit-Formulas Database, for curves without a linear term."""
    x, y, z = point
    b = y * y % _Q
    d, e = 4 * x * b % _Q, 3 * x * x % _Q
    x3 = (e * e - 2 * d) % _Q
    return x3, (e * (d - x3) - 8 * b * b) % _Q, 2 * y * z % _Q


def _negative(point: Point) -> Point:
    x, y, z = point
    return x, -y % _Q, z


def _times(point: Point, digits: Sequence[int]) -> Point:
    """A multiple by the digits of a factor."""
    if len(digits) == 1:
        return point
    twice = _twice(point)
    odd = [point]
    for _ in range((1 << (_WINDOW - 2)) - 1):
        odd.append(_plus(odd[-1], twice))
    signed = {2 * place + 1: each for place, each in enumerate(odd)}
    signed |= {-digit: _negative(each) for digit, each in signed.items()}
    found = signed[digits[0]]
    for digit in digits[1:]:
        found = _twice(found)
        if digit:
            found = _plus(found, signed[digit])
    return found


def _digits(factor: int) -> list[int]:
    """The non-adjacent form of a positive number, greatest digit first: odd or 0, and of `_WINDOW` in a row one at most is not 0."""
    digits = []
    while factor:
        digit = 0
        if factor & 1:
            digit = (factor + (1 << (_WINDOW - 1))) % (1 << _WINDOW) - (1 << (_WINDOW - 1))
            factor -= digit
        digits.append(digit)
        factor >>= 1
    return digits[::-1]


def _read(raw: bytes, at: int) -> Point:
    """A point of halo2's raw form: two little-endian words in Montgomery form, both 0 for the point at infinity."""
    x, y = (int.from_bytes(raw[start : start + _WORD], "little") * _FROM_MONTGOMERY % _Q for start in (at, at + _WORD))
    return (x, y, 1) if x or y else _INFINITY


def _written(points: Sequence[Point]) -> Iterator[bytes]:
    for x, y, z in points:
        inverse = pow(z, -1, _Q) if z else 0
        square = inverse * inverse % _Q
        for word in (x * square, y * square % _Q * inverse):
            yield (word * _MONTGOMERY % _Q).to_bytes(_WORD, "little")
