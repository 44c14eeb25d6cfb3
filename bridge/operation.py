"""What an operator does: requests into the journal, and a relayer that works them off."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from bridge import verbs
from bridge.chain.account import UNLOCKED, Signer
from bridge.chain.contract import CoreContracts
from bridge.chain.nodes import Nodes
from bridge.chain.preset import Preset
from bridge.chain.rpc import Rpc
from bridge.circuit import srs
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.rows import Row
from bridge.core.word import Address
from bridge.database.engine import default_url, opened
from bridge.database.lease import Lease, acquire, holder_of
from bridge.errors import AccountMissing, AccountRefused, BridgeError, ChainError, DatabaseFailed, LeaseLost
from bridge.relay.artifacts import Artifacts, default_store
from bridge.relay.cluster import cluster
from bridge.relay.cursor import Cursor
from bridge.relay.desk import Desk, Served
from bridge.relay.job import Job, Request, State
from bridge.relay.journal import Journal
from bridge.relay.lanes import Lanes
from bridge.relay.metrics import Metrics
from bridge.relay.outbox import Outbox
from bridge.relay.pace import Pace
from bridge.relay.processes import Processes
from bridge.relay.proving import Provers
from bridge.relay.purse import HOUR, Caps
from bridge.relay.relayer import Relayer
from bridge.relay.submission import Submission
from bridge.relay.submit import recorded_all
from bridge.relay.terms import Terms

_LOG = structlog.get_logger("relay")
_LOOK_TICKS = 10
"""After so many of them a chain without a new block is looked at all the same."""
_TAKE_OVER_SECONDS = 1.0
"""Between two tries for the lease."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a relayer is run."""

    caps: Caps
    database: str = field(default_factory=default_url, repr=False)
    """URL of the journal; it may hold a password."""
    store: str = field(default_factory=default_store)
    """URL of what jobs are made of."""
    others: tuple[str, ...] = ()
    """URLs of more nodes of the chain."""
    quorum: int = 1
    """Nodes that have to agree."""
    accounts: tuple[str, ...] = ()
    """Signers, each with nonces of its own."""
    executor: str | None = None
    """Address of a Dask scheduler; None: processes of this machine."""
    serves: tuple[Bundle, ...] = ()
    """Models that requests at the desk are taken for."""
    terms: Terms = field(default_factory=Terms)
    pace: Pace = field(default_factory=Pace)
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    """What this relayer is called in the lease."""


@dataclass(frozen=True, slots=True)
class Purse:
    """One key of a relayer."""

    address: Address
    balance_wei: int
    in_flight: int
    spent_hour_wei: int


@dataclass(frozen=True, slots=True)
class Status:
    """How a relayer stands, from its journal and the chain."""

    chain_id: int
    counts: dict[State, int]
    purses: tuple[Purse, ...]
    newest: tuple[Job, ...]
    holder: str | None
    """Who acts for the chain now."""


def request(
    bundle: Bundle,
    rows: Sequence[Row],
    connection: Connection,
    plan: Plan,
    *,
    key: str | None = None,
    deadline: float | None = None,
) -> tuple[Job, ...]:
    """Ask for inferences, for all or for none; asked for again they are the same jobs. `deadline` is in seconds since 1970.

    With a `key` of one's own each row adds its number to it; without one the payload is the key. Raises
    `IdempotencyConflict`, members of `DatabaseError` and `StorageError`.
    """
    store = Artifacts(plan.store)
    digest = store.put_bundle(bundle, srs.find(bundle.manifest.setup).path)
    names = [store.put_row(row, bundle.manifest.circuit.row.inputs) for row in rows]
    jobs = []
    with opened(plan.database) as engine:
        journal = Journal(engine)
        with journal.together():
            for number, name in enumerate(names, start=1):
                wanted = Request(connection.rpc.chain_id, bundle.model_id, digest, name, deadline)
                own = wanted.payload if key is None else key if len(rows) == 1 else f"{key}/{number}"
                jobs.append(journal.request(own, wanted))
    return tuple(jobs)


def wait_for(jobs: Sequence[Job], plan: Plan, states: frozenset[State], *, timeout: float) -> tuple[Job, ...]:
    """The jobs once each has reached one of these states or is over, or when `timeout` seconds are."""
    deadline = time.monotonic() + timeout
    with opened(plan.database) as engine:
        journal = Journal(engine)
        while True:
            now = tuple(journal.job(job.id) for job in jobs)
            if all(job.state in states or job.state.is_over for job in now) or time.monotonic() > deadline:
                return now
            time.sleep(0.02)


def relay(
    connection: Connection,
    plan: Plan,
    stop: threading.Event,
    *,
    metrics: Metrics | None = None,
) -> None:
    """Work until `stop`: wait for the lease of the chain, act while it lasts, wait again.

    A database that goes away is waited for: what is written down is all that the next try needs. Raises members of
    `AccountError`, and `DatabaseFailed` where it was not there to begin with.
    """
    metrics = metrics or Metrics()
    signers = _signers(connection, plan)
    chain_id = connection.rpc.chain_id
    nodes = Nodes((connection.rpc, *(Rpc(url, chain_id) for url in plan.others)), plan.quorum)
    with opened(plan.database) as engine:
        while not stop.is_set():
            try:
                lease = acquire(engine, _lease_name(chain_id), plan.holder)
                if lease is not None:
                    _lead(connection, plan, lease, signers, nodes, metrics, stop)
            except DatabaseFailed as error:
                _LOG.error("waiting for the database", said=str(error))
            stop.wait(_TAKE_OVER_SECONDS)


def _lead(
    connection: Connection,
    plan: Plan,
    lease: Lease,
    signers: Sequence[Signer],
    nodes: Nodes,
    metrics: Metrics,
    stop: threading.Event,
) -> None:
    """Act while the lease lasts, and let go of it. Raises `DatabaseFailed`."""
    metrics.leading(True)
    try:
        _act(connection, plan, lease, signers, nodes, metrics, stop)
    except LeaseLost as error:
        _LOG.warning("lost the lease", said=str(error))
    finally:
        metrics.leading(False)
        lease.release()


def _act(
    connection: Connection,
    plan: Plan,
    lease: Lease,
    signers: Sequence[Signer],
    nodes: Nodes,
    metrics: Metrics,
    stop: threading.Event,
) -> None:
    """Be the relayer of a chain while the lease lasts. Raises `LeaseLost`."""
    core, chain_id = connection.core(), nodes.chain_id
    journal, outbox = Journal(lease.engine, lease=lease), Outbox(lease.engine, chain_id, lease=lease)
    store = Artifacts(plan.store)

    def recorded(submissions: Sequence[Submission]) -> list[int | BridgeError | None]:
        return recorded_all([(each.function, each.statement) for each in submissions], core)

    look = _LOOK_TICKS * plan.pace.tick
    lanes = Lanes(outbox, nodes, signers, connection.preset, plan.caps, recorded=recorded, look=look)
    with _executor(plan) as executor:
        relayer = Relayer(
            chain_id,
            journal,
            store,
            lanes,
            Provers(executor),
            core.ledger,
            lambda bundle, proof: verbs.statement_of(bundle, proof, core),
            desk=_desk(core, plan, connection.preset, nodes, journal, store, lease, signers),
            lease=lease,
            pace=plan.pace,
            ticked=metrics.ticked,
            proved=metrics.proving.observe,
            looked=lambda: _look(metrics, journal, outbox, nodes, lanes.addresses),
        )
        relayer.run(stop)


def status(connection: Connection, plan: Plan, *, limit: int = 10) -> Status:
    """How things stand. Raises `DatabaseFailed`."""
    chain_id = connection.rpc.chain_id
    with opened(plan.database) as engine:
        journal, outbox = Journal(engine), Outbox(engine, chain_id)
        purses = tuple(
            Purse(
                address,
                connection.rpc.balance(address),
                len(outbox.slots(address)),
                outbox.spent_since(address, time.time() - HOUR),
            )
            for address in outbox.senders()
        )
        holder = holder_of(engine, _lease_name(chain_id))
        return Status(chain_id, journal.counts(chain_id), purses, journal.newest(chain_id, limit=limit), holder)


def history(job_id: str, plan: Plan) -> tuple[Job, tuple[tuple[State, float, str], ...]]:
    """A job, and every state that it has been in. Raises `JobUnknown`, `DatabaseFailed`."""
    with opened(plan.database) as engine:
        journal = Journal(engine)
        job = journal.job(job_id)
        return job, journal.history(job)


def _desk(
    core: CoreContracts,
    plan: Plan,
    preset: Preset,
    nodes: Nodes,
    journal: Journal,
    store: Artifacts,
    lease: Lease,
    signers: Sequence[Signer],
) -> Desk:
    """The desk of a chain, watched for the models that are served; jobs of others are brought to their end."""
    served = {
        bundle.model_id: Served(bundle, store.put_bundle(bundle, srs.find(bundle.manifest.setup).path))
        for bundle in plan.serves
    }
    cursor = Cursor(lease.engine, f"desk {nodes.chain_id} {core.desk.address}", lease=lease)
    ours = [signer.address for signer in signers]
    return Desk(core, nodes, preset, journal, store, cursor, served, ours, plan.terms)


def _lease_name(chain_id: int) -> str:
    return f"chain {chain_id}"


def _look(metrics: Metrics, journal: Journal, outbox: Outbox, nodes: Nodes, senders: Sequence[Address]) -> None:
    """How things stand, for the metrics; a node that does not answer leaves the figures as they were."""
    try:
        head = nodes.head()
        balances = {sender: _balance(nodes, sender) for sender in senders}
    except ChainError:
        return
    hour = time.time() - HOUR
    purses = {sender: (balance, outbox.spent_since(sender, hour)) for sender, balance in balances.items()}
    metrics.looked(journal.counts(nodes.chain_id), purses, nodes.trouble, max(0.0, time.time() - head.timestamp))


def _signers(connection: Connection, plan: Plan) -> tuple[Signer, ...]:
    """The keys, each once. Raises members of `AccountError`."""
    if not plan.accounts:
        raise AccountMissing(name="(none given)", known=())
    signers = []
    for spec in plan.accounts:
        if spec.startswith(UNLOCKED):
            reason = "a node's unlocked account signs nothing that could be kept and sent again"
            raise AccountRefused(name=spec, reason=reason)
        signers.append(connection.signer(spec))
    addresses = [signer.address for signer in signers]
    if len(set(addresses)) != len(addresses):
        raise AccountRefused(name="--account", reason="two of them are one key")
    return tuple(signers)


@contextmanager
def _executor(plan: Plan) -> Iterator[Executor]:
    if plan.executor is None:
        pool = Processes(plan.pace.proofs)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
        return
    with cluster(plan.executor) as executor:
        yield executor


def _balance(nodes: Nodes, address: Address) -> int:
    return nodes.any(lambda rpc: rpc.balance(address))
