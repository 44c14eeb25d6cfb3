"""Where something stands on a chain, and what lies before it: what pages are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Row, Table, literal, tuple_

from bridge.query.answers.wire import answer

LAST_BLOCK = 2**62
"""Above every block that there will be."""
MOST_LOOKED_AT = 10_000
"""Rows that are looked at for one page at most: one that holds few of what was asked for may be shorter than its limit."""
_LONGEST_CHUNK = 2_000

T = TypeVar("T")


class Place(NamedTuple):
    """Compared as it is ordered. It names a place and no content, so it stays good over a reorganisation."""

    block_number: int
    log_index: int
    row: int
    """Of a batch; 0 where there are none."""


NEWEST = Place(LAST_BLOCK, 0, 0)
"""Everything is before it."""


@answer
class Page(Generic[T]):
    """Some of what was asked for, the newest first."""

    items: tuple[T, ...]
    """It may hold fewer than the limit, even none, and still not be the last: `next` says so."""
    next: str | None
    """Hand it in as `cursor` for the page after this one; null on the last."""


def before(table: Table, place: Place) -> ColumnElement[bool]:
    """That a row of a table stands before a place."""
    columns = [table.c.block_number, table.c.log_index, *([table.c.row] if "row" in table.c else [])]
    return tuple_(*columns) < tuple_(*(literal(part) for part in place[: len(columns)]))


def newest_first(table: Table) -> list[ColumnElement[Any]]:
    """The order of every page."""
    columns = [table.c.block_number, table.c.log_index, *([table.c.row] if "row" in table.c else [])]
    return [column.desc() for column in columns]


def walk(
    rows_before: Callable[[Place, int], Sequence[Row[Any]]],
    holds: Callable[[Row[Any]], bool],
    start: Place,
    limit: int,
) -> tuple[list[Row[Any]], Place | None]:
    """The first rows before a place that hold, and where to go on; None at the end.

    `rows_before` gives up to so many rows before a place, the newest first.
    """
    found: list[Row[Any]] = []
    place, chunk, looked_at = start, limit + 1, 0
    while looked_at < MOST_LOOKED_AT:
        rows = rows_before(place, chunk)
        for row in rows:
            if holds(row):
                if len(found) == limit:
                    return found, place_of(found[-1])
                found.append(row)
        if len(rows) < chunk:
            return found, None
        place, looked_at = place_of(rows[-1]), looked_at + len(rows)
        chunk = min(4 * chunk, _LONGEST_CHUNK)
    return found, place


def place_of(row: Row[Any]) -> Place:
    """Where a row of any table stands."""
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's documented way to a row's columns by name
    return Place(fields["block_number"], fields["log_index"], fields.get("row", 0))
