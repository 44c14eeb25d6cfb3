"""/v1/requests: what is asked and paid for at the desk."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from bridge.api.parameters import AccountText, HexId, PageQuestion, address_or_none, hex32_or_none
from bridge.api.problems import DOCUMENTED
from bridge.api.reply import reply
from bridge.api.server import server_of
from bridge.core.finality import Finality
from bridge.core.word import Hex32
from bridge.query.answers.place import Page
from bridge.query.answers.requests import DeskRequest, Sought, list_requests
from bridge.query.answers.requests import request as desk_request

router = APIRouter(tags=["requests"], responses=DOCUMENTED)

_ONE = TypeAdapter(DeskRequest)
_PAGE = TypeAdapter(Page[DeskRequest])
_OVER = frozenset({"fulfilled", "refunded"})


class RequestQuestion(PageQuestion):
    """Which requests: all that is given has to hold."""

    model: HexId | None = None
    """For this model."""
    requester: AccountText | None = None
    state: Literal["open", "claimed", "fulfilled", "refunded"] | None = None


@router.get(
    "/v1/requests",
    operation_id="listRequests",
    summary="Requests at the desk, the newest first",
    response_model=Page[DeskRequest],
)
async def get_requests(request: Request, asked: Annotated[RequestQuestion, Query()]) -> Response:
    """Each with its state and every step. A page may be shorter than its limit and not the last."""
    sought = Sought(hex32_or_none(asked.model), address_or_none(asked.requester), asked.state)
    page = await server_of(request).reader.ask(
        lambda view: list_requests(view.connection, view.now, sought, asked.cursor, asked.limit)
    )
    return reply(request, _PAGE, page)


@router.get(
    "/v1/requests/{request_id}",
    operation_id="getRequest",
    summary="One request at the desk",
    response_model=DeskRequest,
)
async def get_request(request: Request, request_id: HexId) -> Response:
    """Its terms, its state, and every step."""
    found, horizon = await server_of(request).reader.ask(
        lambda view: (desk_request(view.connection, view.now, Hex32(request_id)), view.now), is_short=True
    )
    settled = all(horizon.finality(step.block_number) is Finality.FINAL for step in found.steps)
    return reply(request, _ONE, found, is_final=found.state in _OVER and settled)
