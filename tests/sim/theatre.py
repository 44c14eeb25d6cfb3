"""A chain with the core contracts and whoever calls them, and an index that follows it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from bridge.chain.account import KeySigner
from bridge.chain.rpc import Rpc
from bridge.chain.span import Span
from bridge.chain.wire import Wire
from bridge.chain.witnesses import Witnesses
from bridge.core.commitment import domain
from bridge.core.word import hex_bytes
from bridge.query.events import Events
from bridge.query.follower import Follower
from bridge.query.index import Index
from bridge.query.rows import Reader
from tests.sim.operator import fund, signer_of
from tests.sim.stage import Call, Code, Stage
from tests.sim.stage import signer_of as panel_of
from tests.sim.wire import Upstream
from tests.sim.world import CHAIN_ID

GWEI = 10**9


@dataclass
class Theatre:
    """Transactions are signed here and mined in the block that `mine` makes."""

    url: str
    truth: Upstream
    stage: Stage
    signer: KeySigner
    gas: int = 6_000_000

    def send(self, *calls: Call, signer: KeySigner | None = None) -> list[str]:
        """Give them to the node, in order; their hashes."""
        key = signer or self.signer
        nonce = int(self.truth.ask("eth_getTransactionCount", key.address, "pending"), 16)
        raws = [signed(key, call, nonce + at, self.gas) for at, call in enumerate(calls)]
        return [str(self.truth.ask("eth_sendRawTransaction", raw)) for raw in raws]

    def mine(self, blocks: int = 1) -> None:
        """Blocks with what waits in the first."""
        for _ in range(blocks):
            self.truth.ask("evm_mine")

    def play(self, *calls: Call) -> None:
        """Send them and mine them in one block; all have to succeed."""
        hashes = self.send(*calls)
        self.mine()
        for tx_hash in hashes:
            receipt = self.truth.ask("eth_getTransactionReceipt", tx_hash)
            assert receipt["status"] == "0x1", receipt

    @property
    def head(self) -> int:
        return int(self.truth.ask("eth_blockNumber"), 16)


@contextmanager
def theatre(url: str, code: Code, seed: int = 1, *, gas: int = 6_000_000) -> Iterator[Theatre]:
    """The contracts deployed on a chain that mines when it is told to."""
    truth = Upstream(url)
    truth.ask("evm_setAutomine", False)
    signer = signer_of(f"{seed} caller")
    fund(truth, [signer])
    stage = Stage(random.Random(f"stage {seed}"), code, panel_of(f"{seed} panel"), signer.address)
    made = Theatre(url, truth, stage, signer, gas)
    try:
        for call in stage.opening():
            made.play(call)
        yield made
    finally:
        truth.close()


def follower(
    engine: Engine,
    code: Code,
    urls: Sequence[str],
    *,
    depth: int | None = 64,
    quorum: int = 1,
    span: Span | None = None,
    ahead: bool = False,
) -> Follower:
    """As after a restart."""
    core = code.core(Rpc(urls[0], CHAIN_ID))
    index = Index(engine, CHAIN_ID, core.ledger.address, core.first_block)
    reader = Reader(CHAIN_ID, Events.of(core), domain(CHAIN_ID, core.ledger.address))
    witnesses = Witnesses(CHAIN_ID, tuple(Wire(url) for url in urls), quorum)
    return Follower(index, reader, witnesses, depth=depth, span=span, ahead=ahead)


def signed(key: KeySigner, call: Call, nonce: int, gas: int) -> str:
    """As eth_sendRawTransaction takes it."""
    fees = {"maxFeePerGas": 500 * GWEI, "maxPriorityFeePerGas": GWEI, "chainId": CHAIN_ID}
    fields = {"to": call.to, "value": call.value, "data": call.data, "nonce": nonce, "gas": gas, **fees}
    return hex_bytes(key.sign(fields).raw)
