"""Verified inferences by what is known of them, page by page.

A page starts from whichever way has the least to look at: the sorted numbers where few rows pass a condition, else the rows of a
model, of a submitter, or all, the newest first. Whatever that way does not tell is looked at in each row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, literal, select, true, tuple_

from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Address, Hex32
from bridge.database.index import numbers, series, verifications
from bridge.errors import ConditionNeedsModel
from bridge.query.answers.condition import SIGNS, Condition, Test, resolve
from bridge.query.answers.cursor import read_cursor, write_cursor
from bridge.query.answers.horizon import Horizon
from bridge.query.answers.inferences import FaceOf, Inference, inferences
from bridge.query.answers.place import LAST_BLOCK, Page, Place, before, newest_first, walk

FEW = 10_000
"""So many rows are sorted by place faster than their newest are found one by one."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which inferences. Its repr is what a cursor is of."""

    model_id: Hex32 | None = None
    submitter: Address | None = None
    min_grade: Grade = Grade.CLAIMED
    min_finality: Finality = Finality.MINED
    since: int | None = None
    """Seconds since 1970 of the block; until the same, both included."""
    until: int | None = None
    from_block: int = 0
    to_block: int = LAST_BLOCK - 1
    where: tuple[Condition, ...] = ()


_FIELDS = tuple(
    verifications.c[name]
    for name in (
        "block_number",
        "log_index",
        "row",
        "inference_id",
        "model_id",
        "submitter",
        "grade",
        "block_time",
        "inputs",
        "outputs",
    )
)

RowsBefore = Callable[[Place, int], Sequence[Row[Any]]]


def search(
    connection: Connection, now: Horizon, face_of: FaceOf, wanted: Search, cursor: str | None, limit: int
) -> Page[Inference]:
    """A page, the newest first. Raises `CursorMalformed`, `CursorOfAnotherQuery`, `ConditionNeedsModel`, `TensorUnknown`,
    `PlaceNotKept`.
    """
    start = read_cursor(cursor, wanted)
    tests = _tests(wanted, face_of)
    first, last = _blocks(connection, now, wanted)
    start = min(start, Place(last + 1, 0, 0))
    few = _fewest(connection, now.chain_id, wanted, tests)
    if few is None:
        leading = _leading(connection, now.chain_id, wanted)
        source = _walking(connection, now.chain_id, leading, first)
    else:
        source = _sorted(connection, now.chain_id, few, first)
    found, place = walk(source, lambda row: _holds(row, wanted, tests), start, limit)
    told = inferences(connection, now, face_of, [row.inference_id for row in found])
    return Page(told, None if place is None else write_cursor(place, wanted))


def walking(chain_id: int, leading: ColumnElement[bool], place: Place, limit: int, first: int = 0) -> Select[Any]:
    """The first verifications before a place, the newest first."""
    return (
        select(*_FIELDS)
        .where(
            verifications.c.chain_id == chain_id,
            leading,
            verifications.c.is_first == true(),
            verifications.c.block_number >= first,
            before(verifications, place),
        )
        .order_by(*newest_first(verifications))
        .limit(limit)
    )


def by_number(
    chain_id: int, number: int, passing: ColumnElement[bool], place: Place, limit: int, first: int = 0
) -> Select[Any]:
    """The same of those whose number of a series passes."""
    block = (
        numbers.c.block_number + 0
    )  # as a sum it is in no index, so that SQLite goes by the number and not by the block
    earlier = tuple_(block, numbers.c.log_index, numbers.c.row) < tuple_(*map(literal, place))
    chosen = (
        select(numbers.c.block_number, numbers.c.log_index, numbers.c.row)
        .where(numbers.c.series == number, passing, block >= first, earlier)
        .order_by(*newest_first(numbers))
        .limit(limit)
        .subquery()
    )
    same = and_(
        verifications.c.chain_id == chain_id,
        verifications.c.block_number == chosen.c.block_number,
        verifications.c.log_index == chosen.c.log_index,
        verifications.c.row == chosen.c.row,
    )
    order = [chosen.c.block_number.desc(), chosen.c.log_index.desc(), chosen.c.row.desc()]
    return select(*_FIELDS).join_from(chosen, verifications, same).order_by(*order)


def _tests(wanted: Search, face_of: FaceOf) -> tuple[Test, ...]:
    if wanted.where and wanted.model_id is None:
        condition = wanted.where[0]
        raise ConditionNeedsModel(text=f"{condition.side}.{condition.name or condition.index}")
    return tuple(resolve(condition, face_of(wanted.model_id).circuit) for condition in wanted.where if wanted.model_id)


def _blocks(connection: Connection, now: Horizon, wanted: Search) -> tuple[int, int]:
    """The first and the last block that can hold what is wanted: time and finality are ranges of blocks, too."""
    first, last = wanted.from_block, min(wanted.to_block, now.newest(wanted.min_finality))
    at = select(verifications.c.block_number).where(verifications.c.chain_id == now.chain_id).limit(1)
    if wanted.since is not None:
        later = at.where(verifications.c.block_time >= wanted.since).order_by(verifications.c.block_time)
        found = connection.scalar(later)
        first = max(first, LAST_BLOCK if found is None else found)
    if wanted.until is not None:
        earlier = at.where(verifications.c.block_time <= wanted.until).order_by(verifications.c.block_time.desc())
        found = connection.scalar(earlier)
        last = min(last, -1 if found is None else found)
    return first, last


def _fewest(
    connection: Connection, chain_id: int, wanted: Search, tests: Sequence[Test]
) -> tuple[int, ColumnElement[bool]] | None:
    """The series, and what its numbers have to pass, of the condition that fewest rows pass; None where all pass many."""
    counted: list[tuple[int, int, ColumnElement[bool]]] = []
    for test in tests:
        mine = select(series.c.id).where(
            series.c.chain_id == chain_id,
            series.c.model_id == wanted.model_id,
            series.c.side == test.side,
            series.c.place == test.place,
        )
        number = connection.scalar(mine)
        if number is None or test.sign == "!=":
            continue  # nothing is known of it yet, or nearly everything passes
        passing: ColumnElement[bool] = SIGNS[test.sign](numbers.c.value, literal(test.number))
        some = select(literal(1)).where(numbers.c.series == number, passing).limit(FEW + 1).subquery()
        counted.append((connection.scalar(select(func.count()).select_from(some)) or 0, number, passing))
    fewest = min(counted, key=lambda entry: entry[0], default=None)
    return None if fewest is None or fewest[0] > FEW else fewest[1:]


def _leading(connection: Connection, chain_id: int, wanted: Search) -> ColumnElement[bool]:
    """What the walk keeps to: the model or the submitter, whichever has fewer rows as far as that is worth counting."""
    ways = [
        column == value
        for column, value in (
            (verifications.c.model_id, wanted.model_id),
            (verifications.c.submitter, wanted.submitter),
        )
        if value is not None
    ]
    if len(ways) < 2:  # noqa: PLR2004 - nothing to choose between
        return ways[0] if ways else true()
    counts = []
    for way in ways:
        ours = verifications.c.chain_id == chain_id, way, verifications.c.is_first == true()
        some = select(literal(1)).where(*ours).limit(FEW + 1).subquery()
        counts.append(connection.scalar(select(func.count()).select_from(some)) or 0)
    return ways[counts.index(min(counts))]


def _walking(connection: Connection, chain_id: int, leading: ColumnElement[bool], first: int) -> RowsBefore:
    return lambda place, limit: connection.execute(walking(chain_id, leading, place, limit, first)).all()


def _sorted(connection: Connection, chain_id: int, few: tuple[int, ColumnElement[bool]], first: int) -> RowsBefore:
    return lambda place, limit: connection.execute(by_number(chain_id, *few, place, limit, first)).all()


def _holds(row: Row[Any], wanted: Search, tests: Sequence[Test]) -> bool:
    """Whether a row is what was asked for; the way that led to it has told some of that."""
    if row.grade < wanted.min_grade or (wanted.model_id or row.model_id) != row.model_id:
        return False
    if (wanted.submitter or row.submitter) != row.submitter:
        return False
    sides = {test.side for test in tests}
    known = {side: _numbers(row.inputs if side == "input" else row.outputs) for side in sides}
    return all(test.holds(known[test.side]) for test in tests)


def _numbers(text: str | None) -> list[float] | None:
    return None if text is None else orjson.loads(text)
