"""What a relayer says of itself: Prometheus metrics, and whether it lives and is ready, over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app

from bridge.core.word import Address
from bridge.relay.job import State
from bridge.relay.tick import Tick

_WEI = 10**18


class Metrics:
    """The figures of one relayer."""

    def __init__(self) -> None:
        """In a registry of their own: two relayers in one process do not mix."""
        self.registry = CollectorRegistry()
        self._jobs = Gauge("proofbridge_jobs", "Jobs by state.", ["state"], registry=self.registry)
        self._leads = Gauge("proofbridge_leads", "1 while this relayer acts for the chain.", registry=self.registry)
        self._balance = Gauge("proofbridge_balance_ether", "What a key has.", ["sender"], registry=self.registry)
        self._spent = Gauge(
            "proofbridge_spent_hour_ether", "What a key paid in the last hour.", ["sender"], registry=self.registry
        )
        self._ticks = Counter(
            "proofbridge_transactions", "What was done with a key.", ["sender", "what"], registry=self.registry
        )
        self._held = Counter("proofbridge_held", "Why a key waited.", ["sender", "error"], registry=self.registry)
        self._trouble = Gauge(
            "proofbridge_node_trouble", "What went wrong with nodes.", ["what"], registry=self.registry
        )
        self._head = Gauge("proofbridge_head_age_seconds", "Since the newest block.", registry=self.registry)
        self.proving = Histogram(
            "proofbridge_proving_seconds",
            "Wall time of ezkl's prover.",
            buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000),
            registry=self.registry,
        )
        self._is_ready = threading.Event()

    def leading(self, leads: bool) -> None:
        """This relayer began or ceased to act."""
        self._leads.set(int(leads))
        self._is_ready.set()

    def ticked(self, sender: Address, tick: Tick) -> None:
        """What was done with a key."""
        for name in ("offered", "again", "raised", "filled", "mined", "final", "gone", "lost"):
            if count := getattr(tick, name):
                self._ticks.labels(sender, name).inc(count)
        if tick.held is not None:
            self._held.labels(sender, type(tick.held).__name__).inc()

    def looked(
        self,
        counts: Mapping[State, int],
        purses: Mapping[Address, tuple[int, int]],
        trouble: Mapping[str, int],
        head_age: float,
    ) -> None:
        """How things stand: jobs by state, balance and last hour's spending in wei by key, trouble with nodes."""
        for state in State:
            self._jobs.labels(state.value).set(counts.get(state, 0))
        for sender, (balance, spent) in purses.items():
            self._balance.labels(sender).set(balance / _WEI)
            self._spent.labels(sender).set(spent / _WEI)
        for what, count in trouble.items():
            self._trouble.labels(what).set(count)
        self._head.set(head_age)

    @contextmanager
    def served(self, port: int) -> Iterator[int]:
        """/metrics, /livez and /readyz on the loopback address, for the length of a block; 0 is any free port."""
        exposed = make_wsgi_app(self.registry)

        def answer(environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            path = environment.get("PATH_INFO")
            if path == "/metrics":
                figures: Iterable[bytes] = exposed(environment, start)
                return figures
            known = {"/livez": True, "/readyz": self._is_ready.is_set()}
            if path not in known:
                start("404 Not Found", [("Content-Type", "text/plain")])
                return [b"not found\n"]
            status = "200 OK" if known[str(path)] else "503 Service Unavailable"
            start(status, [("Content-Type", "text/plain")])
            return [b"ok\n" if known[str(path)] else b"not ready\n"]

        with make_server("127.0.0.1", port, answer, handler_class=_Quiet) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield server.server_port
            server.shutdown()
            thread.join()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Scrapes are no news."""
