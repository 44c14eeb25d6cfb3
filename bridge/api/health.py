"""/livez, /readyz and /metrics: for whoever runs the server."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from bridge.api.metrics import MEDIA_TYPE, Metrics
from bridge.api.server import server_of

router = APIRouter(include_in_schema=False)


@router.get("/livez")
async def livez() -> Response:
    """It answers, so it lives."""
    return Response("ok\n", media_type="text/plain")


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Whether the database answers and the chain was followed; else the problem that it has."""
    await server_of(request).reader.ask(lambda view: view.now)
    return Response("ok\n", media_type="text/plain")


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus reads it."""
    figures: Metrics = request.app.state.metrics
    figures.listening(server_of(request).tail.subscribers)
    return Response(figures.exposed(), media_type=MEDIA_TYPE)
