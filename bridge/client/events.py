"""Server-sent events out of bytes, as the HTML standard has them (section 9.2.6), bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_EVENT = 2**16
"""Bytes that are kept while an event is not whole."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; without data it only says how far the stream is."""

    kind: str
    id: str
    data: str


class EventParser:
    """Takes bytes as they come. `feed` raises ValueError on an event that does not end, or is not UTF-8."""

    def __init__(self) -> None:
        """At the beginning of a stream."""
        self._rest = b""
        self._lines: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that are whole now."""
        data = self._rest + chunk
        cut = len(data) - data.endswith(b"\r")  # half a line's end, perhaps
        *whole, rest = data[:cut].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = rest + data[cut:]
        for line in whole:
            if line:
                self._lines.append(line.decode())
            elif self._lines:
                yield _event(self._lines)
                self._lines = []
        if len(self._rest) + sum(map(len, self._lines)) > LONGEST_EVENT:
            raise ValueError(f"an event of more than {LONGEST_EVENT} bytes")


def _event(lines: list[str]) -> Event:
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name, []).append(value.removeprefix(" "))
    return Event(fields.get("event", [""])[-1], fields.get("id", [""])[-1], "\n".join(fields.get("data", [])))
