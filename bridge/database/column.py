"""Types of columns that a database has no type of its own for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_DIGITS = 78
"""Of 2**256."""


class Wei(TypeDecorator[int]):
    """An amount of up to 256 bits, as decimal digits: the integers of both databases end at 64."""

    impl = String(_DIGITS)
    cache_ok = True

    def process_bind_param(self, value: int | None, _dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> int | None:
        """From the database."""
        return None if value is None else int(value)


Serial = BigInteger().with_variant(Integer(), "sqlite")
"""A number that the database counts up; SQLite counts only what it calls INTEGER."""

Hash = String(66)
"""0x and 64 hex digits."""

Account = String(42)
"""0x and 40 hex digits."""

Digest = String(64)
"""A sha256 in hex."""
