"""What a real node refuses and Anvil takes: the numbers, and the words in which it is said."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.sim.signed import BLOB, SignedTx
from tests.sim.wire import RefusedError

REFUSED = -32000
"""geth's code for whatever its pool refuses."""


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider refuses a range of logs; each says it in its own words."""

    name: str
    range_code: int
    range_text: str
    """With {asked} and {limit}, both numbers of blocks."""
    results_code: int
    results_text: str
    """With {limit}, a number of logs, and {first} and {last}, a range that would do."""


PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider(
            "infura",
            -32602,
            "range {asked} exceeds limit of {limit}",
            -32005,
            "query returned more than {limit} results",
        ),
        Provider(
            "alchemy",
            -32602,
            "Log response size exceeded. You can make eth_getLogs requests with up to a {limit} block range",
            -32602,
            "Log response size exceeded. this block range should work: [{first:#x}, {last:#x}]",
        ),
        Provider(
            "quicknode",
            -32602,
            "eth_getLogs is limited to a {limit:,} range",
            -32602,
            "eth_getLogs and eth_newFilter are limited to {limit:,} results",
        ),
        Provider(
            "reth",
            -32602,
            "query exceeds max block range {limit}",
            -32602,
            "query exceeds max results {limit}, retry with the range {first}-{last}",
        ),
        Provider(
            "tenderly",
            -32602,
            "range {asked} is bigger than range limit {limit}",
            -32005,
            "query returned more than {limit} results",
        ),
        Provider(
            "zksync",
            -32602,
            "Query returned more than {limit} results. Try with this block range [{first:#x}, {last:#x}].",
            -32602,
            "Query returned more than {limit} results. Try with this block range [{first:#x}, {last:#x}].",
        ),
        Provider(
            "publicnode",
            -32000,
            "exceed maximum block range: {limit}",
            -32005,
            "query returned more than {limit} results",
        ),
        Provider(
            "morph",
            -32000,
            "block range is larger than max block range, block range = {asked}, max block range = {limit}",
            -32005,
            "query returned more than {limit} results",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class LogLimit:
    """How much one eth_getLogs may ask for; None is no limit."""

    blocks: int | None = None
    results: int | None = None
    provider: Provider = field(default=PROVIDERS["infura"])
    beyond_head: bool = True
    """Whether a range may end after the newest block; geth and reth refuse it today, older nodes do not."""

    def check_range(self, first: int, last: int, head: int) -> None:
        """Raises `RefusedError`."""
        if first > last:
            raise RefusedError(-32602, "invalid block range params")
        if last > head and not self.beyond_head:
            raise RefusedError(-32602, "block range extends beyond current head block")
        asked = last - first + 1
        if self.blocks is not None and asked > self.blocks:
            words = self.provider.range_text.format(
                asked=asked, limit=self.blocks, first=first, last=first + self.blocks - 1
            )
            raise RefusedError(self.provider.range_code, words)

    def check_results(self, found: int, first: int, last: int) -> None:
        """Raises `RefusedError`."""
        if self.results is not None and found > self.results:
            half = first + (last - first) // 2
            words = self.provider.results_text.format(limit=self.results, first=first, last=half)
            raise RefusedError(self.provider.results_code, words)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a pool; the defaults are geth's."""

    bump_percent: int = 10
    blob_bump_percent: int = 100
    max_bytes: int = 131_072
    max_blob_bytes: int = 1_048_576
    transaction_gas: int = 16_777_216
    """EIP-7825."""
    min_tip_wei: int = 1
    low_tip_words: str = "transaction gas price below minimum"
    """geth's until 2025 were "transaction underpriced", and many nodes still say that."""
    fee_cap_wei: int | None = 10**18
    """What one transaction may cost in fees before the RPC server refuses it, whatever the pool thinks."""
    queued_per_sender: int = 64
    """Transactions behind a gap in the nonces; those beyond are forgotten without a word."""
    pool_size: int = 5_120
    returning: float = 1.0
    """The share of transactions that come back into the pool when a reorg drops them: 1 in geth, 0 in a forgetful node,
    and between the two the seed decides for each."""
    logs: LogLimit = field(default_factory=LogLimit)

    def check_alone(self, tx: SignedTx, block_gas: int) -> None:
        """What is wrong with a transaction whatever the state. Raises `RefusedError`."""
        fees = tx.gas * tx.max_fee
        limit = self.max_blob_bytes if tx.kind == BLOB else self.max_bytes
        if self.fee_cap_wei is not None and fees > self.fee_cap_wei:
            cap = self.fee_cap_wei / 10**18
            raise RefusedError(
                REFUSED, f"tx fee ({fees / 10**18:.2f} ether) exceeds the configured cap ({cap:.2f} ether)"
            )
        if not tx.protected:
            raise RefusedError(REFUSED, "only replay-protected (EIP-155) transactions allowed over RPC")
        if tx.size > limit:
            raise RefusedError(REFUSED, f"oversized data: transaction size {tx.size}, limit {limit}")
        if tx.gas > self.transaction_gas:
            raise RefusedError(REFUSED, f"transaction gas limit too high (cap: {self.transaction_gas}, tx: {tx.gas})")
        if tx.gas > block_gas:
            raise RefusedError(REFUSED, "exceeds block gas limit")
        if tx.tip > tx.max_fee:
            raise RefusedError(REFUSED, "max priority fee per gas higher than max fee per gas")
        if tx.tip < self.min_tip_wei:
            raise RefusedError(
                REFUSED, f"{self.low_tip_words}: gas tip cap {tx.tip}, minimum needed {self.min_tip_wei}"
            )

    def check_replacement(self, old: SignedTx, new: SignedTx) -> None:
        """Whether a transaction pays enough more than the one in its place. Raises `RefusedError`."""
        if (old.kind == BLOB) != (new.kind == BLOB):
            raise RefusedError(REFUSED, "address already reserved")
        percent = self.blob_bump_percent if new.kind == BLOB else self.bump_percent
        pairs = [(old.max_fee, new.max_fee), (old.tip, new.tip)]
        if new.kind == BLOB:
            pairs.append((old.blob_fee, new.blob_fee))
        # Two conditions, as in geth: ten per cent of one wei is nothing.
        if any(after <= before or after < before * (100 + percent) // 100 for before, after in pairs):
            raise RefusedError(REFUSED, "replacement transaction underpriced")
