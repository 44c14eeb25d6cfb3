"""A small world in one seed: a chain, its nodes and a clock, with all that can go wrong among them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount

from bridge.chain.anvil import Anvil, local_chain
from tests.sim import reorg
from tests.sim.clock import START, Clock
from tests.sim.faults import Fault, Schedule
from tests.sim.mempool import Mempool
from tests.sim.reorg import Reorg, Shape
from tests.sim.rules import Rules
from tests.sim.seeds import the_seed
from tests.sim.strict import StrictNode
from tests.sim.tally import Tally
from tests.sim.wire import Upstream

CHAIN_ID = 31_337
SLOT_SECONDS = 12
"""Between the times of two blocks, however far apart they are mined."""
_RICH = 10_000 * 10**18


class World:
    """Anvil behind strict nodes, for the length of a `with` block.

    Blocks are mined by `mine`, unless `automine` or `block_seconds` says otherwise. `node` and `url` are the first replica's;
    `direct` is the plain Anvil behind them, where nothing goes wrong.

        with World(replicas=2, faults=ALL, rate=0.1) as world:
            rpc = Rpc(world.url, CHAIN_ID)
            ...                                     # the code under test, with clock=world.clock
            world.mine(3)                           # blocks, each SLOT_SECONDS after the last
            world.base_fee(50 * GWEI)               # what is cheaper waits
            world.pool.evict_some(2)                # and is forgotten
            dropped = world.reorg(5, Shape.REORDERED).dropped
            world.nodes[1].lag = 3                  # a stale replica; `.branch`, `.is_down` likewise
            world.node.schedule.force(Lost(), "eth_sendRawTransaction")
            world.calm()                            # nothing goes wrong from here on
    """

    def __init__(
        self,
        seed: int | None = None,
        *,
        replicas: int = 1,
        automine: bool = False,
        block_seconds: int | None = None,
        rules: Rules | None = None,
        faults: Sequence[Fault] = (),
        rate: float = 0.0,
        clock_rate: float = 0.0,
        options: Sequence[str] = (),
    ) -> None:
        self.seed = the_seed() if seed is None else seed
        self.random = random.Random(f"world {self.seed}")
        self.tally = Tally()
        self.clock = Clock(self.seed, rate=clock_rate)
        self.nodes: tuple[StrictNode, ...] = ()
        self.reorgs: list[Reorg] = []
        mining = () if automine else ("--block-time", str(block_seconds)) if block_seconds else ("--no-mining",)
        self._options = (*mining, "--timestamp", str(int(START)), *options)
        self._replicas = replicas
        self._rules = rules or Rules()
        self._faults = tuple(faults)
        self._rate = rate
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.anvil: Anvil = stack.enter_context(local_chain(options=self._options))
            self.upstream = Upstream(self.anvil.url)
            stack.callback(self.upstream.close)
            # Without it the machine's own time is in every block, and no seed gives the same chain twice.
            self.upstream.ask("anvil_setBlockTimestampInterval", SLOT_SECONDS)
            self.pool = Mempool(self.upstream, self._rules, tally=self.tally, seed=self.seed)
            names = [f"replica {place}" for place in range(self._replicas)]
            self.nodes = tuple(
                stack.enter_context(
                    StrictNode(self.pool, Schedule(f"{self.seed} {name}", self._faults, self._rate), name=name)
                )
                for name in names
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if error is not None:
            error.add_note(f"SEED={self.seed} ({self.tally})")

    @property
    def node(self) -> StrictNode:
        """The first replica."""
        return self.nodes[0]

    @property
    def url(self) -> str:
        """Where the first replica listens."""
        return self.node.url

    @property
    def urls(self) -> list[str]:
        """Where all of them listen."""
        return [node.url for node in self.nodes]

    @property
    def direct(self) -> str:
        """The plain Anvil, without rules and faults; its pool is not the nodes' pool, so nothing is sent there."""
        return self.anvil.url

    @property
    def head(self) -> int:
        """Number of the newest block."""
        return int(self.ask("eth_blockNumber"), 16)

    def ask(self, method: str, *params: Any) -> Any:
        """A method of the plain Anvil. Raises `RefusedError`."""
        return self.upstream.ask(method, *params)

    def client(self, replica: int = 0) -> Upstream:
        """A plain JSON-RPC client of a replica, for as long as the world stands."""
        client = Upstream(self.nodes[replica].url)
        self._stack.callback(client.close)
        return client

    def account(self, wei: int = _RICH) -> LocalAccount:
        """A new account with coin on it, by the seed."""
        account: LocalAccount = Account.from_key(self.random.randbytes(32))
        self.ask("anvil_setBalance", account.address, hex(wei))
        return account

    def mine(self, blocks: int = 1) -> None:
        """New blocks with what waits."""
        self.pool.mine(blocks)

    def base_fee(self, wei: int) -> None:
        """Mine a block with this base fee, from which that of later ones follows."""
        self.ask("anvil_setNextBlockBaseFeePerGas", hex(wei))
        self.mine()

    def reorg(self, depth: int | None = None, shape: Shape | None = None) -> Reorg:
        """Replace the newest blocks; what is not said, the seed decides."""
        depth = self.random.randint(1, reorg.DEEPEST) if depth is None else depth
        shape = self.random.choice(list(Shape)) if shape is None else shape
        happened = reorg.reorganise(self.pool, self.random, depth, shape)
        self.reorgs.append(happened)
        return happened

    def calm(self) -> None:
        """Nothing goes wrong from now on: every replica is up, fresh and honest, the clock keeps time."""
        self.clock.calm()
        for node in self.nodes:
            node.schedule.calm()
            node.lag = 0
            node.branch = None
            node.is_down = False

    def storm(self, rate: float | None = None) -> None:
        """Faults again."""
        for node in self.nodes:
            node.schedule.storm(rate)
