"""A relayer in a small world: its journal, its lanes and its loop are the real ones; proofs are recorded, and ezkl does not run.

Calls go to an address without code, so that nothing but the relayer keeps them from being mined twice.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from eth_account import Account
from sqlalchemy import Engine, event

from bridge.chain.account import KeySigner
from bridge.chain.contract import Contract
from bridge.chain.nodes import Nodes
from bridge.chain.preset import GWEI, Preset, preset
from bridge.chain.rpc import Rpc
from bridge.core.bundle import Bundle
from bridge.core.proof import Proof
from bridge.core.word import Address, Hex32, HexBytes, hex32, keccak256
from bridge.database.lease import Lease
from bridge.errors import BridgeError
from bridge.relay.artifacts import Artifacts
from bridge.relay.job import Job, Request
from bridge.relay.journal import Journal
from bridge.relay.lanes import Lanes
from bridge.relay.outbox import Outbox
from bridge.relay.pace import Pace
from bridge.relay.proving import Provers
from bridge.relay.purse import Caps
from bridge.relay.relayer import Relayer
from bridge.relay.submission import Submission
from bridge.relay.submit import Statement
from bridge.relay.work import Proved, Task
from tests.sim.wire import Upstream
from tests.sim.world import CHAIN_ID

SINK = Address("0x5151515151515151515151515151515151515151")
CAPS = Caps(max_fee_wei=500 * GWEI, in_flight=8)
_ANY = hex32(0)


class AtOnce(Executor):
    """Does what it is given before it returns: nothing depends on how threads are scheduled."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def recorded_witness(task: Task) -> str:
    """What stands for a witness: the row's name."""
    return Artifacts(task.store).put(task.rows[0].encode())


def recorded_proof(task: Task, witness: str) -> Proved:
    """A proof that says which row it is of."""
    store = Artifacts(task.store)
    row = store.get(witness).decode()
    proof = Proof(_ANY, (Hex32("0x00" + row[2:]),), HexBytes("0x" + "ab" * 64), seconds=0.1)
    return Proved(store.put(proof.to_json().encode()), 0.1, 0)


def say(_bundle: Bundle, proof: Proof) -> Statement:
    """A statement that is only this row's."""
    return Statement(_ANY, proof.instances[0], b"", proof.blob)


@dataclass(frozen=True)
class Operator:
    """Everything that a relayer is made of, made anew after each death."""

    engine: Engine
    store: Artifacts
    bundle: str
    nodes: Nodes
    signers: tuple[KeySigner, ...]
    truth: Upstream
    """The chain itself, which no fault comes between."""
    depth: int
    clock: Callable[[], float]
    caps: Caps = CAPS
    lease: Lease | None = None
    proofs: int = 1
    executor: Executor = field(default_factory=AtOnce)

    @property
    def journal(self) -> Journal:
        return Journal(self.engine, lease=self.lease, clock=self.clock)

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.engine, CHAIN_ID, lease=self.lease, clock=self.clock)

    def close(self) -> None:
        """Let go of everything."""
        if self.lease is not None:
            self.lease.release()
        self.engine.dispose()
        self.truth.close()

    def request(self, name: str) -> Job:
        """An inference that somebody wants."""
        row = hashlib.sha256(name.encode()).hexdigest()
        return self.journal.request(name, Request(CHAIN_ID, _ANY, self.bundle, row))

    @property
    def chain(self) -> Preset:
        """What is known of the chain."""
        return replace(preset("anvil"), finality_depth=self.depth)

    def lanes(self) -> Lanes:
        """As after a restart."""
        return Lanes(
            self.outbox, self.nodes, self.signers, self.chain, self.caps, recorded=self.recorded, clock=self.clock
        )

    def relayer(self, lanes: Lanes | None = None, pace: Pace | None = None) -> Relayer:
        """As after a restart; without lanes it has no threads of its own."""
        provers = Provers(self.executor, recorded_witness, recorded_proof)
        ledger = Contract(self.nodes.all[0], "InferenceLedger", SINK)
        pace = pace or Pace(proofs=self.proofs)
        return Relayer(CHAIN_ID, self.journal, self.store, lanes, provers, ledger, say, pace=pace, clock=self.clock)

    def recorded(self, submissions: Sequence[Submission]) -> list[int | None]:
        """What the ledger would answer: whether the calls are on the chain as it is now."""
        mined = self.mined() if submissions else {}
        return [mined.get(bytes(each.calldata), (None, 0))[0] for each in submissions]

    def mined(self) -> dict[bytes, tuple[int, int]]:
        """Every call on the chain as it is now: its last block, and how often it was mined."""
        found: dict[bytes, tuple[int, int]] = {}
        for number, transactions in self.blocks():
            for transaction in transactions:
                if str(transaction["to"]).lower() == SINK:
                    data = bytes.fromhex(transaction["input"][2:])
                    found[data] = (number, found.get(data, (0, 0))[1] + 1)
        return found

    def blocks(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Every block's transactions."""
        head = int(self.truth.ask("eth_blockNumber"), 16)
        for number in range(1, head + 1):
            block = self.truth.ask("eth_getBlockByNumber", hex(number), True)
            if block["transactions"]:
                yield number, block["transactions"]


def signer_of(seed: object) -> KeySigner:
    """A key by its seed."""
    return KeySigner(Account.from_key(keccak256(f"key {seed}".encode())))


def fund(truth: Upstream, signers: Sequence[KeySigner]) -> None:
    """Coin for keys."""
    for signer in signers:
        truth.ask("anvil_setBalance", signer.address, hex(10_000 * 10**18))


class Crossings:
    """The borders between what is written and what is done: each commit and each send, before and after."""

    def __init__(self, cross: Callable[[str], None]) -> None:
        self._cross = cross
        self._committed = False

    @contextmanager
    def watched(self, engine: Engine) -> Iterator[None]:
        """Tell of every border while the block lasts."""

        def before(_connection: Any) -> None:
            self._cross("before a commit")
            self._committed = True

        def after(*_: Any) -> None:
            if self._committed:
                self._committed = False
                self._cross("after a commit")

        send = Rpc.send_all

        def sending(rpc: Rpc, raws: Sequence[bytes]) -> list[Hex32 | BridgeError]:
            self._cross("before a send")
            answers = send(rpc, raws)
            self._cross("after a send")
            return answers

        event.listen(engine, "commit", before)
        event.listen(engine.pool, "checkin", after)
        Rpc.send_all = sending  # type: ignore[assignment, method-assign]
        try:
            yield
        finally:
            Rpc.send_all = send  # type: ignore[method-assign]
            event.remove(engine, "commit", before)
            event.remove(engine.pool, "checkin", after)


def nonces(operator: Operator) -> Counter[str]:
    """Transactions of each key on the chain."""
    told: Counter[str] = Counter()
    for _, transactions in operator.blocks():
        told.update(str(transaction["from"]).lower() for transaction in transactions)
    return told
