"""HTTP/1.1 by hand, kept alive on both sides: the standard library's parsers alone would cost more than Anvil itself.

It reads what JSON-RPC over HTTP needs (one body with a Content-Length) and is for the loopback interface only.
"""

from __future__ import annotations

import json
import select
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0

Json = dict[str, Any]
"""A JSON object: a request, an answer, or what is in one."""


class HungUpError(Exception):
    """The other side closed the connection."""


class RefusedError(Exception):
    """A JSON-RPC error, with the code and the words of the node that gave it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP request or answer."""

    first: bytes
    """The request line or the status line."""
    headers: dict[bytes, bytes]
    """By name in small letters."""
    body: bytes

    @property
    def ends(self) -> bool:
        """Whether the connection ends after it."""
        return self.headers.get(b"connection", b"").lower() == b"close"


def read_message(stream: BufferedIOBase) -> Message:
    """The next message. Raises `HungUpError` where there is none, or half of one."""
    first = stream.readline()
    headers: dict[bytes, bytes] = {}
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    length = int(headers.get(b"content-length", b"0"))
    body = stream.read(length)
    if not first or len(body) < length:
        raise HungUpError
    return Message(first.strip(), headers, body)


def written(status: int, body: bytes, headers: Sequence[str] = ()) -> bytes:
    """An answer as it goes over the wire."""
    lines = (f"HTTP/1.1 {status} -", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", "")
    return "\r\n".join(lines).encode() + body


@dataclass(frozen=True, slots=True)
class _Line:
    """One open connection."""

    socket: socket.socket
    stream: BufferedIOBase

    def is_quiet(self) -> bool:
        """Whether nothing came, not even an end."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


class Upstream:
    """A JSON-RPC node behind a pool of connections; safe for threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._place = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._head = f"POST / HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: "
        self._idle: deque[_Line] = deque()

    def post(self, body: bytes) -> bytes:
        """The body of the answer to a body."""
        sent = f"{self._head}{len(body)}\r\n\r\n".encode() + body
        return self._exchange(self._reused() or self._open(), sent)

    def ask(self, method: str, *params: Any) -> Any:
        """The result of one method. Raises `RefusedError`."""
        return self.ask_all([(method, *params)])[0]

    def ask_all(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The results of several (method, *params), in one exchange. Raises `RefusedError` for the first that failed."""
        answers = [_result(answer) for answer in self.try_all(calls)]
        for answer in answers:
            if isinstance(answer, RefusedError):
                raise answer
        return answers

    def try_all(self, calls: Sequence[tuple[Any, ...]]) -> list[Json]:
        """The whole answers, errors included."""
        if not calls:
            return []
        batch = [{"jsonrpc": "2.0", "id": n, "method": c[0], "params": list(c[1:])} for n, c in enumerate(calls)]
        answers = json.loads(self.post(json.dumps(batch).encode()))
        return sorted(answers, key=lambda answer: int(answer["id"]))

    def close(self) -> None:
        """Hang up every idle connection."""
        while self._idle:
            self._idle.pop().close()

    def _reused(self) -> _Line | None:
        """An idle connection that the other side has not closed: nothing is ever sent twice to find that out."""
        while True:
            try:
                line = self._idle.pop()
            except IndexError:
                return None
            if line.is_quiet():
                return line
            line.close()

    def _open(self) -> _Line:
        connection = socket.create_connection(self._place, timeout=TIMEOUT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Line(connection, connection.makefile("rb"))

    def _exchange(self, line: _Line, sent: bytes) -> bytes:
        try:
            line.socket.sendall(sent)
            answer = read_message(line.stream)
        except (HungUpError, OSError):
            line.close()
            raise
        if answer.ends:
            line.close()
        else:
            self._idle.append(line)
        return answer.body


def _result(answer: Json) -> Any:
    if "error" in answer:
        return RefusedError(int(answer["error"]["code"]), str(answer["error"]["message"]))
    return answer.get("result")
