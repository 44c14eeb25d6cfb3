"""An open connection: a chain, a node that was checked to be on it, and the folder that keeps its book."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path

from bridge.chain.account import UNLOCKED, Signer, open_signer
from bridge.chain.contract import CoreContracts
from bridge.chain.preset import GWEI, Preset, preset, preset_of
from bridge.chain.rpc import Rpc
from bridge.chain.transaction import Wallet
from bridge.deploy.book import Book, read_book
from bridge.errors import AccountMissing, OptionInvalid

DEPLOYMENTS = Path("deployments")


def _no_password() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Connection:
    """Make one with `connect`."""

    rpc: Rpc
    preset: Preset
    deployments: Path
    account: str | None = field(repr=False)
    """It may hold a URL with a password."""
    password: Callable[[], str]
    max_fee_wei: int
    url: str = field(default="", repr=False)
    """Of the node; it may hold a key."""

    def book(self) -> Book:
        """What is deployed on the chain. Raises `DeploymentBookCorrupt`."""
        return read_book(self.deployments, self.rpc.chain_id)

    def core(self) -> CoreContracts:
        """The core contracts. Raises `NotDeployed`."""
        return self.book().core(self.rpc)

    def wallet(self) -> Wallet:
        """The account that pays; on a local chain the node's first one unless another was named.

        Raises members of `AccountError`.
        """
        spec = self.account or (UNLOCKED if self.preset.is_local else None)
        if spec is None:
            raise AccountMissing(name="(none given)", known=())
        return Wallet(self.rpc, self.signer(spec), self.preset, self.max_fee_wei)

    def signer(self, spec: str) -> Signer:
        """What signs for an account of this chain. Raises members of `AccountError`."""
        return open_signer(spec, self.password, is_local=self.preset.is_local, unlocked=self.rpc.accounts)


def connect(
    chain: str | None = None,
    *,
    rpc: str | None = None,
    chain_id: int | None = None,
    account: str | None = None,
    password: Callable[[], str] = _no_password,
    max_fee_gwei: float | None = None,
    deployments: Path = DEPLOYMENTS,
) -> Connection:
    """Connect by preset name, by URL, or both; without either, to the local chain on its usual port.

    `account` is what `open_signer` takes: a keystore's name, `env:VARIABLE`, `unlocked`, or a signer elsewhere. Raises `ChainUnknown`, `OptionInvalid`, `RpcUnreachable`,
    `WrongChain`.
    """
    if chain is None and rpc is None:
        chain = "anvil"
    known = preset(chain, chain_id) if chain is not None else None
    url = rpc or (known.rpc_url if known else None)
    if url is None:
        raise OptionInvalid(option="--rpc", got="nothing", expected=f"the URL of a node of {chain}")
    node = Rpc(url, known.chain_id if known else chain_id)
    chosen = known or preset_of(node.chain_id)
    if chosen.chain_id is None:
        chosen = replace(chosen, chain_id=node.chain_id)
    return Connection(node, chosen, deployments, account, password, _cap(chosen, max_fee_gwei), url)


def _cap(chosen: Preset, max_fee_gwei: float | None) -> int:
    if max_fee_gwei is None:
        return chosen.max_fee_wei
    if not (isfinite(max_fee_gwei) and max_fee_gwei >= 0):
        raise OptionInvalid(option="--max-fee-gwei", got=f"{max_fee_gwei:g}", expected="a number of gwei")
    return int(max_fee_gwei * GWEI)
