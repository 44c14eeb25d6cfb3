"""Subscribers by the thousand, in one process: how long after it was written does each hear of a piece of news?"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field

CONNECTING = 64
"""At once."""


@dataclass
class Heard:
    """What all of them heard."""

    lags: list[float] = field(default_factory=list)
    """Seconds from writing to hearing, one for each subscriber and each piece of news."""
    wrong: int = 0
    """Numbers that did not follow the one before: missed, or told twice."""
    connected: int = 0


async def listen(host: str, port: int, gate: asyncio.Semaphore, heard: Heard, until: float) -> None:
    """One of them."""
    async with gate:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
    heard.connected += 1
    last = None
    try:
        while True:
            async with asyncio.timeout(max(0.0, until - time.time())):
                line = await reader.readline()
            if line.startswith(b"data: "):
                told = json.loads(line[6:])
                heard.lags.append(time.time() - told["at"])
                heard.wrong += last is not None and told["number"] != last + 1
                last = told["number"]
    except TimeoutError:
        writer.close()


async def crowd(host: str, port: int, count: int, seconds: float) -> Heard:
    """So many of them, for so long."""
    heard, gate, until = Heard(), asyncio.Semaphore(CONNECTING), time.time() + seconds
    await asyncio.gather(*(listen(host, port, gate, heard, until) for _ in range(count)))
    return heard


def main() -> None:
    """host port count seconds: prints what was heard as JSON."""
    host, port, count, seconds = sys.argv[1:]
    heard = asyncio.run(crowd(host, int(port), int(count), float(seconds)))
    sys.stdout.write(json.dumps({"lags": heard.lags, "wrong": heard.wrong, "connected": heard.connected}))


if __name__ == "__main__":
    main()
