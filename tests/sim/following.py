"""One seed of trouble for an index: faulty nodes that lie, stale replicas, reorganisations, deaths at commits, a database that goes
away and a disk that is full. Whatever happened, the tables have to be those of a replay from scratch.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, select

from bridge.chain.rpc import Rpc
from bridge.chain.span import Span
from bridge.chain.wire import Wire
from bridge.chain.witnesses import Witnesses
from bridge.core.commitment import domain
from bridge.core.word import hex_bytes
from bridge.database import index as tables
from bridge.database.engine import open_database
from bridge.database.metadata import metadata
from bridge.errors import BridgeError, DatabaseFailed
from bridge.query.events import Events
from bridge.query.follower import Follower
from bridge.query.index import PLACED, Index
from bridge.query.rows import Reader
from tests.sim.chaos import KilledError
from tests.sim.faults import BEHIND, DEEP_LIES, LIES, LOUD
from tests.sim.operator import Crossings, fund, signer_of
from tests.sim.outage import Outage
from tests.sim.reorg import DEEPEST
from tests.sim.rules import PROVIDERS, LogLimit, Rules
from tests.sim.stage import Call, Code, Model, Stage, Statement
from tests.sim.stage import signer_of as panel_of
from tests.sim.wire import RefusedError, Upstream
from tests.sim.world import CHAIN_ID, World

DEPTH = DEEPEST
"""Blocks that a reorganisation may take, and so the depth that is final."""
STEPS = 120
_DEATH = 0.06
"""At each border of a transaction."""
_MENDED = 0.5
_SETTLING = 400
_GWEI = 10**9
_GAS = 6_000_000


@dataclass(frozen=True)
class Outcome:
    """What a seed came to."""

    seed: int
    faults: Counter[str]
    rows: int
    """In the tables at the end."""
    differences: tuple[str, ...]
    """Between the tables and those of a replay from scratch; none is how it has to be."""

    @property
    def is_good(self) -> bool:
        """Whether nothing shows what happened on the way."""
        return not self.differences and self.rows > 0


class Following:
    """A world, whoever calls the contracts in it, and an index of it."""

    def __init__(self, world: World, engine: Engine, code: Code) -> None:
        self.world = world
        self.dice = world.random
        self.engine = engine
        self.truth = Upstream(world.direct)
        self.caller = signer_of(f"{world.seed} caller")
        fund(self.truth, [self.caller])
        self.stage = Stage(
            random.Random(f"stage {world.seed}"), code, panel_of(f"{world.seed} panel"), self.caller.address
        )
        self.core = code.core(Rpc(world.direct, CHAIN_ID))
        self.told: Counter[str] = Counter()
        self._wires = tuple(Wire(url) for url in world.urls)
        self._mortal = False
        self._outage = Outage(engine)

    def run(self) -> Outcome:
        """Trouble first, then calm, until the head is reached; then the comparison."""
        self._begin()
        follower = self._born()
        self._mortal = True
        with self._watched():
            for _ in range(STEPS):
                try:
                    self._happen(follower)
                except KilledError:
                    self.told["death"] += 1
                    follower = self._born()
                except DatabaseFailed:
                    self.told["failed write or read"] += 1
                    follower = self._born()
                    if self.dice.random() < _MENDED:
                        self._outage.mend()
                except BridgeError as error:
                    self.told[type(error).__name__] += 1
        self.world.calm()
        self._outage.mend()
        self._mortal = False
        for _ in range(_SETTLING):
            step = follower.step()
            if step.is_at_head and not step.blocks:
                break
        return self._outcome()

    def close(self) -> None:
        """Let go."""
        self._outage.close()
        self.truth.close()
        for wire in self._wires:
            wire.close()

    def _begin(self) -> None:
        """The contracts, deeper than any reorganisation."""
        self._send(self.stage.opening())
        self.world.mine()
        for model in (self.stage.new_model(), self.stage.new_model(rows=3)):
            self._send(self.stage.register(model))
        self.world.mine()
        self.truth.ask("anvil_mine", hex(DEPTH), hex(12))

    def _born(self) -> Follower:
        return self._follower(self.engine, Witnesses(CHAIN_ID, self._wires, 2), self.dice.choice((3, 16, 64)))

    def _follower(self, engine: Engine, witnesses: Witnesses, blocks: int) -> Follower:
        ledger = self.core.ledger.address
        index = Index(engine, CHAIN_ID, ledger, self.core.first_block, clock=self.world.clock)
        reader = Reader(CHAIN_ID, Events.of(self.core), domain(CHAIN_ID, ledger))
        return Follower(index, reader, witnesses, depth=DEPTH, span=Span(blocks))

    def _happen(self, follower: Follower) -> None:
        """Something."""
        may: tuple[tuple[float, Callable[[], object]], ...] = (
            (12, follower.step),
            (10, self._act),
            (6, lambda: self.world.mine(self.dice.choice((1, 1, 2, 5)))),
            (3, self._reorganise),
            (1, self._lag),
            (0.5, self._fill),
            (0.5, self._part),
            (1, self._outage.mend),
            (1, lambda: self.world.clock.sleep(self.dice.uniform(0, 600))),
        )
        self.dice.choices([happening for _, happening in may], [weight for weight, _ in may])[0]()

    def _act(self) -> None:
        """Something that the contracts tell of."""
        stage, dice = self.stage, self.dice
        model = dice.choice(stage.models)
        said = stage.statement(model) if dice.random() < 0.7 or not stage.said else dice.choice(stage.said)
        stage.said.append(said)
        may: tuple[tuple[float, Callable[[], Sequence[Call]]], ...] = (
            (1, lambda: stage.register(stage.new_model())),
            (1, lambda: stage.register(model)),
            (4, lambda: [stage.verify(said, dice.choice(("verifyInference", "verifyAndGrade")))]),
            (4, lambda: [stage.verify(said, "verifyAndStoreInference")]),
            (3, lambda: [self._through(said)]),
            (3, lambda: self._batch(model)),
            (3, self._row),
            (3, lambda: self._desk(said)),
            (2, lambda: self._line(model)),
            (1, lambda: [stage.update(model, dice.choice((b"", b"ipfs://other", b"\xc3\x28")))]),
            (0.3, lambda: [stage.deprecate(model)]),
            (0.3, lambda: [stage.stop(said)]),
        )
        self._send(dice.choices([act for _, act in may], [weight for weight, _ in may])[0]())
        if dice.random() < 0.5:
            self.world.mine()

    def _through(self, said: Statement) -> Call:
        hows = self.dice.choices(("verifyInference", "verifyAndStoreInference"), k=self.dice.randint(1, 3))
        return self.stage.through(*(self.stage.verify(said, how) for how in hows))

    def _batch(self, model: Model) -> Sequence[Call]:
        call = self.stage.store_batch(self.stage.statement(model)) if model.circuit.rows > 1 else None
        if call is None:
            return ()
        return [self.stage.through(call) if self.dice.random() < 0.3 else call]

    def _row(self) -> Sequence[Call]:
        if not self.stage.batches:
            return ()
        model, batch = self.dice.choice(self.stage.batches)
        call = self.stage.store_row(model, batch, self.dice.randrange(len(batch.rows)))
        return [self.stage.through(call) if self.dice.random() < 0.5 else call]

    def _line(self, model: Model) -> Sequence[Call]:
        if not self.stage.lines or self.dice.random() < 0.3:
            return [self.stage.line(f"line {len(self.stage.lines)}")]
        name = self.dice.choice(self.stage.lines)
        return [self.stage.append(name, model), self.stage.offer(name, self.caller.address), self.stage.accept(name)]

    def _desk(self, said: Statement) -> Sequence[Call]:
        """Ask, or take what was asked for, as the chain has it now."""
        if self.dice.random() < 0.4:
            now = int(self.truth.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
            return [self.stage.request(said, now + self.dice.choice((30, 100_000)))]
        topic, desk = self.core.desk.abi.topic("Requested"), self.core.desk.address
        logs = self.truth.ask("eth_getLogs", {"fromBlock": "0x0", "address": desk, "topics": [topic]})
        if not logs:
            return ()
        log = self.dice.choice(logs)
        if self.dice.random() < 0.2:
            return [self.stage.refund(log["topics"][1])]
        asked = [each for each in self.stage.said if each.model.id == log["topics"][3]]
        return self.stage.fulfil(log["topics"][1], self.dice.choice(asked)) if asked else ()

    def _send(self, calls: Sequence[Call]) -> None:
        nonce = self.world.pool.pending_nonce(self.caller.address)
        fees = {"maxFeePerGas": 100 * _GWEI, "maxPriorityFeePerGas": _GWEI, "chainId": CHAIN_ID}
        for at, call in enumerate(calls):
            fields = {"to": call.to, "value": call.value, "data": call.data, "nonce": nonce + at, "gas": _GAS}
            try:
                self.world.pool.submit(hex_bytes(self.caller.sign({**fields, **fees}).raw))
            except RefusedError:
                self.told["refused transaction"] += 1
                return

    def _reorganise(self) -> None:
        replica = self.dice.choice(self.world.nodes)
        happened = self.world.reorg(self.dice.choice((1, 2, 3, 8, self.dice.randint(1, DEPTH), DEPTH)))
        self.told["reorganisation"] += 1
        for node in self.world.nodes:
            node.branch = None
        if self.dice.random() < 0.3:
            replica.branch = happened.old
            self.told["replica on the old branch"] += 1

    def _lag(self) -> None:
        """At most one replica is behind at a time."""
        for node in self.world.nodes:
            node.lag, node.is_down, node.branch = 0, False, None
        chosen = self.dice.choice(self.world.nodes)
        chosen.lag, chosen.is_down = self.dice.choice((0, 1, 5, 40)), self.dice.random() < 0.2

    def _fill(self) -> None:
        self._outage.fill()
        self.told["full disk"] += 1

    def _part(self) -> None:
        self._outage.part()
        self.told["lost database"] += 1

    def _watched(self) -> AbstractContextManager[None]:
        def cross(_border: str) -> None:
            if self._mortal and self.dice.random() < _DEATH:
                raise KilledError

        return Crossings(cross).watched(self.engine)

    def _outcome(self) -> Outcome:
        fresh = open_database("sqlite://")
        wire = Wire(self.world.direct)
        try:
            replay = self._follower(fresh, Witnesses(CHAIN_ID, (wire,)), 1000)
            while (step := replay.step()).blocks or not step.is_at_head:
                pass
            with self.engine.connect() as one, fresh.connect() as other:
                differences = (*different(one, other), *untold(one))
                rows = sum(len(content(one, name)) for name in names())
        finally:
            wire.close()
            fresh.dispose()
        met = Counter({kind: self.world.tally[kind] for kind in self.world.tally.kinds()})
        return Outcome(self.world.seed, self.told + met, rows, differences)


def names() -> tuple[str, ...]:
    """The tables that are compared."""
    return (*(table.name for table in (*PLACED, tables.blocks, tables.chains)), "numbers")


def content(connection: Connection, name: str) -> list[tuple[Any, ...]]:
    """The rows of a table, without the numbers that the database gave out and the time."""
    table = metadata.tables[name]
    if name == "numbers":
        series, numbers = tables.series.c, tables.numbers.c
        query = select(
            series.chain_id,
            series.model_id,
            series.side,
            series.place,
            *(numbers.value, numbers.block_number, numbers.log_index, numbers.row),
        ).join(tables.series, series.id == numbers.series)
    else:
        query = select(*(column for column in table.columns if column.name != "followed_at"))
    return sorted((tuple(row) for row in connection.execute(query)), key=repr)


def different(one: Connection, other: Connection) -> list[str]:
    """What is in one database and not in the other."""
    said = []
    for name in names():
        here, there = content(one, name), content(other, name)
        if here != there:
            more, less = [row for row in here if row not in there], [row for row in there if row not in here]
            said.append(f"{name}: {len(here)} rows against {len(there)}; too many {more[:2]}; missing {less[:2]}")
    return said


def untold(connection: Connection) -> list[str]:
    """Where what subscribers were told, one after another, does not come to what is in the tables."""
    standing: set[tuple[Any, ...]] = set()
    said = []
    for row in connection.execute(select(tables.feed).order_by(tables.feed.c.number)):
        what = (row.inference_id, row.model_id, row.block_number, row.block_hash, row.log_index, row.row)
        if (row.kind == "verified") == (what in standing):
            said.append(f"feed {row.number}: {row.kind} {what} twice")
        (standing.add if row.kind == "verified" else standing.discard)(what)
    of, blocks = tables.verifications.c, tables.blocks.c
    query = (
        select(of.inference_id, of.model_id, of.block_number, blocks.hash, of.log_index, of.row)
        .join(tables.blocks, (blocks.number == of.block_number) & (blocks.chain_id == of.chain_id))
        .where(of.is_first.is_(True))
    )
    there = {tuple(row) for row in connection.execute(query)}
    if there != standing:
        said.append(f"feed: {len(standing)} stand, {len(there)} are in the tables")
    return said


def world_of(seed: int) -> World:
    """The world of a seed."""
    dice = random.Random(f"following {seed}")
    provider = dice.choice(list(PROVIDERS.values()))
    limit = LogLimit(dice.choice((None, 2, 10, 50)), dice.choice((None, 5, 20)), provider)
    rules = Rules(returning=seed % 3 / 2, logs=limit)
    faults = (*LOUD, *BEHIND, *LIES, *DEEP_LIES)
    return World(
        seed, rules=rules, replicas=3, faults=faults, rate=0.1, clock_rate=0.002, options=("--gas-limit", "150000000")
    )
