"""A JSON-RPC node as strict as geth and as unreliable as the internet, with a real Anvil behind it.

Rules are in `rules`, waiting transactions in `mempool`, what goes wrong in `faults`. Several nodes over one pool are replicas
of one network. Loopback only.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.sim import branch
from tests.sim.branch import Branch
from tests.sim.faults import Disconnect, Fault, Garbage, Lie, Lost, Schedule, ServerError, Slow, Stale, TooMany
from tests.sim.mempool import Mempool
from tests.sim.stale import METHODS as STALE_METHODS
from tests.sim.stale import stale_answer
from tests.sim.wire import HungUpError, Json, RefusedError, read_message, written

_PAGE = b"<html><title>error</title></html>"
_SLOW_DOWN = b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32005, "message": "request rate limited"}}'
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that arrived."""

    number: int
    methods: tuple[str, ...]
    fault: str | None
    """The kind of the fault that was dealt to it."""


@dataclass(frozen=True, slots=True)
class _Reply:
    """What goes over the wire, and when."""

    status: int
    body: bytes
    headers: tuple[str, ...] = ()
    seconds: float = 0.0


class StrictNode:
    """A server for the length of a `with` block; `url` is valid from the start."""

    def __init__(self, pool: Mempool, schedule: Schedule | None = None, *, name: str = "node") -> None:
        self.pool = pool
        self.upstream = pool.upstream
        self.tally = pool.tally
        self.schedule = schedule or Schedule(0)
        self.name = name
        self.lag = 0
        """Blocks that this replica is behind, always."""
        self.branch: Branch | None = None
        """Blocks that a reorg took out of the chain, on which this replica still stands."""
        self.is_down = False
        """Whether every connection is dropped without a word."""
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._receipts: deque[Json] = deque(maxlen=_REMEMBERED)
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True, name=name
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()

    def count(self, method: str) -> int:
        """How often a method was asked for."""
        return sum(request.methods.count(method) for request in list(self.asked))

    def serve(self, body: bytes) -> _Reply | None:
        """The reply to one HTTP request; None drops the connection."""
        try:
            document = json.loads(body)
            requests: list[Json] = document if isinstance(document, list) else [document]
            methods = tuple(str(request["method"]) for request in requests)
        except (ValueError, LookupError, TypeError):
            return _Reply(400, b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "parse error"}}')
        with self._lock:
            number = len(self.asked)
            fault = self.schedule.decide(number, methods)
            self.asked.append(Asked(number, methods, None if fault is None else fault.kind))
        if self.is_down:
            self.tally.add("down")
            return None
        match fault:
            case TooMany():
                self.tally.add(fault.kind)
                when = () if fault.retry_after is None else (f"Retry-After: {fault.retry_after}",)
                return _Reply(429, _SLOW_DOWN, when)
            case ServerError(after=False):
                self.tally.add(fault.kind)
                return _Reply(fault.status, _PAGE)
            case Garbage():
                self.tally.add(fault.kind)
                return _Reply(200, fault.body * fault.times)
            case Disconnect():
                self.tally.add(fault.kind)
                return None
        answers = [self._answer(request, fault, number) for request in requests]
        reply = json.dumps(answers if isinstance(document, list) else answers[0]).encode()
        match fault:
            case ServerError():
                self.tally.add(fault.kind)
                return _Reply(fault.status, _PAGE)
            case Lost():
                self.tally.add(fault.kind)
                time.sleep(fault.seconds)
                return None
            case Slow():
                self.tally.add(fault.kind)
                return _Reply(200, reply, seconds=fault.seconds)
        return _Reply(200, reply)

    def _answer(self, request: Json, fault: Fault | None, number: int) -> Json:
        frame = {"jsonrpc": "2.0", "id": request.get("id")}
        method, params = str(request["method"]), list(request.get("params") or [])
        try:
            if self.branch is not None and method in branch.METHODS:
                return {**frame, "result": self.branch.answer(self.upstream, method, params)}
            behind = fault.blocks if isinstance(fault, Stale) and fault.meets(method) else self.lag
            if behind and method in STALE_METHODS:
                if fault is not None and isinstance(fault, Stale):
                    self.tally.add(fault.kind)
                return {**frame, "result": stale_answer(self.upstream, method, params, behind)}
            answer = self._strict(method, params)
        except RefusedError as refused:
            return {**frame, "error": {"code": refused.code, "message": refused.message}}
        if isinstance(fault, Lie) and fault.meets(method) and "result" in answer:
            told = fault.told(answer["result"], self.schedule.chance(-1 - number), list(self._receipts))
            if told is not answer["result"]:
                self.tally.add(fault.kind)
            answer = {**answer, "result": told}
        return {**answer, **frame}

    def _strict(self, method: str, params: list[Any]) -> Json:
        """The answer of an honest node with geth's rules. Raises `RefusedError`."""
        match method:
            case "eth_sendRawTransaction":
                return {"result": self.pool.submit(str(params[0]))}
            case "eth_getTransactionCount" if len(params) > 1 and params[1] == "pending":
                return {"result": hex(self.pool.pending_nonce(params[0]))}
            case "eth_getLogs":
                return {"result": self._logs(params[0])}
        if method.startswith(("anvil_", "evm_")):
            return self._steered(method, params)
        answer = self.upstream.try_all([(method, *params)])[0]
        match method:
            case "eth_getTransactionByHash" if answer.get("result") is None:
                return {"result": self.pool.transaction(str(params[0]))}
            case "eth_getTransactionReceipt" if answer.get("result"):
                self._receipts.append(answer["result"])
        return answer

    def _steered(self, method: str, params: list[Any]) -> Json:
        """What a local chain is told to do; where it moves transactions, the pool does it."""
        match method:
            case "anvil_reorg":
                self.pool.reorganise(int(params[0]), params[1] if len(params) > 1 else [])
                return {"result": None}
            case "evm_mine" if not params:
                self.pool.mine()
                return {"result": "0x0"}
            case "anvil_mine" if len(params) == 1:
                self.pool.mine(int(params[0], 16) if isinstance(params[0], str) else int(params[0]))
                return {"result": None}
            case "anvil_dropTransaction":
                return {"result": next(iter(self.pool.evict(str(params[0]))), None)}
        answer = self.upstream.try_all([(method, *params)])[0]
        if method in {"evm_revert", "anvil_reset", "anvil_dropAllTransactions"}:
            self.pool.clear()
        return answer

    def _logs(self, query: Json) -> Any:
        limit = self.pool.rules.logs
        if "blockHash" in query or (limit.blocks is None and limit.results is None and limit.beyond_head):
            return self.upstream.ask("eth_getLogs", query)
        head = int(self.upstream.ask("eth_blockNumber"), 16)
        first, last = (_number(query.get(end), head) for end in ("fromBlock", "toBlock"))
        limit.check_range(first, last, head)
        logs = self.upstream.ask("eth_getLogs", query)
        limit.check_results(len(logs), first, last)
        return logs


def _number(asked: Any, head: int) -> int:
    if isinstance(asked, str) and asked.startswith("0x"):
        return int(asked, 16)
    return {"earliest": 0, "safe": max(0, head - 32), "finalized": max(0, head - 64)}.get(str(asked), head)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, node: StrictNode) -> None:
        self.node = node
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def joined(self, connection: socket.socket) -> None:
        self._open.add(connection)

    def left(self, connection: socket.socket) -> None:
        self._open.discard(connection)

    def hang_up(self) -> None:
        """End what clients keep alive, or their next request would wait for nobody."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.server.joined(self.connection)
        try:
            while self._one():
                pass
        except (HungUpError, OSError):
            return
        finally:
            self.server.left(self.connection)

    def _one(self) -> bool:
        """One request; whether the connection goes on."""
        message = read_message(self.rfile)
        if not message.first.startswith(b"POST"):
            self.wfile.write(written(405, b""))
            return True
        reply = self.server.node.serve(message.body)
        if reply is None:
            return False
        if reply.seconds:
            time.sleep(reply.seconds)
        self.wfile.write(written(reply.status, reply.body, reply.headers))
        return not message.ends
