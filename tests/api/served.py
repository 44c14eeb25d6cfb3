"""The real server on a real socket, in a thread of the test's own process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests
import uvicorn

from bridge.api.app import assemble
from bridge.api.protocol import PunctualProtocol
from bridge.api.serving import _address, _listening
from bridge.api.settings import Settings


@dataclass(frozen=True)
class Api:
    """Where it answers."""

    url: str
    session: requests.Session

    @property
    def place(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(self.url + path, timeout=30, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.session.post(self.url + path, timeout=30, **options)


@contextmanager
def serving(settings: Settings) -> Iterator[Api]:
    """A server for the length of a block."""
    listener = _listening("127.0.0.1", 0)
    config = uvicorn.Config(
        partial(assemble, settings),
        factory=True,
        loop="uvloop",
        http=PunctualProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        with requests.Session() as session:
            yield Api(_address(listener), session)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def refused(answer: requests.Response, status: int, name: str) -> dict[str, Any]:
    """That an answer is this problem, as RFC 9457 has it; gives the document."""
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = json.loads(answer.content)
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["type"] == f"urn:proofbridge:problem:{name}"
    assert document["status"] == status
    for field in ("title", "detail", "fix", "instance"):
        assert document[field], field
    return document
