"""What a command that runs for long says on the way."""

from __future__ import annotations

import sys
from typing import Any

import structlog


def log_events(*, as_json: bool) -> None:
    """Events on standard error: for people, or as JSON, a line each."""
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
