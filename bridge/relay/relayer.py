"""The loop: requests are proved, proofs become calls, calls go to the lanes. One thread decides; provers and keys work.

Nothing is known here that is not in the journal: a relayer that is killed anywhere goes on where its journal stands.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from bridge.chain.contract import Contract
from bridge.core.word import Address
from bridge.database.lease import SECONDS, Lease
from bridge.errors import ChainError, DatabaseFailed, EngineError, LeaseLost
from bridge.relay.artifacts import Artifacts
from bridge.relay.bundles import Bundles
from bridge.relay.checking import Checking, Say
from bridge.relay.desk import Desk
from bridge.relay.job import State
from bridge.relay.journal import Journal
from bridge.relay.lanes import Lanes
from bridge.relay.pace import Pace
from bridge.relay.proving import Provers, Proving
from bridge.relay.tick import Tick

_LOG = structlog.get_logger("relay")

_FIGURE_SECONDS = 5.0
_LEAST_LOOKED_AT = 128
"""Jobs that are looked at in each round, or as many as the largest batches could take: a long queue is not read to its end."""


@dataclass(slots=True)
class _Watch:
    """What ends everything: set by whoever finds out first."""

    over: threading.Event = field(default_factory=threading.Event)
    reason: BaseException | None = None

    def end(self, reason: BaseException) -> None:
        self.reason = self.reason or reason
        self.over.set()


class Relayer:
    """The jobs of one chain. Call `run` from one thread."""

    def __init__(
        self,
        chain_id: int,
        journal: Journal,
        store: Artifacts,
        lanes: Lanes | None,
        provers: Provers,
        ledger: Contract,
        say: Say,
        *,
        desk: Desk | None = None,
        lease: Lease | None = None,
        pace: Pace | None = None,
        ticked: Callable[[Address, Tick], None] = lambda _address, _tick: None,
        proved: Callable[[float], None] = lambda _seconds: None,
        looked: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Without `lanes` nothing is sent. `ticked` is told what was done with a key, `proved` how long ezkl took; `looked` is
        called every few seconds, for the figures.
        """
        self._chain_id = chain_id
        self._journal = journal
        self._lanes = lanes
        self._desk = desk
        self._lease = lease
        self._pace = pace or Pace()
        self._ticked = ticked
        self._looked = looked
        self._bundles = Bundles(store, journal)
        self._proving = Proving(journal, self._bundles, store.url, provers, self._pace, proved=proved, clock=clock)
        self._checking = Checking(journal, self._bundles, store, ledger, say, desk, self._pace.desk)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`; then let what is being proved come to its end, for a while.

        Raises `LeaseLost` and `DatabaseFailed`, with every proof that was being made given up.
        """
        watch = _Watch()
        threads = [threading.Thread(target=self._figure, args=(watch,), daemon=True)]
        if self._lanes is not None:
            threads.append(threading.Thread(target=self._drive, args=(self._lanes, watch), daemon=True))
        if self._desk is not None:
            threads.append(threading.Thread(target=self._look_at, args=(self._desk, watch), daemon=True))
        if self._lease is not None:
            threads.append(threading.Thread(target=self._hold, args=(self._lease, watch), daemon=True))
        for thread in threads:
            thread.start()
        try:
            while not stop.is_set() and not watch.over.is_set():
                if not self.step():
                    watch.over.wait(self._pace.look)
            self._drain(watch)
        except (LeaseLost, DatabaseFailed) as error:
            watch.end(error)
        finally:
            watch.over.set()
            for thread in threads:
                thread.join()
            self._proving.give_up()
        if watch.reason is not None:
            raise watch.reason

    def step(self, *, starting: bool = True) -> bool:
        """Look once; whether anything was done."""
        done = self._proving.collect()
        most = max(_LEAST_LOOKED_AT, (self._pace.proofs + 1) * self._bundles.most_rows)
        waiting = self._journal.waiting(self._chain_id, limit=most)
        if self._checking.hand_over([job for job in waiting if job.state is State.PROVED]):
            done = True
            if self._lanes is not None:
                self._lanes.stir()
        if starting and self._proving.start([job for job in waiting if job.state is not State.PROVED]):
            done = True
        return done

    def _drive(self, lanes: Lanes, watch: _Watch) -> None:
        """The keys, until the end."""
        while not watch.over.is_set():
            try:
                ticks = lanes.tick()
            except BaseException as error:
                watch.end(error)
                return
            for address, tick in ticks.items():
                self._ticked(address, tick)
                if tick.held is not None:
                    _LOG.warning("held", sender=address, error=type(tick.held).__name__, said=str(tick.held))
            if all(tick.held is not None for tick in ticks.values()):
                watch.over.wait(self._pace.tick)
            else:
                lanes.rest(self._pace.tick)

    def _look_at(self, desk: Desk, watch: _Watch) -> None:
        """The desk, until the end; a node that does not answer is asked again."""
        while not watch.over.is_set():
            try:
                desk.look()
            except (ChainError, EngineError) as error:
                _LOG.warning("held", desk=True, error=type(error).__name__, said=str(error))
            except BaseException as error:
                watch.end(error)
            watch.over.wait(self._pace.desk)

    def _hold(self, lease: Lease, watch: _Watch) -> None:
        """The lease, until the end."""
        while not watch.over.wait(SECONDS / 3):
            try:
                lease.renew()
            except BaseException as error:
                watch.end(error)

    def _figure(self, watch: _Watch) -> None:
        """The figures, until the end."""
        while not watch.over.is_set():
            try:
                self._looked()
            except BaseException as error:
                watch.end(error)
            watch.over.wait(_FIGURE_SECONDS)

    def _drain(self, watch: _Watch) -> None:
        """Let what is being proved come to its end, and be written down."""
        deadline = time.monotonic() + self._pace.drain
        while not self._proving.is_idle and time.monotonic() < deadline and not watch.over.is_set():
            if not self.step(starting=False):
                watch.over.wait(self._pace.look)
        if not watch.over.is_set():
            self.step(starting=False)
