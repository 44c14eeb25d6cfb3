"""The four contracts that stand once on every chain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.chain.transaction import Wallet
from bridge.core.progress import Progress, silent
from bridge.core.word import Address
from bridge.deploy.book import Book, Deployment, read_book, write_book, write_source
from bridge.deploy.create2 import deployment_of, place
from bridge.solidity.abi import Abi
from bridge.solidity.contracts import CORE, compile_core
from bridge.solidity.evm import check_runs


@dataclass(frozen=True, slots=True)
class CoreDeployment:
    """The book after deploying, and which contracts were new."""

    book: Book
    new: tuple[str, ...]
    gas_used: int


def deploy_core(wallet: Wallet, folder: Path, progress: Progress = silent) -> CoreDeployment:
    """Put the core contracts on the wallet's chain; what stands already is found, not sent again.

    The book is written after each contract, so an interrupted run goes on where it stopped. Raises members of
    `SolidityError`, `ChainError`, `DeployError` and `StorageError`.
    """
    evm = wallet.preset.evm
    artifacts = compile_core(evm, progress)
    book = read_book(folder, wallet.rpc.chain_id)
    new, gas_used = [], 0
    addresses: dict[str, Address] = {}
    for name in CORE:
        artifact = artifacts[name]
        check_runs(name, artifact.evm, evm)
        progress(f"deploying {name}")
        arguments = Abi(artifact.abi).constructor(*_arguments(name, addresses))
        placed = place(wallet, name, artifact.creation + arguments, artifact.runtime)
        addresses[name] = placed.address
        known = book.contracts.get(name)
        if known is None or known.address != placed.address or placed.receipt is not None or _is_of_old(known, wallet):
            source = write_source(folder, book.chain_id, "core", artifact.standard_json)
            line = deployment_of(placed, source, solc=artifact.solc, evm=artifact.evm, arguments=arguments)
            book = book.with_contract(name, line)
            write_book(folder, book)
        if placed.receipt is not None:
            new.append(name)
            gas_used += placed.receipt.gas_used
    return CoreDeployment(book, tuple(new), gas_used)


def _is_of_old(known: Deployment, wallet: Wallet) -> bool:
    """Whether a line is of a local chain that was reset since: its block would hide the events before it."""
    if not wallet.preset.is_local or known.tx_hash is None:
        return False
    receipt = wallet.rpc.receipt(known.tx_hash)
    return receipt is None or receipt.block_number != known.block_number


def _arguments(name: str, addresses: dict[str, Address]) -> tuple[object, ...]:
    """Each contract is given the ones it stands on."""
    match name:
        case "EzklVerifier":
            return (addresses["ModelRegistry"],)
        case "InferenceGateway":
            return (addresses["ModelRegistry"], [addresses["EzklVerifier"]])
        case "InferenceLedger":
            return (addresses["InferenceGateway"],)
        case _:
            return ()
