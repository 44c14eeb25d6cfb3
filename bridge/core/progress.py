"""How long work tells what it is doing, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]
"""Called with a short phrase whenever a new stage starts."""


def silent(_stage: str) -> None:
    """Nobody listens."""
