"""The contracts that stand once on every chain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eth_utils import to_checksum_address

from bridge.chain.transaction import Wallet
from bridge.core.progress import Progress, silent
from bridge.core.word import Address, to_bytes
from bridge.deploy.book import Book, Deployment, read_book, source_name, write_book, write_source
from bridge.deploy.create2 import deployment_of, place
from bridge.errors import ChainTooOld
from bridge.solidity import evm
from bridge.solidity.abi import Abi
from bridge.solidity.contracts import ADAPTERS, CORE, compile_core


@dataclass(frozen=True, slots=True)
class CoreDeployment:
    """The book after deploying, and which contracts were new."""

    book: Book
    new: tuple[str, ...]
    gas_used: int


NOBODY = Address("0x0000000000000000000000000000000000000000")


def deploy_core(
    wallet: Wallet, folder: Path, *, guardian: Address | None = None, progress: Progress = silent
) -> CoreDeployment:
    """Put the core contracts on the wallet's chain; what stands already is found, not sent again.

    `guardian` may stop the verifiers, one way. Without one it is that of the book, or `NOBODY` in a new book; with nobody the
    addresses are the same for everyone.
    The book is written after each contract, so an interrupted run goes on where it stopped. Raises members of
    `SolidityError`, `ChainError`, `DeployError` and `StorageError`.
    """
    artifacts = compile_core(progress)
    book = read_book(folder, wallet.rpc.chain_id)
    if not wallet.rpc.runs(evm.PROBE):
        raise ChainTooOld(chain_id=wallet.rpc.chain_id, evm=evm.CORE)
    guardian = _guardian_of(book) if guardian is None else guardian
    new, gas_used = [], 0
    addresses: dict[str, Address] = {}
    for name in CORE:
        artifact = artifacts[name]
        progress(f"deploying {name}")
        arguments = Abi(artifact.abi).constructor(*_arguments(name, addresses, guardian))
        placed = place(wallet, name, artifact.creation + arguments, artifact.runtime)
        addresses[name] = placed.address
        known = book.contracts.get(name)
        if known is None or known.address != placed.address or placed.receipt is not None or _is_of_old(known, wallet):
            source = write_source(folder, book.chain_id, source_name(artifact), artifact.standard_json)
            line = deployment_of(wallet.rpc, placed, source, solc=artifact.solc, evm=artifact.evm, arguments=arguments)
            book = book.with_contract(name, line)
            write_book(folder, book)
        if placed.receipt is not None:
            new.append(name)
            gas_used += placed.receipt.gas_used
    return CoreDeployment(book, tuple(new), gas_used)


def guardian_in(adapter: Deployment) -> Address:
    """The last argument that an adapter was constructed with. Raises ValueError where a book holds no such argument."""
    return Address(to_checksum_address(to_bytes(adapter.constructor_arguments)[-20:]))


def _guardian_of(book: Book) -> Address:
    known = book.contracts.get("EzklVerifier")
    return NOBODY if known is None or known.constructor_arguments == "0x" else guardian_in(known)


def _is_of_old(known: Deployment, wallet: Wallet) -> bool:
    """Whether a line is of a local chain that was reset since: its block would hide the events before it."""
    if not wallet.preset.is_local or known.tx_hash is None:
        return False
    receipt = wallet.rpc.receipt(known.tx_hash)
    return receipt is None or receipt.block_number != known.block_number


def _arguments(name: str, addresses: dict[str, Address], guardian: Address) -> tuple[object, ...]:
    """Each contract is given the ones it stands on."""
    match name:
        case _ if name in ADAPTERS:
            return (addresses["ModelRegistry"], guardian)
        case "InferenceLedger":
            return (addresses["ModelRegistry"], [addresses[adapter] for adapter in ADAPTERS])
        case "InferenceIndex" | "InferenceDesk":
            return (addresses["InferenceLedger"],)
        case _:
            return ()
