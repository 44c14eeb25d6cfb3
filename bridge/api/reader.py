"""The database as one process of the API reads it: questions in, answers out, and what was read a moment ago."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Engine

from bridge.core.word import Hex32
from bridge.database.engine import reading
from bridge.query.answers.face import Face, face
from bridge.query.answers.horizon import Horizon, horizon
from bridge.query.answers.inferences import FaceOf
from bridge.query.answers.statistics import Span, Statistics, statistics

T = TypeVar("T")

_FACES_SECONDS = 1.0
"""How long a model's name, shapes and versions are kept."""
_MOST_FACES = 10_000
_FIGURES_SECONDS = 30.0
_MOST_FIGURES = 256


@dataclass(frozen=True, slots=True)
class View:
    """What a question is answered from."""

    connection: Connection
    now: Horizon
    face_of: FaceOf


class Reader:
    """Made once in each worker process."""

    def __init__(self, engine: Engine, chain_id: int, threads: int) -> None:
        """`threads` wait for the database where an answer takes longer."""
        self._engine = engine
        self.chain_id = chain_id
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="answers")
        self._faces: dict[Hex32, tuple[float, Face]] = {}
        self._figures: dict[Span, tuple[float, Statistics]] = {}
        self._counting = asyncio.Lock()
        self._is_near = engine.dialect.name == "sqlite"

    async def ask(self, question: Callable[[View], T], *, is_short: bool = False) -> T:
        """An answer from the tables. A short one is looked up at once where the database is a file of this machine: that is
        over sooner than another thread begins. Raises `ChainNotFollowed`, `DatabaseFailed`, and what the question raises.
        """
        if is_short and self._is_near:
            return self._answer(question)
        return await self.do(lambda: self._answer(question))

    async def do(self, work: Callable[[], T]) -> T:
        """Anything else that waits for the database. Raises what the work raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def figures(self, span: Span) -> Statistics:
        """Figures over a span, counted by one at a time and kept for some seconds: counting looks at every row."""
        async with self._counting:
            kept = self._figures.get(span)
            if kept is not None and kept[0] > time.monotonic():
                return kept[1]
            found = await self.ask(lambda view: statistics(view.connection, self.chain_id, span))
            if len(self._figures) >= _MOST_FIGURES:
                self._figures.clear()
            self._figures[span] = time.monotonic() + _FIGURES_SECONDS, found
            return found

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(cancel_futures=True)

    def _answer(self, question: Callable[[View], T]) -> T:
        with reading(self._engine) as connection:
            now = horizon(connection, self.chain_id)
            return question(View(connection, now, lambda model_id: self._face(connection, model_id)))

    def _face(self, connection: Connection, model_id: Hex32) -> Face:
        kept = self._faces.get(model_id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        found = face(connection, self.chain_id, model_id)
        if len(self._faces) >= _MOST_FACES:
            self._faces.clear()
        self._faces[model_id] = time.monotonic() + _FACES_SECONDS, found
        return found
