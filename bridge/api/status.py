"""/v1/status and /v1/statistics: how far the chain was followed, and figures over what was found there."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from bridge.api.parameters import Count, HexId, Question, hex32_or_none
from bridge.api.problems import DOCUMENTED
from bridge.api.reply import reply
from bridge.api.server import server_of
from bridge.query.answers.horizon import Horizon
from bridge.query.answers.statistics import DAY, Span, Statistics

router = APIRouter(tags=["chain"], responses=DOCUMENTED)

_HORIZON = TypeAdapter(Horizon)
_STATISTICS = TypeAdapter(Statistics)
_DAYS = 30


class StatisticsQuestion(Question):
    """Figures of what."""

    model: HexId | None = None
    """Of this model; of all without it."""
    since: Count | None = None
    """Seconds since 1970 (UTC); 30 days ago without it."""
    until: Count | None = None
    """Up to then, not included; up to now without it."""


@router.get("/v1/status", operation_id="getStatus", summary="How far the chain was followed", response_model=Horizon)
async def get_status(request: Request) -> Response:
    """The checkpoint that answers are as of. Where `broken_at` is set the chain undid what it had called final: nothing is
    called final until an operator has looked.
    """
    found = await server_of(request).reader.ask(lambda view: view.now, is_short=True)
    return reply(request, _HORIZON, found)


@router.get(
    "/v1/statistics",
    operation_id="getStatistics",
    summary="Share of proven results, gas, time to proof",
    response_model=Statistics,
)
async def get_statistics(request: Request, asked: Annotated[StatisticsQuestion, Query()]) -> Response:
    """By day and in all. Figures may be some seconds old: everybody who asks for the same gets the same."""
    until = int(time.time()) // 60 * 60 + 60 if asked.until is None else asked.until
    since = max(0, until - _DAYS * DAY) if asked.since is None else asked.since
    span = Span(since, until, hex32_or_none(asked.model))
    found = await server_of(request).reader.figures(span)
    return reply(request, _STATISTICS, found)
