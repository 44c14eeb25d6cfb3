"""A chain that mines when it is told to, an outbox, and lanes between the two."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from eth_account import Account
from sqlalchemy import Engine

from bridge.chain.account import KeySigner, Signer
from bridge.chain.nodes import Nodes
from bridge.chain.preset import GWEI, preset
from bridge.chain.rpc import Rpc
from bridge.core.word import Address, Hex32, hex32
from bridge.relay.job import Request, State
from bridge.relay.journal import Journal
from bridge.relay.lanes import Lanes
from bridge.relay.outbox import Outbox
from bridge.relay.purse import Caps
from bridge.relay.submission import Call
from bridge.relay.tick import Tick

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
NOBODY = Address("0x1111111111111111111111111111111111111111")
CAPS = Caps(max_fee_wei=500 * GWEI)
DEPTH = 2


class Lane:
    """Lanes of one key."""

    def __init__(self, lanes: Lanes) -> None:
        (self.address,) = lanes.addresses
        self._lanes = lanes

    def tick(self) -> Tick:
        return self._lanes.tick()[self.address]


class Stage:
    """A chain that mines when it is told to, an outbox, and lanes between the two."""

    def __init__(self, url: str, engine: Engine) -> None:
        self.rpc = Rpc(url)
        self.engine = engine
        self.now = 1000.0
        self.preset = replace(preset("anvil"), finality_depth=DEPTH)
        self.journal = Journal(engine, clock=self.clock)
        self.outbox = Outbox(engine, 31337, clock=self.clock)
        self.signer = KeySigner(Account.from_key(KEY))
        self.recorded: dict[Hex32, int] = {}
        self._numbers = itertools.count(1)

    def clock(self) -> float:
        return self.now

    def lane(self, caps: Caps = CAPS, *urls: str) -> Lane:
        """As after a restart: it remembers nothing."""
        return Lane(self.lanes(caps, (self.signer,), *urls))

    def lanes(self, caps: Caps, signers: Sequence[Signer], *urls: str) -> Lanes:
        """Of several keys."""
        rpcs = tuple(Rpc(url) for url in urls) or (self.rpc,)
        nodes = Nodes(rpcs, quorum=len(rpcs) // 2 + 1)
        return Lanes(
            self.outbox,
            nodes,
            signers,
            self.preset,
            caps,
            recorded=lambda asked: [self.recorded.get(each.statement) for each in asked],
            clock=self.clock,
        )

    def submit(self, *, data: bytes = b"", to: Address = NOBODY) -> Hex32:
        """A call that waits."""
        number = next(self._numbers)
        job = self.journal.request(f"{number}", Request(31337, hex32(1), "b" * 64, f"{number:064x}"))
        self.journal.witnessed(job, "c" * 64)
        self.journal.proved(job, "d" * 64, 1.0)
        self.journal.checked(job, hex32(number), Call(hex32(number), to, "record", data))
        return hex32(number)

    def state(self, statement: Hex32) -> State:
        found = self.outbox.submission(statement)
        assert found is not None
        return found.state

    def mine(self, blocks: int = 1) -> None:
        self.rpc.raw("anvil_mine", hex(blocks))

    @property
    def nonce(self) -> int:
        return self.rpc.nonce(self.signer.address, "latest")

    def outside(self, nonce: int, *, gwei: int = 100) -> str:
        """A transaction of the same key that nobody told us of."""
        fields = {"to": NOBODY, "value": 1, "nonce": nonce, "gas": 21_000, "chainId": 31337}
        fees = {"maxFeePerGas": gwei * GWEI, "maxPriorityFeePerGas": gwei * GWEI}
        return self.rpc.send_raw(Account.from_key(KEY).sign_transaction({**fields, **fees}).raw_transaction)
