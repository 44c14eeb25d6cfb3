"""deployments/<chainId>.json: what stands where, how it got there, and from which source."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bridge.chain.contract import Contract, CoreContracts
from bridge.chain.rpc import Rpc
from bridge.core.circuit import Circuit
from bridge.core.storage import write_atomic
from bridge.core.word import Address, Hex32, HexBytes, keccak256
from bridge.errors import DeploymentBookCorrupt, NotDeployed
from bridge.solidity.artifact import Artifact
from bridge.solidity.contracts import CORE

_NO_ARGUMENTS = HexBytes("0x")


@dataclass(frozen=True, slots=True)
class Deployment:
    """One contract on one chain."""

    address: Address
    tx_hash: Hex32 | None
    """None where the contract stood there before we came."""
    block_number: int
    """Block of the deployment, or one before which it is known to stand."""
    salt: Hex32
    initcode_hash: Hex32
    code_hash: Hex32
    solc: str
    evm: str
    standard_json: str
    """Path of the compiler's input, relative to the book."""
    constructor_arguments: HexBytes = _NO_ARGUMENTS
    """What follows the compiled creation code in the initcode."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One registered model and its verifier."""

    model_id: Hex32
    name: str
    circuit: Circuit
    verifier: Deployment
    metadata: Deployment | None = None
    """Its ERC-8084 metadata, where its owner wanted them on the chain."""
    vka_digest: Hex32 | None = None
    """keccak256 of the artifact that makes its verifier check this circuit; None where the verifier is its own."""


@dataclass(frozen=True, slots=True)
class Book:
    """Everything deployed on one chain."""

    chain_id: int
    contracts: dict[str, Deployment] = field(default_factory=dict)
    models: dict[str, ModelEntry] = field(default_factory=dict)
    """By model id."""

    def contract(self, name: str) -> Deployment:
        """A core contract. Raises `NotDeployed`."""
        if name not in self.contracts:
            raise NotDeployed(thing=name, chain_id=self.chain_id, command="proofbridge deploy core")
        return self.contracts[name]

    def core(self, rpc: Rpc) -> CoreContracts:
        """The core contracts, ready to be called. Raises `NotDeployed`."""
        contracts = [Contract(rpc, name, self.contract(name).address) for name in CORE]
        return CoreContracts(min(deployment.block_number for deployment in self.contracts.values()), *contracts)

    def with_contract(self, name: str, deployment: Deployment) -> Book:
        """The book with one more line."""
        return replace(self, contracts={**self.contracts, name: deployment})

    def with_model(self, entry: ModelEntry) -> Book:
        """The book with one more line."""
        return replace(self, models={**self.models, entry.model_id: entry})

    def find_model(self, text: str) -> ModelEntry | None:
        """A model by id, by the start of its id (at least 6 digits), or by its name where only one has it."""
        wanted = text.lower()
        by_id = [entry for key, entry in self.models.items() if key == wanted]
        prefix = [entry for key, entry in self.models.items() if len(wanted) >= 8 and key.startswith(wanted)]  # noqa: PLR2004
        named = [entry for entry in self.models.values() if entry.name == text]
        return next((found[0] for found in (by_id, prefix, named) if len(found) == 1), None)


_ADAPTER = TypeAdapter(Book)


def book_path(folder: Path, chain_id: int) -> Path:
    """Where the book of a chain lies."""
    return folder / f"{chain_id}.json"


def read_book(folder: Path, chain_id: int) -> Book:
    """The book of a chain; an empty one where nothing was deployed. Raises `DeploymentBookCorrupt`."""
    path = book_path(folder, chain_id)
    if not path.exists():
        return Book(chain_id)
    try:
        book = _ADAPTER.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc'])) or 'document'}: {first['msg']}"
        raise DeploymentBookCorrupt(path=path, reason=reason) from None
    except OSError as error:
        raise DeploymentBookCorrupt(path=path, reason=error.strerror or str(error)) from None
    if book.chain_id != chain_id:
        raise DeploymentBookCorrupt(path=path, reason=f"it is the book of chain {book.chain_id}")
    return book


def write_book(folder: Path, book: Book) -> None:
    """Write the book whole. Raises `DiskFull`, `NotWritable`."""
    write_atomic(book_path(folder, book.chain_id), _ADAPTER.dump_json(book, indent=2).decode() + "\n")


def write_source(folder: Path, chain_id: int, name: str, standard_json: str) -> str:
    """Keep a compiler input beside the book and return its path relative to it."""
    relative = f"{chain_id}/{name}.input.json"
    write_atomic(folder / relative, standard_json)
    return relative


def source_name(artifact: Artifact) -> str:
    """A file for each version of the sources: a book keeps the lines of an older one."""
    return f"core-{keccak256(artifact.standard_json.encode()).hex()[:12]}"
