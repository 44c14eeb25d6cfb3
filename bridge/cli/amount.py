"""Amounts as people type them: 500M, 5G, 30d."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite

from bridge.errors import OptionInvalid

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]?)B?")


def seconds(option: str, text: str) -> float:
    """Of a text like 30d. Raises `OptionInvalid`."""
    return _amount(option, text, SECONDS, "an amount of time like 30d")


def size(option: str, text: str) -> int:
    """Bytes of a text like 5G. Raises `OptionInvalid`."""
    return int(_amount(option, text, BYTES, "a size like 5G"))


def shown(count: float) -> str:
    """Bytes for people, in powers of ten."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _amount(option: str, text: str, units: Mapping[str, int], expected: str) -> float:
    """A number and its unit; the unit's case counts for nothing."""
    found = _AMOUNT.fullmatch(text.strip())
    known = {name.upper(): worth for name, worth in units.items()}
    worth = known.get(found[2].upper()) if found else None
    if found is None or worth is None or not isfinite(float(found[1]) * worth):
        raise OptionInvalid(option=option, got=text, expected=expected)
    return float(found[1]) * worth
