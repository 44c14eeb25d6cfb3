"""A server on a socket that answers what a test tells it to, byte for byte, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Script = Callable[[int, bytes, socket.socket], None]
"""Answers one connection: its number, the request's head, the socket. The connection ends with it."""


@dataclass
class Hostile:
    """Where it listens, and the heads of all requests."""

    url: str
    heads: list[str] = field(default_factory=list)


@contextlib.contextmanager
def hostile(script: Script) -> Iterator[Hostile]:
    """One thread for each connection, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Hostile(f"http://127.0.0.1:{listener.getsockname()[1]}")
        over = threading.Event()

        def answer(number: int, connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                head = b""
                while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                    head += more
                made.heads.append(head.decode())
                script(number, head, connection)

        def listen() -> None:
            number = 0
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(number, connection), daemon=True).start()
                number += 1

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            over.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def saying(
    body: bytes, status: str = "200 OK", kind: str = "application/json", more: str = "", length: int | None = None
) -> Script:
    """The same to everybody."""
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: close\r\n{more}\r\n"

    def script(_number: int, _head: bytes, connection: socket.socket) -> None:
        connection.sendall(head.encode() + body)

    return script
