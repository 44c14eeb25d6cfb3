"""The source of everything in a book: recompiled from what was kept, and bundled for the services that publish it.

The book and the files beside it are claims. An address of the standard factory is a hash of the creation code, so a source
is believed where it compiles to creation code of that very address, and for no other reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bridge.core.progress import Progress, silent
from bridge.core.storage import write_atomic
from bridge.core.word import Address, Hex32, HexBytes, hex_bytes, parse_hex32, to_bytes
from bridge.deploy.book import Book, Deployment, book_path
from bridge.deploy.create2 import address_of
from bridge.errors import CompileFailed, DeploymentBookCorrupt, NotDeployed, SourceDiffers
from bridge.solidity import solc
from bridge.solidity.artifact import Artifact
from bridge.solidity.contracts import METADATA
from bridge.solidity.verifier import OWN, REUSABLE, unit_of

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
"""A Solidity identifier: it becomes a file's name too."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One contract of a book, and where in its source it is."""

    name: str
    """The contract's, or `verifier-` or `metadata-` with the first digits of the model's id."""
    line: Deployment
    unit: str
    contract: str

    @property
    def identifier(self) -> str:
        """What explorers call it: source file and contract."""
        return f"{self.unit}:{self.contract}"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A kept source, compiled again."""

    artifact: Artifact
    initcode: bytes
    """With the constructor arguments that the book names."""
    address: Address
    """Where the factory puts that."""


@dataclass(frozen=True, slots=True)
class SourceBundle:
    """Everything that a service needs to verify one contract; each field is proven by the address."""

    chain_id: int
    contract: str
    address: Address
    compiler_version: str
    """With its commit, without a leading v."""
    contract_identifier: str
    constructor_arguments: HexBytes
    creation_transaction_hash: Hex32 | None
    standard_json_input: dict[str, Any]


def placements(folder: Path, book: Book) -> tuple[Placement, ...]:
    """Everything that a book says stands somewhere. Raises `NotDeployed` for an empty one, `DeploymentBookCorrupt`."""
    if not book.contracts:
        raise NotDeployed(thing="proofbridge", chain_id=book.chain_id, command="proofbridge deploy core")
    found = []
    for name, line in book.contracts.items():
        if not _NAME.fullmatch(name):
            raise DeploymentBookCorrupt(path=book_path(folder, book.chain_id), reason=f"no contract is named {name!r}")
        found.append(Placement(name, line, f"src/{name}.sol", name))
    for key, entry in book.models.items():
        try:
            matches = parse_hex32(key) == key == entry.model_id
        except ValueError:
            matches = False
        if not matches:
            raise DeploymentBookCorrupt(path=book_path(folder, book.chain_id), reason=f"no model has the id {key!r}")
        contract = OWN if entry.vka_digest is None else REUSABLE
        found.append(Placement(verifier_name(entry.model_id), entry.verifier, unit_of(contract), contract))
        if entry.metadata is not None:
            found.append(Placement(f"metadata-{key[2:14]}", entry.metadata, f"src/{METADATA}.sol", METADATA))
    return tuple(found)


def verifier_name(model_id: Hex32) -> str:
    """What a model's verifier is called here; its kept input is named the same."""
    return f"verifier-{model_id[2:14]}"


def rebuild(folder: Path, placement: Placement, progress: Progress = silent) -> Rebuilt:
    """Compile what was kept for a contract. Raises `SourceDiffers` where that is impossible, `SolcMissing`.

    Whether it gives the right address is for the caller to see.
    """
    line = placement.line
    try:
        artifact = solc.compile_contract(
            solc.restate(_kept(folder, line.standard_json)), placement.unit, placement.contract, progress
        )
        initcode = artifact.creation + to_bytes(line.constructor_arguments)
        address = address_of(initcode, line.salt)
    except CompileFailed as error:
        raise SourceDiffers(contract=placement.name, address=line.address, reason=error.what) from None
    except OSError as error:
        reason = f"{line.standard_json} cannot be read ({error.strerror or type(error).__name__})"
        raise SourceDiffers(contract=placement.name, address=line.address, reason=reason) from None
    except ValueError as error:
        raise SourceDiffers(contract=placement.name, address=line.address, reason=str(error)) from None
    return Rebuilt(artifact, initcode, address)


def bundle_sources(folder: Path, book: Book, progress: Progress = silent) -> tuple[SourceBundle, ...]:
    """A bundle for each contract of a book. Raises `SourceDiffers` and what `placements` and `rebuild` raise."""
    listed = placements(folder, book)
    version = solc.long_version(progress)
    return tuple(_bundle(folder, book.chain_id, placement, version, progress) for placement in listed)


def write_bundle(out: Path, bundle: SourceBundle) -> Path:
    """One JSON document for each contract. Raises `DiskFull`, `NotWritable`."""
    path = out / f"{bundle.contract}.source.json"
    write_atomic(path, json.dumps(asdict(bundle), indent=2, sort_keys=True) + "\n")
    return path


def _bundle(folder: Path, chain_id: int, placement: Placement, version: str, progress: Progress) -> SourceBundle:
    line = placement.line
    rebuilt = rebuild(folder, placement, progress)
    if rebuilt.address != line.address:
        reason = f"it gives {rebuilt.address}"
        raise SourceDiffers(contract=placement.name, address=line.address, reason=reason)
    return SourceBundle(
        chain_id=chain_id,
        contract=placement.name,
        address=rebuilt.address,
        compiler_version=version,
        contract_identifier=placement.identifier,
        constructor_arguments=hex_bytes(to_bytes(line.constructor_arguments)),
        creation_transaction_hash=line.tx_hash,
        standard_json_input=json.loads(rebuilt.artifact.standard_json),
    )


def _kept(folder: Path, relative: str) -> bytes:
    """A file beside the book. What is published must not come from anywhere else on this machine. Raises ValueError."""
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{relative} does not lie beside the book")
    return path.read_bytes()
