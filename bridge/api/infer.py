"""/v1/infer and /v1/jobs: an inference is written into the relayer's journal, and followed there."""

from __future__ import annotations

import re
import time
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi import Path as Part
from pydantic import TypeAdapter

from bridge.api.counter import InferOrder, JobAnswer
from bridge.api.intake import read_json
from bridge.api.keys import ApiKey, bearer
from bridge.api.problems import DOCUMENTED
from bridge.api.reply import reply
from bridge.api.server import Server, server_of
from bridge.errors import ParametersRefused
from bridge.relay.job import State

router = APIRouter(tags=["jobs"], responses=DOCUMENTED)

_KEY = re.compile(r"[\x21-\x7e]{1,100}", re.ASCII)
_ACCEPTED = 202

IdempotencyKey = Annotated[
    str,
    Header(
        min_length=1,
        max_length=100,
        description="Of your own making, one for each thing that you ask for: sent again, it is the same one and not another.",
        examples=["5f0c2b1e-order-17"],
    ),
]
"""What every POST takes."""

_ORDER = TypeAdapter(InferOrder)
_ANSWER = TypeAdapter(JobAnswer)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/InferOrder"}}},
    },
    "security": [{"apiKey": []}],
}


@router.post(
    "/v1/infer",
    operation_id="infer",
    summary="Ask for an inference",
    status_code=_ACCEPTED,
    response_model=JobAnswer,
    openapi_extra=_BODY,
)
async def post_infer(request: Request, idempotency_key: IdempotencyKey) -> Response:
    """The relayer proves it and has it verified on the chain. The row is checked here: a value that the circuit was not made for
    is refused before it costs anything. Needs an API key.
    """
    server = server_of(request)
    key = await caller(request, server)
    idempotency(idempotency_key)
    order = await read_json(request, _ORDER)
    if order.deadline is not None and order.deadline <= time.time():
        raise ParametersRefused(name="deadline", reason="it has passed")
    told = await server.reader.do(lambda: server.counter.ask(key, idempotency_key, order))
    answered = reply(request, _ANSWER, told)
    answered.status_code = _ACCEPTED
    answered.headers["Location"] = f"/v1/jobs/{told.id}"
    return answered


@router.get(
    "/v1/jobs/{job_id}",
    operation_id="getJob",
    summary="How far an inference has come",
    response_model=JobAnswer,
    openapi_extra={"security": [{"apiKey": []}]},
)
async def get_job(
    request: Request, job_id: Annotated[str, Part(pattern="^[0-9a-f]{32}$", examples=["0123456789abcdef" * 2])]
) -> Response:
    """Every state that it has been in. Only the API key that asked for it sees it."""
    server = server_of(request)
    key = await caller(request, server)
    told = await server.reader.do(lambda: server.counter.job(key, job_id))
    return reply(request, _ANSWER, told, is_final=told.state == State.FINAL)


async def caller(request: Request, server: Server) -> ApiKey:
    """Whose request it is. Raises `ApiKeyMissing`, `ApiKeyRefused`."""
    whole = bearer(request.headers.get("authorization"))
    return await server.key(whole)


def idempotency(key: str) -> None:
    """Check the form of an idempotency key. Raises `ParametersRefused`."""
    if not _KEY.fullmatch(key):
        raise ParametersRefused(name="idempotency-key", reason="expected 1 to 100 visible letters of ASCII")
