"""Requests at the desk, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, select

from bridge.core.request import NATIVE, RequestState
from bridge.core.word import Address, Hex32, hex_bytes
from bridge.database.index import request_steps, requests
from bridge.errors import RequestUnknown
from bridge.query.answers.cursor import read_cursor, write_cursor
from bridge.query.answers.horizon import Horizon
from bridge.query.answers.place import Page, Place, before, newest_first, walk
from bridge.query.answers.wire import Account, Bytes, FinalityLabel, Id, Wei, answer

_STATES = {
    "claimed": RequestState.CLAIMED,
    "fulfilled": RequestState.FULFILLED,
    "refunded": RequestState.REFUNDED,
}
STATES = (RequestState.OPEN.label, *_STATES)


@answer
class Step:
    """Something that happened to a request."""

    kind: str
    """claimed, fulfilled, refunded; told and untold: the callback was called and did not revert, or did."""
    account: Account
    """Who claimed it, who got the bond, or who was called back."""
    inference_id: Id | None
    """What fulfilled it."""
    end: int | None
    """The last second of a claim."""
    block_number: int
    log_index: int
    block_time: int
    tx_hash: Id


@answer
class DeskRequest:
    """Somebody's offer to pay for an inference."""

    request_id: Id
    chain_id: int
    model_id: Id
    requester: Account
    state: str
    """open, claimed, fulfilled or refunded."""
    inference_id: Id | None
    """What fulfilled it."""
    claimer: Account | None
    """Who has it now, or had it last."""
    input_commitment: Id
    input: Bytes
    """What the requester says that the input is: instances as 32-byte words."""
    callback: Account | None
    callback_gas: int
    deadline: int
    """The last second of a claim and of a fulfilment, since 1970 (UTC)."""
    claim_seconds: int
    token: Account | None
    """Null for the chain's own coin."""
    fee: Wei
    """In the smallest unit of the token."""
    bond: Wei
    block_number: int
    log_index: int
    block_time: int
    tx_hash: Id
    finality: FinalityLabel
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """Which requests. Its repr is what a cursor is of."""

    model_id: Hex32 | None = None
    requester: Address | None = None
    state: str | None = None


def request(connection: Connection, now: Horizon, request_id: Hex32) -> DeskRequest:
    """One by its id. Raises `RequestUnknown`."""
    ours = requests.c.chain_id == now.chain_id, requests.c.request_id == request_id
    rows = connection.execute(select(requests).where(*ours)).all()
    if not rows:
        raise RequestUnknown(request_id=request_id)
    return _told(connection, now, rows)[0]


def list_requests(
    connection: Connection, now: Horizon, sought: Sought, cursor: str | None, limit: int
) -> Page[DeskRequest]:
    """A page, the newest first. Raises `CursorMalformed`, `CursorOfAnotherQuery`."""
    conditions = [requests.c.chain_id == now.chain_id]
    if sought.model_id is not None:
        conditions.append(requests.c.model_id == sought.model_id)
    if sought.requester is not None:
        conditions.append(requests.c.requester == sought.requester)
    told: dict[Hex32, DeskRequest] = {}

    def rows_before(place: Place, count: int) -> Sequence[Row[Any]]:
        ours = select(requests).where(*conditions, before(requests, place))
        rows = connection.execute(ours.order_by(*newest_first(requests)).limit(count)).all()
        told.update({each.request_id: each for each in _told(connection, now, rows)})
        return rows

    def holds(row: Row[Any]) -> bool:
        return sought.state in {None, told[row.request_id].state}

    found, place = walk(rows_before, holds, read_cursor(cursor, sought), limit)
    page = tuple(told[row.request_id] for row in found)
    return Page(page, None if place is None else write_cursor(place, sought))


def _told(connection: Connection, now: Horizon, rows: Sequence[Row[Any]]) -> list[DeskRequest]:
    query = (
        select(request_steps)
        .where(
            request_steps.c.chain_id == now.chain_id,
            request_steps.c.request_id.in_([row.request_id for row in rows]),
        )
        .order_by(request_steps.c.request_id, request_steps.c.block_number, request_steps.c.log_index)
    )
    found = connection.execute(query) if rows else ()
    steps = {key: tuple(map(_step, group)) for key, group in groupby(found, key=lambda row: row.request_id)}
    return [_one(now, row, steps.get(row.request_id, ())) for row in rows]


def _one(now: Horizon, row: Row[Any], steps: tuple[Step, ...]) -> DeskRequest:
    state = max((_STATES[step.kind] for step in steps if step.kind in _STATES), default=RequestState.OPEN)
    return DeskRequest(
        row.request_id,
        now.chain_id,
        row.model_id,
        row.requester,
        state.label,
        next((step.inference_id for step in steps if step.kind == "fulfilled"), None),
        next((step.account for step in reversed(steps) if step.kind == "claimed"), None),
        row.input_commitment,
        hex_bytes(row.input),
        None if row.callback == NATIVE else row.callback,
        row.callback_gas,
        row.deadline,
        row.claim_seconds,
        None if row.token == NATIVE else row.token,
        row.fee,
        row.bond,
        row.block_number,
        row.log_index,
        row.block_time,
        row.tx_hash,
        now.finality(row.block_number),
        steps,
    )


def _step(row: Row[Any]) -> Step:
    return Step(
        row.kind,
        row.account,
        row.inference_id,
        row.end,
        row.block_number,
        row.log_index,
        row.block_time,
        row.tx_hash,
    )
