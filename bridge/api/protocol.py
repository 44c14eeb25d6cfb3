"""HTTP as uvicorn speaks it, to whoever is done with the head of a request in good time."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

STREAM = "/v1/stream"
HEAD_SECONDS = 10.0
"""From the connection, or the first byte of a later request, to the last line of its head."""


class PunctualProtocol(HttpToolsProtocol):
    """uvicorn waits for the head of a request as long as it takes; a thousand slow clients would be all that it has."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The clock runs from here."""
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        """And again from here."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """In time."""
        self._stop()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there to wait for."""
        self._stop()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Streams have no end of their own to wait for; everything else is answered first."""
        super().shutdown()
        if self.cycle is not None and not self.cycle.response_complete and self.cycle.scope["path"] == STREAM:
            self.transport.close()

    def _wait(self) -> None:
        self._stop()
        self._late = self.loop.call_later(HEAD_SECONDS, self._cut)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()
