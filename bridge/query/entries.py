"""Verifications as rows: which of them is the first of its inference, the numbers that filters know, what subscribers are told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from bridge.database import index as tables
from bridge.database.bulk import insert_all
from bridge.database.engine import upsert
from bridge.query.rows import Page, Row, Verification, numbers_text

_AT_ONCE = 1000
"""Ids in one query."""


def enter(connection: Connection, chain_id: int, page: Page, ancestor: int, now: float) -> None:
    """Add the verifications of a page that comes right after the block `ancestor`."""
    before = verified_by(connection, chain_id, [each.inference_id for each in page.verifications], ancestor)
    rows, told, counted = list[Row](), list[Row](), list[Verification]()
    for each, stored in zip(page.verifications, page.stored, strict=True):
        is_first = each.inference_id not in before
        rows.append(_row(chain_id, each, stored=stored, is_first=is_first))
        if is_first:
            before.add(each.inference_id)
            counted.append(each)
            place = (each.header.number, each.header.hash, each.log_index, each.row)
            told.append((chain_id, "verified", each.inference_id, each.model_id, *place, now))
    insert_all(connection, tables.verifications, rows)
    insert_all(connection, tables.feed, told)
    insert_all(connection, tables.numbers, _numbers(connection, chain_id, counted))


def verified_by(
    connection: Connection, chain_id: int, ids: Sequence[str], block_number: int, *, stored: bool = False
) -> set[str]:
    """Those of the inferences that were verified by a block; with `stored` those of which the ledger wrote a record."""
    of = tables.verifications.c
    more = (of.stored.is_(True),) if stored else ()
    found: set[str] = set()
    for at in range(0, len(ids), _AT_ONCE):
        some = of.inference_id.in_(ids[at : at + _AT_ONCE])
        query = select(of.inference_id).where(of.chain_id == chain_id, some, of.block_number <= block_number, *more)
        found.update(connection.execute(query).scalars())
    return found


def _row(chain_id: int, each: Verification, *, stored: bool | None, is_first: bool) -> Row:
    return (
        chain_id,
        each.header.number,
        each.log_index,
        each.row,
        each.inference_id,
        each.model_id,
        each.input_commitment,
        each.output,
        numbers_text(each.outputs),
        numbers_text(each.inputs),
        int(each.grade),
        each.caller,
        each.submitter,
        each.tx_hash,
        each.gas_used,
        each.header.timestamp,
        stored,
        each.root,
        is_first,
    )


def _numbers(connection: Connection, chain_id: int, counted: Iterable[Verification]) -> list[Row]:
    """The numbers that filters know."""
    wanted = defaultdict[tuple[str, str], list[tuple[Verification, tuple[float, ...]]]](list)
    for each in counted:
        for side, numbers in (("input", each.inputs), ("output", each.outputs)):
            if numbers is not None:
                wanted[each.model_id, side].append((each, numbers[: tables.MOST_NUMBERS]))
    rows: list[Row] = []
    for (model_id, side), items in wanted.items():
        ids = _series(connection, chain_id, model_id, side, max(len(numbers) for _, numbers in items))
        rows += [
            (ids[at], number, each.header.number, each.log_index, each.row)
            for each, numbers in items
            for at, number in enumerate(numbers)
        ]
    return rows


def _series(connection: Connection, chain_id: int, model_id: str, side: str, places: int) -> list[int]:
    """The short numbers of the first places of a side, made where they are new."""
    of = tables.series.c
    query = select(of.id).where(of.chain_id == chain_id, of.model_id == model_id, of.side == side).order_by(of.place)
    ids = list(connection.execute(query).scalars())
    if len(ids) < places:
        new = [
            {"chain_id": chain_id, "model_id": model_id, "side": side, "place": place}
            for place in range(len(ids), places)
        ]
        connection.execute(upsert(connection, tables.series).on_conflict_do_nothing(), new)
        ids = list(connection.execute(query).scalars())
    return ids
