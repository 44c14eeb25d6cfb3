"""The application: its routes, what stands in front of them, and the document that describes it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from bridge.api import health, infer, inferences, models, requests, status, stream, webhooks
from bridge.api.counter import ORDER_SCHEMA
from bridge.api.metrics import Metrics, Watch
from bridge.api.problems import PROBLEM_SCHEMA, on_http, on_named, on_refused
from bridge.api.rate import RateLimit
from bridge.api.server import Server
from bridge.api.settings import Settings
from bridge.api.tail import NEWS_SCHEMA
from bridge.errors import BridgeError

_ROOMS = (inferences, models, requests, status, stream, webhooks, infer, health)
_ABOUT = """Verified AI inferences of one EVM chain: every result is here because a contract checked a proof of it.

Every answer says how well it is assured (`grade`), how sure it is to stay (`finality`), and which call of a contract confirms it,
so that nobody has to believe this server. Answers carry a strong ETag; a final one may be kept for minutes. Listings go by
cursors that stay good over a reorganisation of the chain. Every error is a problem document (RFC 9457)."""
_TAGS = [
    {"name": "inferences", "description": "What was verified."},
    {"name": "models", "description": "What it was verified of."},
    {"name": "requests", "description": "What is asked and paid for on the chain."},
    {"name": "jobs", "description": "What is asked of this server's relayer."},
    {"name": "news", "description": "What is verified and taken back, as it happens."},
    {"name": "webhooks", "description": "The same, posted to a URL of yours and signed."},
    {"name": "chain", "description": "How far the chain was followed, and figures."},
]


def assemble(settings: Settings) -> FastAPI:
    """The application; its server begins with its lifespan. Raises `OptionInvalid`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        server = Server(settings)
        app.state.server = server
        async with server.running():
            yield

    app = FastAPI(
        title="proofbridge",
        version="1",
        summary="Verified AI inferences, queryable",
        description=_ABOUT,
        openapi_tags=_TAGS,
        docs_url=None,  # its page loads code from a stranger's server
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.metrics = Metrics()
    for room in _ROOMS:
        app.include_router(room.router)
    app.add_exception_handler(BridgeError, on_named)
    app.add_exception_handler(RequestValidationError, on_refused)
    app.add_exception_handler(HTTPException, on_http)
    if settings.rate is not None:
        app.add_middleware(RateLimit, rate=settings.rate)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
            expose_headers=["ETag", "Location", "Retry-After"],
        )
    app.add_middleware(Watch, metrics=app.state.metrics)
    describe = app.openapi
    app.openapi = lambda: _with_parts(describe())  # type: ignore[method-assign]
    return app


def openapi_document() -> str:
    """The description of the API (OpenAPI 3.1), as text that is the same each time."""
    app = assemble(Settings(database="sqlite://", chain_id=0, store=""))
    return json.dumps(app.openapi(), indent=2, sort_keys=True) + "\n"


def _with_parts(document: dict[str, Any]) -> dict[str, Any]:
    """The parts that FastAPI does not find by itself: of what is read and written by hand."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for schema in (PROBLEM_SCHEMA, ORDER_SCHEMA, webhooks.ORDER_SCHEMA, NEWS_SCHEMA):
        parts = dict(schema)
        schemas.update(parts.pop("$defs", {}))
        schemas[parts["title"]] = parts
    words = json.dumps(document)
    components["schemas"] = {name: part for name, part in schemas.items() if f'"#/components/schemas/{name}"' in words}
    components["securitySchemes"] = {"apiKey": {"type": "http", "scheme": "bearer"}}
    return document
