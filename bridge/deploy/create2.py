"""Deterministic deployment through the standard factory: the address follows from the code alone (EIP-1014)."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils import to_checksum_address

from bridge.chain.answer import Receipt
from bridge.chain.contract import core_abis
from bridge.chain.rpc import Rpc
from bridge.chain.transaction import Wallet
from bridge.core.word import Address, Hex32, hex32, hex_bytes, keccak256, to_bytes
from bridge.deploy.book import Deployment
from bridge.errors import CreationFailed, FactoryMissing, RpcFailed

FACTORY = Address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
"""Arachnid's deterministic deployment proxy; calldata is salt followed by creation code."""

SALT = hex32(0)
"""The same for everything: different code gives a different address anyway."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A contract at its address. `receipt` is None where it stood there before."""

    address: Address
    receipt: Receipt | None
    initcode_hash: Hex32
    code_hash: Hex32


def address_of(initcode: bytes, salt: Hex32 = SALT) -> Address:
    """The last 20 bytes of keccak256(0xff ++ factory ++ salt ++ keccak256(initcode))."""
    preimage = b"\xff" + to_bytes(FACTORY) + to_bytes(salt) + keccak256(initcode)
    return Address(to_checksum_address(keccak256(preimage)[12:]))


def place(wallet: Wallet, unit: str, initcode: bytes, runtime: bytes) -> Placed:
    """Deploy creation code (constructor arguments included), or find it where it belongs.

    Raises `CodeTooLarge`, `InitcodeTooLarge`, `FactoryMissing`, `CreationFailed` and what `Wallet.execute` raises.
    """
    wallet.preset.limits.check_code(unit, initcode, runtime)
    address = address_of(initcode)
    rpc = wallet.rpc
    code = rpc.code(address)
    receipt = None
    if not code:
        if not rpc.code(FACTORY):
            raise FactoryMissing(address=FACTORY, chain_id=rpc.chain_id)
        receipt = wallet.execute(FACTORY, to_bytes(SALT) + initcode, label=f"deploying {unit}", abis=core_abis())
        code = rpc.code(address)
        if not code:
            raise CreationFailed(unit=unit, address=address)
    return Placed(address, receipt, hex32(keccak256(initcode)), hex32(keccak256(code)))


def standing_since(rpc: Rpc, address: Address) -> int:
    """The block that put code at an address; 0, which is before it, where the node does not keep what tells.

    A node that answers for blocks whose state it dropped would make it later than it is, and events be missed: but then the
    factory, which stood there before, is missing, too. Raises `RpcUnreachable`.
    """
    low, high = 0, rpc.block_number()
    try:
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if rpc.code(address, middle) else (middle + 1, high)
    except RpcFailed:
        return 0
    return low if stood_before(rpc, address, low) is False else 0


def stood_before(rpc: Rpc, address: Address, block: int) -> bool | None:
    """Whether code stood at an address before a block; None where the node does not keep what tells. Raises `RpcUnreachable`.

    A node that dropped the state may answer that nothing stood there: then the factory did not, either.
    """
    if block == 0:
        return False
    before = min(block - 1, rpc.block_number())  # of a block that is not there yet, nodes answer with an error
    try:
        if rpc.code(address, before):
            return True
        return False if rpc.code(FACTORY, before) else None
    except RpcFailed:
        return None


def deployment_of(rpc: Rpc, placed: Placed, source: str, *, solc: str, evm: str, arguments: bytes = b"") -> Deployment:
    """A line for the book. Raises members of `ChainError`."""
    receipt = placed.receipt
    return Deployment(
        address=placed.address,
        tx_hash=receipt.tx_hash if receipt else None,
        block_number=receipt.block_number if receipt else standing_since(rpc, placed.address),
        salt=SALT,
        initcode_hash=placed.initcode_hash,
        code_hash=placed.code_hash,
        solc=solc,
        evm=evm,
        standard_json=source,
        constructor_arguments=hex_bytes(arguments),
    )
