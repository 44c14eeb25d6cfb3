"""Subscribers by the thousand, in one process: how long after it was written does each hear of a piece of news?"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field

import uvloop

CONNECTING = 64
"""At once."""
_NEWS = re.compile(rb'data: \{"number":(\d+),[^\n]*"at":([0-9.e+-]+)\}\n')


@dataclass
class Heard:
    """What all of them heard."""

    lags: list[float] = field(default_factory=list)
    """Seconds from writing to hearing, one for each subscriber and each piece of news."""
    wrong: int = 0
    """Numbers that did not follow the one before: missed, or told twice."""
    connected: int = 0


class Listener(asyncio.Protocol):
    """One of them; it does as little as it can, because it is measured with the server on the same cores."""

    def __init__(self, heard: Heard) -> None:
        """Tells `heard`."""
        self._heard = heard
        self._rest = b""
        self._last: int | None = None
        self.begun = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Whole lines are read, the rest waits."""
        now = time.time()
        if not self.begun.is_set():
            self._heard.connected += 1
            self.begun.set()
        whole, _, self._rest = (self._rest + data).rpartition(b"\n")
        for number, at in _NEWS.findall(whole + b"\n"):
            self._heard.lags.append(now - float(at))
            self._heard.wrong += self._last is not None and int(number) != self._last + 1
            self._last = int(number)


async def crowd(host: str, port: int, count: int, seconds: float) -> Heard:
    """So many of them, for so long."""
    heard, gate, until = Heard(), asyncio.Semaphore(CONNECTING), time.time() + seconds
    loop = asyncio.get_running_loop()

    async def join() -> asyncio.Transport:
        async with gate:
            transport, listener = await loop.create_connection(lambda: Listener(heard), host, port)
            transport.write(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
            await listener.begun.wait()
            return transport

    everybody = await asyncio.gather(*(join() for _ in range(count)))
    await asyncio.sleep(max(0.0, until - time.time()))
    for transport in everybody:
        transport.abort()
    return heard


def main() -> None:
    """host port count seconds: prints what was heard as JSON."""
    host, port, count, seconds = sys.argv[1:]
    heard = uvloop.run(crowd(host, int(port), int(count), float(seconds)))
    sys.stdout.write(json.dumps({"lags": heard.lags, "wrong": heard.wrong, "connected": heard.connected}))


if __name__ == "__main__":
    main()
