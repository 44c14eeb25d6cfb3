"""Figures over many inferences: how many, how well assured, for how much gas, how soon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, case, cast, func, select, true

from bridge.core.grade import Grade
from bridge.core.word import Hex32
from bridge.database.index import request_steps, requests, verifications
from bridge.database.schema import jobs
from bridge.query.answers.wire import Id, answer

DAY = 86_400
_MOST_WAITS = 10_000
"""Times to proof that are looked at, the newest."""
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Span:
    """Of what, and of when: seconds since 1970, the first included, the last not."""

    since: int
    until: int
    model_id: Hex32 | None = None


@answer
class Day:
    """The inferences of one day (UTC)."""

    date: str
    inferences: int
    proven: int
    gas: int
    """Of all their transactions."""


@answer
class Waits:
    """How long it took from asking to the block that verified, in seconds."""

    count: int
    """Inferences that somebody asked for, at the desk or of a relayer of this database; of these at most the newest 10 000."""
    median: float | None
    p90: float | None
    p99: float | None


@answer
class Statistics:
    """Figures over the statements that were first verified in a span of time."""

    chain_id: int
    model_id: Id | None
    """Null: of all models."""
    since: int
    until: int
    inferences: int
    proven: int
    """Of grade Proven."""
    proven_share: float | None
    """From 0 to 1; null where there are no inferences."""
    gas_per_inference: float | None
    """Gas of all transactions, each counted once, by the inferences in them."""
    seconds_to_proof: Waits
    days: tuple[Day, ...]
    """Days with inferences, the oldest first."""


def statistics(connection: Connection, chain_id: int, span: Span) -> Statistics:
    """All figures of a span. It looks at every verification in it: whoever calls keeps the answer for a while."""
    days = tuple(
        Day(dt.datetime.fromtimestamp(day * DAY, dt.UTC).date().isoformat(), count, proven, gas)
        for day, count, proven, gas in connection.execute(by_day(chain_id, span))
    )
    count = sum(day.inferences for day in days)
    proven, gas = sum(day.proven for day in days), sum(day.gas for day in days)
    waits = [*_at_the_desk(connection, chain_id, span), *_of_the_relayer(connection, chain_id, span)]
    return Statistics(
        chain_id,
        span.model_id,
        span.since,
        span.until,
        count,
        proven,
        proven / count if count else None,
        gas / count if count else None,
        _waits(waits),
        days,
    )


def by_day(chain_id: int, span: Span) -> Select[Any]:
    """Day, inferences, proven ones, gas: a transaction with several inferences is counted once."""
    day = verifications.c.block_time // DAY
    sent = (
        select(
            day.label("day"),
            func.count().label("count"),
            func.sum(case((verifications.c.grade == int(Grade.PROVEN), 1), else_=0)).label("proven"),
            func.max(verifications.c.gas_used).label("gas"),
        )
        .where(*_within(chain_id, span), verifications.c.is_first == true())
        .group_by(day, verifications.c.block_number, verifications.c.tx_hash)
        .subquery()
    )
    whole = [cast(func.sum(column), BigInteger) for column in (sent.c.count, sent.c.proven, sent.c.gas)]
    return select(sent.c.day, *whole).group_by(sent.c.day).order_by(sent.c.day)


def _within(chain_id: int, span: Span) -> list[ColumnElement[bool]]:
    conditions = [
        verifications.c.chain_id == chain_id,
        verifications.c.block_time >= span.since,
        verifications.c.block_time < span.until,
    ]
    return conditions if span.model_id is None else [*conditions, verifications.c.model_id == span.model_id]


def _at_the_desk(connection: Connection, chain_id: int, span: Span) -> list[float]:
    waited = request_steps.c.block_time - requests.c.block_time
    query = (
        select(waited)
        .join(
            requests,
            (requests.c.chain_id == request_steps.c.chain_id) & (requests.c.request_id == request_steps.c.request_id),
        )
        .where(
            request_steps.c.chain_id == chain_id,
            request_steps.c.kind == "fulfilled",
            request_steps.c.block_time >= span.since,
            request_steps.c.block_time < span.until,
            true() if span.model_id is None else requests.c.model_id == span.model_id,
        )
        .order_by(request_steps.c.block_number.desc(), request_steps.c.log_index.desc())
        .limit(_MOST_WAITS)
    )
    return [float(each) for each in connection.scalars(query)]


def _of_the_relayer(connection: Connection, chain_id: int, span: Span) -> list[float]:
    same = (verifications.c.chain_id == jobs.c.chain_id) & (verifications.c.inference_id == jobs.c.inference_id)
    query = (
        select(verifications.c.block_time - jobs.c.created_at)
        .join(verifications, same)
        .where(
            jobs.c.chain_id == chain_id,
            jobs.c.request_id.is_(None),  # those are the desk's
            jobs.c.inference_id.is_not(None),
            *_within(chain_id, span),
            verifications.c.is_first == true(),
        )
        .order_by(jobs.c.created_at.desc())
        .limit(_MOST_WAITS)
    )
    return [max(0.0, float(each)) for each in connection.scalars(query)]


def _waits(seconds: Sequence[float]) -> Waits:
    if not seconds:
        return Waits(0, None, None, None)
    cuts = quantiles(seconds, n=_PERCENT, method="inclusive") if len(seconds) > 1 else [seconds[0]] * _PERCENT
    return Waits(len(seconds), cuts[49], cuts[89], cuts[98])
