"""A deployment compared with its chain: nothing in the book is believed.

Three facts hold each contract: the code on the chain has the hash that the book says; the kept source compiles to creation
code whose CREATE2 address is the contract's own, which binds code and constructor arguments; and outside the immutables the
code on the chain is the compiled one, so that a node that lies must lie in every answer. What remains is who may do what,
and whether the contracts point at each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils import is_checksum_address, to_checksum_address

from bridge.chain.contract import Contract
from bridge.chain.rpc import Rpc
from bridge.core.commitment import ModelCommitment, circuit_hash, reusable_key_hash
from bridge.core.progress import Progress, silent
from bridge.core.word import Address, Hex32, hex32, hex_bytes, keccak256, parse_hex32
from bridge.deploy.book import Book, Deployment, ModelEntry
from bridge.deploy.core import guardian_in
from bridge.deploy.create2 import stood_before
from bridge.deploy.source import Placement, placements, rebuild, verifier_name
from bridge.errors import ContractReverted, DeploymentDiffers, NotDeployed, RpcFailed, SourceDiffers
from bridge.solidity.contracts import ADAPTERS, CORE

_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Wire:
    """A getter of one contract that must answer with the address of another."""

    contract: str
    getter: str
    target: str
    by_proof_system: bool = False
    """Whether the getter is asked for the proof system of the target."""


_WIRING = (
    *(Wire(adapter, "registry", "ModelRegistry") for adapter in ADAPTERS),
    Wire("InferenceLedger", "registry", "ModelRegistry"),
    *(Wire("InferenceLedger", "verifierOf", adapter, by_proof_system=True) for adapter in ADAPTERS),
    Wire("InferenceIndex", "ledger", "InferenceLedger"),
    Wire("InferenceDesk", "ledger", "InferenceLedger"),
)
"""Those of contracts that this version deploys, with a getter that they have, are checked."""


@dataclass(frozen=True, slots=True)
class Check:
    """One row: what was expected and what was found."""

    contract: str
    what: str
    expected: str | None
    """None where the row only reports."""
    got: str

    @property
    def ok(self) -> bool:
        """Whether the chain agrees."""
        return self.expected is None or self.expected == self.got


@dataclass(frozen=True, slots=True)
class Verification:
    """Every check of one deployment."""

    chain_id: int
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)

    @property
    def difference(self) -> DeploymentDiffers | None:
        """The checks that fail, as an error, or None."""
        differences = tuple(
            (f"{check.contract}, {check.what}", f"expected {check.expected}, got {check.got}")
            for check in self.checks
            if not check.ok
        )
        if not differences:
            return None
        return DeploymentDiffers(chain_id=self.chain_id, checks=len(self.checks), differences=differences)

    def require(self) -> None:
        """Raises `DeploymentDiffers` where a check fails."""
        if (error := self.difference) is not None:
            raise error


def verify_deployment(rpc: Rpc, folder: Path, book: Book, progress: Progress = silent) -> Verification:
    """Compare everything that a book says with the chain and with the sources that were kept.

    What differs or is missing is a row. Raises `NotDeployed` where nothing of the book stands on the chain,
    `DeploymentBookCorrupt`, `SolcMissing`, `RpcUnreachable`, `RpcFailed`.
    """
    listed = placements(folder, book)
    codes = {placement.name: _code(rpc, placement.line.address) for placement in listed}
    if not any(codes.values()):
        raise NotDeployed(thing="what the book lists", chain_id=rpc.chain_id, command="proofbridge deploy core")
    checks: list[Check] = []
    for placement in listed:
        progress(f"checking {placement.name}")
        checks += _placed(rpc, folder, placement, codes[placement.name], progress)
    progress("checking who points at whom")
    contracts = {
        name: Contract(rpc, name, line.address)
        for name, line in book.contracts.items()
        if name in CORE and is_checksum_address(line.address)
    }
    checks += [Check(name, "address", "one in the book", _NOTHING) for name in CORE if name not in contracts]
    checks += _wired(contracts)
    checks += (_guarded(contracts[name], book.contracts[name]) for name in ADAPTERS if name in contracts)
    for entry in book.models.values():
        progress(f"checking model {entry.model_id}")
        checks += _listed(entry, codes[verifier_name(entry.model_id)], contracts)
    return Verification(rpc.chain_id, tuple(checks))


def _placed(rpc: Rpc, folder: Path, placement: Placement, code: bytes, progress: Progress) -> Iterator[Check]:
    """What stands at an address, how it got there, and from which source."""
    name, line = placement.name, placement.line
    yield Check(name, "code hash", line.code_hash, _hash(code))
    yield _dated(rpc, name, line)
    try:
        rebuilt = rebuild(folder, placement, progress)
    except SourceDiffers as error:
        yield Check(name, "address of the source", line.address, error.reason)
        return
    artifact = rebuilt.artifact
    yield Check(name, "address of the source", line.address, rebuilt.address)
    yield Check(name, "initcode hash", line.initcode_hash, hex32(keccak256(rebuilt.initcode)))
    yield Check(name, "code but for immutables", artifact.runtime_hash, _hash(artifact.without_immutables(code)))
    yield Check(name, "compiler", f"solc {line.solc}, {line.evm}", f"solc {artifact.solc}, {artifact.evm}")


def _wired(contracts: dict[str, Contract]) -> Iterator[Check]:
    """Who points at whom."""
    for wire in _WIRING:
        if wire.contract not in contracts or wire.target not in contracts:
            continue
        contract, target = contracts[wire.contract], contracts[wire.target]
        if not _has(contract, wire.getter):
            continue
        label = f"{wire.getter}({wire.target})" if wire.by_proof_system else f"{wire.getter}()"
        try:
            arguments = _read(target, "proofSystemId") if wire.by_proof_system else ()
            got = _address(_read(contract, wire.getter, *arguments)[0])
        except _UnreadableError as error:
            got = str(error)
        yield Check(wire.contract, label, target.address, got)


def _guarded(adapter: Contract, line: Deployment) -> Check:
    """Who may stop a verifier: whom its constructor was given, and so whom its address holds."""
    try:
        expected = _address(guardian_in(line))
    except ValueError:
        expected = "an address in its constructor arguments"
    try:
        got = _address(_read(adapter, "guardian")[0])
    except _UnreadableError as error:
        got = str(error)
    return Check(adapter.name, "guardian()", expected, got)


def _listed(entry: ModelEntry, code: bytes, contracts: dict[str, Contract]) -> Iterator[Check]:
    """What the registry and the adapter say of a model. What they cannot be asked is missing, and that is a row already."""
    name, number = verifier_name(entry.model_id), int(entry.model_id, 16)
    if "ModelRegistry" in contracts:
        try:
            words, deprecated, owner = _read(contracts["ModelRegistry"], "getModel", number)
        except _UnreadableError as error:
            yield Check(name, "registered", entry.model_id, str(error))
        else:
            said = ModelCommitment(hex32(words[0]), hex32(words[1]), hex32(words[2]), hex_bytes(words[3]))
            yield Check(name, "registered", entry.model_id, said.model_id)
            yield Check(name, "vkHash of the listing", _key_hash(entry, code), said.vk_hash)
            yield Check(name, "circuitHash of the listing", _circuit(entry), said.circuit_hash)
            yield Check(name, "owner of the listing", None, _address(owner))
            yield Check(name, "deprecated", None, "yes" if deprecated else "no")
    adapter = "EzklVerifier" if entry.vka_digest is None else "EzklReusableVerifier"
    if adapter in contracts:
        try:
            bound, *_ = _read(contracts[adapter], "bindingOf", number)
            got = _address(bound)
        except _UnreadableError as error:
            got = str(error)
        yield Check(name, f"bindingOf({adapter})", entry.verifier.address, got)


class _UnreadableError(Exception):
    """A getter without a usable answer, and why."""


def _read(contract: Contract, function: str, *arguments: Any) -> tuple[Any, ...]:
    """A getter's answer. A contract's own refusal or nonsense is a finding; a node's failure is raised."""
    try:
        return contract.read(function, *arguments)
    except ContractReverted as error:
        raise _UnreadableError(error.error) from None
    except NotDeployed:
        raise _UnreadableError(_NOTHING) from None
    except RpcFailed as error:
        if error.method != f"{contract.name}.{function}":
            raise
        raise _UnreadableError("an answer that is not its ABI's") from None


def _has(contract: Contract, getter: str) -> bool:
    return any(entry["type"] == "function" and entry["name"] == getter for entry in contract.abi.entries)


def _code(rpc: Rpc, address: Address) -> bytes:
    return rpc.code(address) if is_checksum_address(address) else b""


def _hash(code: bytes) -> str:
    return hex32(keccak256(code)) if code else _NOTHING


def _key_hash(entry: ModelEntry, code: bytes) -> str:
    """The `vkHash` of a model that is checked by this code, with the artifact that the book names."""
    if entry.vka_digest is None or not code:
        return _hash(code)
    try:
        return reusable_key_hash(hex32(keccak256(code)), parse_hex32(entry.vka_digest))
    except ValueError:
        return "an artifact's digest in the book"


def _dated(rpc: Rpc, name: str, line: Deployment) -> Check:
    """That the contract did not stand before the block of its line: whoever reads its events from there misses none."""
    what, told = "deployed in block", str(line.block_number)
    if line.tx_hash is not None:
        return Check(name, what, told, _mined_in(rpc, line.tx_hash))
    before = stood_before(rpc, line.address, line.block_number) if is_checksum_address(line.address) else None
    if before is None:
        return Check(name, what, None, f"{told} by the book; the node does not keep what stood there before")
    return Check(name, what, told, "an earlier one" if before else told)


def _mined_in(rpc: Rpc, tx_hash: Hex32) -> str:
    try:
        receipt = rpc.receipt(parse_hex32(tx_hash))
    except ValueError:
        return _NOTHING
    return str(receipt.block_number) if receipt is not None and receipt.succeeded else _NOTHING


def _circuit(entry: ModelEntry) -> str:
    try:
        return circuit_hash(entry.circuit)
    except ValueError:
        return "a circuit that can be hashed"


def _address(value: str) -> str:
    return str(to_checksum_address(value)) if int(value, 16) else _NOTHING
