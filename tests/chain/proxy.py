"""Nodes that misbehave: one that answers whatever it is told to, and a proxy that spoils an honest one's answers."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = dict[str, Any]
"""A JSON-RPC request."""

Answer = tuple[int, bytes]
"""HTTP status and body."""

Rule = Callable[[Request], Answer | None]
"""What to answer; None drops the connection without a word."""


HTTP_OK = 200


def too_many(status: int = HTTP_OK) -> Answer:
    """What a node says to a batch that is too large for it."""
    error = {"code": -32600, "message": "batch too large"}
    return status, json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()


class Server(ThreadingHTTPServer):
    """Answers by its rule and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, rule: Rule) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rule = rule
        self.requests: list[Request] = []
        self.batches: list[int] = []
        """How many requests there were in each batch."""
        self.most = 1000
        """Requests in one batch; more of them are refused."""
        self.refusal: Answer = too_many()
        self.heads: list[tuple[str, dict[str, str]]] = []
        """Path and headers of every request."""
        self.fetched: list[str] = []
        """Paths of GET requests, which no JSON-RPC client sends."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def asked(self, method: str) -> list[list[Any]]:
        """The parameters of every request of a method."""
        return [request["params"] for request in self.requests if request["method"] == method]


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.heads.append((self.path, dict(self.headers.items())))
        self._answer(self._all(document) if isinstance(document, list) else self._one(document))

    def _one(self, request: Request) -> Answer | None:
        self.server.requests.append(request)
        return self.server.rule(request)

    def _all(self, requests: list[Request]) -> Answer | None:
        """Each by the rule, in one document; the first that has no answer, or a bad one, stands for all."""
        self.server.batches.append(len(requests))
        if len(requests) > self.server.most:
            return self.server.refusal
        answers = [self._one(request) for request in requests]
        bad = [answer for answer in answers if answer is None or answer[0] != HTTP_OK]
        if bad:
            return bad[0]
        return HTTP_OK, b"[" + b", ".join(answer[1] for answer in answers if answer is not None) + b"]"

    def do_GET(self) -> None:
        self.server.fetched.append(self.path)
        self._answer((404, b""))

    def log_message(self, *_: object) -> None:
        """Silence."""

    def _answer(self, answer: Answer | None) -> None:
        if answer is None:
            self.close_connection = True
            return
        status, body = answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Proxy(Server):
    """An honest node behind faults that are switched on one by one, by method."""

    def __init__(self, upstream: str) -> None:
        super().__init__(self._route)
        self._upstream = upstream
        self._faults: dict[str, Rule] = {}
        self._silent = False

    def forward(self, request: Request) -> Answer:
        """The honest node's answer."""
        headers = {"Content-Type": "application/json"}
        post = urllib.request.Request(self._upstream, json.dumps(request).encode(), headers)  # noqa: S310
        with urllib.request.urlopen(post, timeout=30) as answer:  # noqa: S310
            return answer.status, answer.read()

    def spoil(self, method: str, rule: Rule) -> None:
        """Answer a method by a rule of its own."""
        self._faults[method] = rule

    def drop_after(self, method: str, *, then_silent: bool = False) -> None:
        """Let the node do its work, and lose the answer; with `then_silent` every later one too."""

        def rule(request: Request) -> None:
            self.forward(request)
            self._silent = then_silent

        self.spoil(method, rule)

    def go_silent(self) -> None:
        """Drop every connection from now on."""
        self._silent = True

    def heal(self) -> None:
        """An honest node again."""
        self._faults.clear()
        self._silent = False

    def _route(self, request: Request) -> Answer | None:
        if self._silent:
            return None
        return self._faults.get(request["method"], self.forward)(request)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server, for the length of a block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """A proxy in front of a node, for the length of a block."""
    proxy = Proxy(upstream)
    with serving(proxy):
        yield proxy


def result(value: Any) -> Rule:
    """Any JSON value as a well-formed result."""
    return lambda request: (200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value}).encode())


def problem(message: str, *, code: int = -32000, data: Any = None) -> Rule:
    """A JSON-RPC error."""
    error = {"code": code, "message": message, **({} if data is None else {"data": data})}
    return lambda request: (200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode())


def body(content: bytes, status: int = 200) -> Rule:
    """A body that may be anything."""
    return lambda _request: (status, content)


def on_chain(rule: Rule, chain_id: int = 31337) -> Rule:
    """A rule for everything but the chain id, which web3 asks for before many calls."""
    honest = result(hex(chain_id))
    return lambda request: honest(request) if request["method"] == "eth_chainId" else rule(request)
