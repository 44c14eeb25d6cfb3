"""The artifact that makes the shared verifier check one circuit: stored on a chain once as code, or carried by every proof."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from eth_utils import to_checksum_address

from bridge.chain.contract import CoreContracts, core_abis
from bridge.chain.transaction import Wallet
from bridge.core.bundle import Bundle
from bridge.core.word import WORD_BYTES, Address, keccak256
from bridge.solidity.limits import Limits

_BYTE_GAS, _ZERO_GAS = 16, 4
"""Of calldata (EIP-2028)."""
_ACCOUNT_GAS = 2_600
"""To read the code of an account for the first time in a transaction (EIP-2929)."""
_HASH_GAS = 6
"""KECCAK256, a word (Ethereum's Yellow Paper, appendix G). Copying costs the same from calldata and from code."""


@dataclass(frozen=True, slots=True)
class Storing:
    """What an artifact costs a chain."""

    size: int
    """In bytes."""
    address: Address | None
    """The contract whose code it is; None where every proof carries it."""
    gas: int | None
    """That storing it took; None where it was not stored now."""
    saving: int
    """Gas that a verification costs less when it is stored."""

    @property
    def pays_back_with(self) -> int | None:
        """The number of the verification with which storing has cost less than carrying."""
        return None if self.gas is None else ceil(self.gas / self.saving)


def stored_at(vka: bytes, core: CoreContracts) -> Address | None:
    """Where an artifact is stored on a chain, if it is."""
    (store,) = core.reusable.read("storeOf", keccak256(vka))
    return Address(to_checksum_address(store)) if int(store, 16) else None


def carried(bundle: Bundle, core: CoreContracts) -> bytes:
    """What must follow a proof of ezkl on a chain: nothing, or the artifact where that is not stored."""
    vka = bundle.vka
    return b"" if not vka or stored_at(vka, core) else vka


def find(vka: bytes, core: CoreContracts) -> Storing:
    """How an artifact stands on a chain; nothing is sent."""
    return Storing(len(vka), stored_at(vka, core), None, saving(vka))


def store(vka: bytes, wallet: Wallet, core: CoreContracts) -> Storing:
    """Store an artifact, or find it; left to the proofs where it is longer than a chain lets code be."""
    found = find(vka, core)
    if found.address is not None or not fits(vka, wallet.preset.limits):
        return found
    data = core.reusable.abi.call("storeVka", vka)
    gas = wallet.execute(core.reusable.address, data, label="storeVka", abis=core_abis()).gas_used
    return replace(found, address=stored_at(vka, core), gas=gas)


def fits(vka: bytes, limits: Limits) -> bool:
    """Whether it can be code, behind the one zero byte that keeps it from being run."""
    return len(vka) < limits.runtime_bytes


def saving(vka: bytes) -> int:
    """Gas that a verification costs less when the artifact is stored: its calldata and its hash, less the reading of code."""
    calldata = sum(_BYTE_GAS if byte else _ZERO_GAS for byte in vka)
    return calldata + _HASH_GAS * (len(vka) // WORD_BYTES) - _ACCOUNT_GAS
