"""/v1/models and /v1/lines: what is registered, its versions, its certificate and its proof card."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from bridge.api.parameters import HexId, PageQuestion
from bridge.api.problems import DOCUMENTED
from bridge.api.reply import reply
from bridge.api.server import server_of
from bridge.core.word import Hex32
from bridge.query.answers.models import Line, Model, line, list_models, model
from bridge.query.answers.place import Page

router = APIRouter(tags=["models"], responses=DOCUMENTED)

_ONE = TypeAdapter(Model)
_PAGE = TypeAdapter(Page[Model])
_LINE = TypeAdapter(Line)


@router.get(
    "/v1/models", operation_id="listModels", summary="Registered models, the newest first", response_model=Page[Model]
)
async def get_models(request: Request, asked: Annotated[PageQuestion, Query()]) -> Response:
    """Each with what it commits to. Names, shapes and cards are there for models whose bundle the server has."""
    page = await server_of(request).reader.ask(
        lambda view: list_models(view.connection, view.now, view.face_of, asked.cursor, asked.limit)
    )
    return reply(request, _PAGE, page)


@router.get("/v1/models/{model_id}", operation_id="getModel", summary="One registered model", response_model=Model)
async def get_model(request: Request, model_id: HexId) -> Response:
    """Its certificate (what its id commits to, and what checks its proofs), versions, shapes and proof card."""
    found = await server_of(request).reader.ask(
        lambda view: model(view.connection, view.now, view.face_of, Hex32(model_id)), is_short=True
    )
    return reply(request, _ONE, found)


@router.get("/v1/lines/{line_id}", operation_id="getLine", summary="One line of versions", response_model=Line)
async def get_line(request: Request, line_id: HexId) -> Response:
    """Append-only: pin a version, or follow the last."""
    found = await server_of(request).reader.ask(
        lambda view: line(view.connection, view.now, Hex32(line_id)), is_short=True
    )
    return reply(request, _LINE, found)
