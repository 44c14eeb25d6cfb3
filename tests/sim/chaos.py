"""One seed of trouble for a relayer: faulty nodes, reorganisations, evictions, outside use of its keys, deaths, a clock that jumps,
a database that goes away and a disk that is full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from bridge.chain.nodes import Nodes
from bridge.chain.preset import GWEI
from bridge.chain.rpc import Rpc
from bridge.core.word import hex_bytes
from bridge.errors import BridgeError, DatabaseFailed
from bridge.relay.artifacts import Artifacts
from bridge.relay.job import Job, State
from bridge.relay.journal import MOST_TRIES
from bridge.relay.lanes import Lanes
from bridge.relay.relayer import Relayer
from tests.sim.faults import BEHIND, LIES, LOUD
from tests.sim.operator import CAPS, Crossings, Operator, fund, signer_of
from tests.sim.outage import Outage
from tests.sim.rules import Rules
from tests.sim.wire import HungUpError, RefusedError, Upstream
from tests.sim.world import CHAIN_ID, World

DEPTH = 64
"""Blocks that a reorganisation may take, and so the depth that is final."""
STEPS = 60
JOBS = 6
_REPLICAS, _QUORUM = 3, 2
_DEATH = 0.04
"""At each border."""
_MENDED = 0.5
"""That a database that failed is well again the next time."""
_SETTLING = 60
"""Rounds in which everything has to come to its end once the world is calm."""


class KilledError(BaseException):
    """The relayer dies here; not an Exception, so that nothing of it can go on."""


@dataclass(frozen=True)
class Outcome:
    """What a seed came to."""

    seed: int
    faults: Counter[str]
    """By kind, with deaths and reorganisations."""
    states: Counter[State]
    parked: int
    """Jobs that failed because the relayer, or its database, went away three times while it proved them."""
    mined: Counter[int]
    """How often calls were mined on the last chain: how many of them were mined once, twice."""
    pending: int
    """Transactions that still wait, or gaps before them."""

    @property
    def is_good(self) -> bool:
        """Whether everything is over as if nothing had happened."""
        final, ends = self.states[State.FINAL], self.faults["death"] + self.faults["failed write or read"]
        all_over = final + self.parked == self.states.total() and self.parked <= ends // MOST_TRIES
        return all_over and final == self.mined[1] == self.mined.total() and not self.pending


class Chaos:
    """A world, and the relayer in it."""

    def __init__(self, world: World, engine: Engine, store: Path, bundle: str) -> None:
        self.world = world
        self.dice = world.random
        self.signers = (signer_of(f"{world.seed} one"), signer_of(f"{world.seed} two"))
        self.truth = Upstream(world.direct)
        fund(self.truth, self.signers)
        rpcs = [_patiently(url) for url in world.urls]
        self.operator = Operator(
            engine=engine,
            store=Artifacts(str(store)),
            bundle=bundle,
            nodes=Nodes(tuple(rpcs), _QUORUM),
            signers=self.signers,
            truth=self.truth,
            depth=DEPTH,
            clock=world.clock,
            caps=CAPS,
        )
        self.told: Counter[str] = Counter()
        self._mortal = True
        self._outage = Outage(engine)

    def run(self) -> Outcome:
        """Trouble first, then calm, until every job is over."""
        relayer, lanes = self._born()
        with self._watched():
            for _ in range(STEPS):
                try:
                    self._happen(relayer, lanes)
                except KilledError:
                    self.told["death"] += 1
                    relayer, lanes = self._born()
                except DatabaseFailed:
                    self.told["failed write or read"] += 1
                    relayer, lanes = self._born()  # as the operator's loop does once the database is there again
                    if self.dice.random() < _MENDED:
                        self._outage.mend()
        self.world.calm()
        self._outage.mend()
        self._mortal = False
        for _ in range(_SETTLING):
            relayer.step()
            lanes.tick()
            if all(job.state.is_over for job in self.jobs):
                break
            self.world.clock.sleep(CAPS.outbid_after + 1)
            self.world.mine(8)
        return self._outcome()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What was asked for, whoever died of it."""
        return self.operator.journal.newest(CHAIN_ID)

    def close(self) -> None:
        """Let go."""
        self._outage.close()
        self.truth.close()

    def _born(self) -> tuple[Relayer, Lanes]:
        return self.operator.relayer(), self.operator.lanes()

    def _happen(self, relayer: Relayer, lanes: Lanes) -> None:
        """Something."""
        may: tuple[tuple[float, Callable[[], object]], ...] = (
            (3, self._request),
            (4, relayer.step),
            (10, lanes.tick),
            (5, lambda: self.world.mine(self.dice.choice((1, 1, 2, 10)))),
            (1, self._reorganise),
            (1, lambda: self._tell("eviction", self.world.pool.evict_some(2))),
            (1, self._outside),
            (3, lambda: self.world.clock.sleep(self.dice.uniform(0, 120))),
            (1, lambda: self.world.base_fee(self.dice.randint(1, 60) * GWEI)),
            (0.5, self._fill),
            (0.5, self._part),
            (1, self._outage.mend),
        )
        self.dice.choices([happening for _, happening in may], [weight for weight, _ in may])[0]()

    def _tell(self, what: str, _done: object) -> None:
        self.told[what] += 1

    def _fill(self) -> None:
        self._outage.fill()
        self.told["full disk"] += 1

    def _part(self) -> None:
        self._outage.part()
        self.told["lost database"] += 1

    def _request(self) -> None:
        if len(self.jobs) < JOBS:
            self.operator.request(f"{self.world.seed}/{len(self.jobs)}")

    def _reorganise(self) -> None:
        head = self.world.head
        if head > 1:
            self._tell("reorganisation", self.world.reorg(self.dice.randint(1, min(DEPTH - 1, head - 1))))

    def _outside(self) -> None:
        """Somebody else uses one of the keys."""
        signer = self.dice.choice(self.signers)
        nonce = self.operator.truth.ask("eth_getTransactionCount", signer.address, "latest")
        transaction = {"to": signer.address, "value": 0, "data": b"", "nonce": int(nonce, 16), "gas": 21_000}
        fees = {"maxFeePerGas": 200 * GWEI, "maxPriorityFeePerGas": 3 * GWEI, "chainId": CHAIN_ID}
        signed = signer.sign({**transaction, **fees})
        client = self.world.client()
        try:
            client.ask("eth_sendRawTransaction", hex_bytes(signed.raw))
            self.told["outside use"] += 1
        except (RefusedError, HungUpError, OSError, ValueError, TypeError):
            return  # it is what anybody may try

    def _watched(self) -> AbstractContextManager[None]:
        def cross(_border: str) -> None:
            if self._mortal and self.dice.random() < _DEATH:
                raise KilledError

        return Crossings(cross).watched(self.operator.engine)

    def _outcome(self) -> Outcome:
        states = Counter(job.state for job in self.jobs)
        pending = 0
        for signer in self.signers:
            latest, waiting = (
                int(self.truth.ask("eth_getTransactionCount", signer.address, tag), 16) for tag in ("latest", "pending")
            )
            pending += waiting - latest + len(self.operator.outbox.slots(signer.address))
        parked = sum(job.reason == "JobParked" for job in self.jobs)
        mined = Counter(count for _, count in self.operator.mined().values())
        met = Counter({kind: self.world.tally[kind] for kind in self.world.tally.kinds()})
        return Outcome(self.world.seed, self.told + met, states, parked, mined, pending)


def world_of(seed: int) -> World:
    """The world of a seed."""
    rules = Rules(returning=seed % 3 / 2)  # what a reorganisation drops is kept by some nodes, and forgotten by others
    return World(seed, rules=rules, replicas=_REPLICAS, faults=(*LOUD, *BEHIND, *LIES), rate=0.12, clock_rate=0.002)


def _patiently(url: str) -> Rpc:
    """A node that is asked for its chain until it says so."""
    for _ in range(50):
        try:
            return Rpc(url, CHAIN_ID)
        except BridgeError:
            continue
    raise TimeoutError(url)
