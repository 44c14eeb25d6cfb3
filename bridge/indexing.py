"""What keeps an index: one process at a time follows a chain into a database, for as long as it is wanted."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine

from bridge.chain.rpc import Rpc
from bridge.chain.span import Span
from bridge.chain.wire import Wire
from bridge.chain.witnesses import Witnesses
from bridge.connection import Connection
from bridge.core.commitment import domain
from bridge.database.engine import INDEX_CACHE_KIB, default_url, opened
from bridge.database.lease import SECONDS, Lease, acquire
from bridge.errors import ChainError, DatabaseFailed, FollowError, LeaseLost, OptionInvalid
from bridge.query.events import Events
from bridge.query.follower import FIRST_SPAN, Follower, Step
from bridge.query.index import Checkpoint, Index
from bridge.query.rows import Reader

_LOG = structlog.get_logger("index")
_TAKE_OVER_SECONDS = 1.0
"""Between two tries for the lease, or for a database that is not there."""
_LONGEST_WAIT = 30.0
"""Seconds between two tries at a chain whose nodes fail."""
_TRIES = 8
"""At a stretch of the chain, where the head is all that is wanted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a chain is followed."""

    database: str = field(default_factory=default_url, repr=False)
    """URL; it may hold a password."""
    others: tuple[str, ...] = field(default=(), repr=False)
    """URLs of more nodes of the chain; they may hold keys."""
    quorum: int = 1
    """Nodes that have to show the same."""
    until_head: bool = False
    """End once everything up to the head is in the tables."""
    trust_again: bool = False
    """Call things final again after a final block went."""
    wait: float = 1.0
    """Seconds between two looks at the head."""
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    """What this process is called in the lease."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a process has come."""

    step: Step
    events: int
    """That it read."""
    blocks: int
    reorganised: int
    """Blocks that it took back."""
    seconds: float
    """That it spent reading and writing, and not waiting for the chain."""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds else 0.0

    def after(self, step: Step, seconds: float) -> Progress:
        """With one step more."""
        spent = self.seconds + (seconds if step.blocks else 0.0)
        return Progress(
            step, self.events + step.events, self.blocks + step.blocks, self.reorganised + step.reorganised, spent
        )


Told = Callable[[Progress], None]
_NOTHING = Progress(Step(0, 0, 0, 0, 0, None), 0, 0, 0, 0.0)


def follow(connection: Connection, plan: Plan, stop: threading.Event, *, told: Told = lambda _: None) -> Progress:
    """Follow a chain into the database until `stop`, or until the head is reached where that is all that is wanted.

    Waits for the lease of the index, for nodes and for a database that went away. Raises `NotDeployed`, `OptionInvalid`, `WrongChain`,
    `IndexOfAnother`, `DatabaseFailed` where the database was not there to begin with, and with `until_head` what the nodes failed
    with in the end.
    """
    with _witnesses(connection, plan) as witnesses, opened(plan.database, cache_kib=INDEX_CACHE_KIB) as engine:
        if plan.trust_again:
            _index(connection, engine, None).trust_again()
        progress = _NOTHING
        while not stop.is_set():
            try:
                lease = acquire(engine, f"index {connection.rpc.chain_id}", plan.holder)
                if lease is not None:
                    progress = _lead(connection, plan, witnesses, lease, stop, told, progress)
                    if plan.until_head and progress.step.is_at_head:
                        break
            except DatabaseFailed as error:
                if plan.until_head:
                    raise
                _LOG.error("waiting for the database", said=str(error))
            stop.wait(_TAKE_OVER_SECONDS)
        return progress


def checkpoint(connection: Connection, plan: Plan) -> Checkpoint | None:
    """How far the chain was followed. Raises `NotDeployed`, `IndexOfAnother`, `DatabaseFailed`."""
    with opened(plan.database) as engine:
        return _index(connection, engine, None).checkpoint()


def _lead(
    connection: Connection,
    plan: Plan,
    witnesses: Witnesses,
    lease: Lease,
    stop: threading.Event,
    told: Told,
    progress: Progress,
) -> Progress:
    """Follow while the lease lasts, and let go of it. Raises `DatabaseFailed`."""
    try:
        return _followed(connection, plan, witnesses, lease, stop, told, progress)
    except LeaseLost as error:
        _LOG.warning("lost the lease", said=str(error))
        return progress
    finally:
        lease.release()


def _followed(
    connection: Connection,
    plan: Plan,
    witnesses: Witnesses,
    lease: Lease,
    stop: threading.Event,
    told: Told,
    progress: Progress,
) -> Progress:
    """Step by step. Raises `LeaseLost`, `DatabaseFailed`, `IndexOfAnother`."""
    follower = _follower(connection, witnesses, lease)
    failures, renewed = 0, time.monotonic()
    try:
        while not stop.is_set():
            started = time.monotonic()
            if started - renewed > SECONDS / 3:
                lease.renew()
                renewed = started
            try:
                step = follower.step()
            except (ChainError, FollowError) as error:
                failures += 1
                if isinstance(error, LeaseLost) or (plan.until_head and failures >= _TRIES):
                    raise
                _LOG.warning("tried again", said=str(error), tries=failures)
                stop.wait(min(_LONGEST_WAIT, plan.wait * 2 ** min(failures, 8)))
                continue
            failures = 0
            _say(step, progress)
            progress = progress.after(step, time.monotonic() - started)
            told(progress)
            if step.is_at_head and not step.blocks:
                if plan.until_head:
                    break
                stop.wait(plan.wait)
        return progress
    finally:
        follower.close()


def _say(step: Step, before: Progress) -> None:
    if step.reorganised:
        _LOG.warning("the chain went another way", blocks=step.reorganised, number=step.number)
    if step.broken_at is not None and before.step.broken_at is None:
        _LOG.error("a block that was final went: nothing is called final until --trust-again", broken_at=step.broken_at)


def _index(connection: Connection, engine: Engine, lease: Lease | None) -> Index:
    core = connection.core()
    return Index(engine, connection.rpc.chain_id, core.ledger.address, core.first_block, lease=lease)


def _follower(connection: Connection, witnesses: Witnesses, lease: Lease) -> Follower:
    core, chain_id = connection.core(), connection.rpc.chain_id
    reader = Reader(chain_id, Events.of(core), domain(chain_id, core.ledger.address))
    return Follower(
        _index(connection, lease.engine, lease),
        reader,
        witnesses,
        depth=connection.preset.finality_depth,
        span=Span(FIRST_SPAN, connection.preset.log_range),
        ahead=True,
    )


@contextmanager
def _witnesses(connection: Connection, plan: Plan) -> Iterator[Witnesses]:
    """The nodes, each of which was asked for its chain. Raises `OptionInvalid`, `WrongChain`, `RpcUnreachable`."""
    chain_id = connection.rpc.chain_id
    for url in plan.others:
        Rpc(url, chain_id)
    urls = (connection.url, *plan.others)
    if plan.quorum > len(urls):
        raise OptionInvalid(option="--quorum", got=str(plan.quorum), expected=f"at most the {len(urls)} nodes given")
    wires = tuple(Wire(url) for url in urls)
    try:
        yield Witnesses(chain_id, wires, plan.quorum)
    finally:
        for wire in wires:
            wire.close()
