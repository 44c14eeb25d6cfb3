"""What the caller believes: a node, the chain that it is on, and the ledger there. None of it comes from a server."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.chain.contract import Contract
from bridge.chain.preset import preset_of
from bridge.chain.rpc import Rpc
from bridge.core.finality import Finality
from bridge.core.word import Address, parse_address


@dataclass(frozen=True, slots=True)
class Anchor:
    """Make one with `open`."""

    rpc: Rpc
    ledger: Contract
    final_depth: int | None
    """Blocks after which a block is taken for final; None: the chain says so itself, by its tag."""

    @classmethod
    def open(cls, rpc_url: str, chain_id: int, ledger: Address, *, final_depth: int | None = None) -> Anchor:
        """A node of the caller's. Without `final_depth` it is that of the chain's preset.

        Raises `RpcUnreachable`, `WrongChain`, and ValueError where `ledger` is no address.
        """
        rpc = Rpc(rpc_url, chain_id)
        depth = preset_of(chain_id).finality_depth if final_depth is None else final_depth
        return cls(rpc, Contract(rpc, "InferenceLedger", parse_address(ledger)), depth)

    @property
    def registry(self) -> Contract:
        """The registry, as the ledger names it."""
        (address,) = self.ledger.read("registry")
        return Contract(self.rpc, "ModelRegistry", parse_address(address))

    def finality(self, number: int) -> Finality:
        """How sure a block is, by the chain. Where a node knows no tag, nothing is sure by it."""
        final = self._tagged("finalized") if self.final_depth is None else self.rpc.block_number() - self.final_depth
        if number <= final:
            return Finality.FINAL
        return Finality.SAFE if number <= self._tagged("safe") else Finality.MINED

    def _tagged(self, tag: str) -> int:
        block = self.rpc.block(tag)
        return -1 if block is None else block.number
