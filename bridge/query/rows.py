"""Events to rows: pure, and in the order of the chain, because later events are read by what earlier ones said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from eth_utils import to_checksum_address
from sqlalchemy import Table

from bridge.chain.block import Header
from bridge.chain.stretch import Happening
from bridge.core import field as fixed_point
from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import circuit_of
from bridge.core.grade import Grade
from bridge.core.tensor import CircuitTensor
from bridge.core.word import WORD_BYTES, Address, Hex32, hex32, hex_bytes, keccak256, to_bytes
from bridge.database import index as tables
from bridge.errors import EventMalformed
from bridge.query.disclosure import disclosed_input, disclosed_rows
from bridge.query.events import Events, Verified
from bridge.query.known import Known, circuit_text
from bridge.solidity.abi import Event, contract_abi

Row = tuple[Any, ...]

_STORING = frozenset(
    contract_abi("InferenceLedger").selector(name) for name in ("verifyAndStoreInference", "storeFromBatch")
)
"""Functions of the ledger that emit InferenceVerified only where they write a record."""
_STEPS = {
    "Claimed": ("claimed", "claimer"),
    "Fulfilled": ("fulfilled", "claimer"),
    "Refunded": ("refunded", "bondTo"),
    "CallbackSucceeded": ("told", "callback"),
    "CallbackFailed": ("untold", "callback"),
}
"""The kind of a step, and whose account its event names."""


@dataclass(frozen=True, slots=True)
class Verification:
    """One time that something was verified, as the table has it but for what only the tables and the state know."""

    header: Header
    log_index: int
    row: int
    """Of a batch, the first is 1; 0 where it is none."""
    inference_id: Hex32
    model_id: Hex32
    input_commitment: Hex32
    output: bytes
    outputs: tuple[float, ...] | None
    inputs: tuple[float, ...] | None
    grade: Grade
    caller: Address | None
    """None where only the record of the batch tells."""
    submitter: Address
    tx_hash: Hex32
    gas_used: int
    root: Hex32 | None


@dataclass(slots=True)
class Page:
    """What a stretch of the chain adds to the tables."""

    rows: dict[Table, list[Row]] = field(default_factory=dict)
    verifications: list[Verification] = field(default_factory=list)
    stored: list[bool | None] = field(default_factory=list)
    """Of each of those whether the ledger wrote its record in its block; None where only the state tells."""

    def add(self, table: Table, *row: Any) -> None:
        """One row more."""
        self.rows.setdefault(table, []).append(row)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the events of one chain."""

    chain_id: int
    events: Events
    tag: Hex32
    """The domain of input commitments."""

    def page(self, happenings: Iterable[Happening], known: Known) -> Page:
        """What the events add; `known` grows with them. Raises `EventMalformed`."""
        page = Page()
        for happening in happenings:
            event = self.events.read(happening.log)
            try:
                if isinstance(event, Verified):
                    page.verifications.append(self._verified(happening, event, known))
                    page.stored.append(self._stored(happening, event))
                else:
                    self._said(page, happening, event, known)
            except (ValueError, KeyError) as error:
                log = happening.log
                raise EventMalformed(block=log.block_number, log_index=log.index, reason=str(error)[:200]) from None
        return page

    def _verified(self, happening: Happening, told: Verified, known: Known) -> Verification:
        circuit = known.circuits.get(told.model_id)
        identity = keccak256(to_bytes(told.model_id) + to_bytes(told.input_commitment) + told.output)
        return Verification(
            header=happening.header,
            log_index=happening.log.index,
            row=0,
            inference_id=hex32(identity),
            model_id=told.model_id,
            input_commitment=told.input_commitment,
            output=told.output,
            outputs=None if circuit is None else _outputs(circuit, told.output),
            inputs=None if circuit is None else self._inputs(circuit, happening.sent.input, told),
            grade=known.grade(told.model_id),
            caller=checksummed(told.caller),
            submitter=checksummed(happening.sent.sender),
            tx_hash=happening.sent.tx_hash,
            gas_used=happening.gas_used,
            root=None,
        )

    def _inputs(self, circuit: Circuit, calldata: bytes, told: Verified) -> tuple[float, ...] | None:
        if circuit.input_visibility is not Visibility.PUBLIC:
            return None
        whole = len(told.output) == circuit.output_instances * WORD_BYTES
        chosen = circuit if whole else circuit.row
        found = disclosed_input(
            calldata, told.output, chosen.input_instances, to_bytes(self.tag), told.input_commitment
        )
        return None if found is None else _numbers(chosen.inputs, found)

    def _stored(self, happening: Happening, told: Verified) -> bool | None:
        """Whether the ledger wrote its record, where the call itself tells."""
        if happening.sent.to == self.events.ledger:
            return happening.sent.input[:4] in _STORING
        return True if told.caller == self.events.desk else None  # which asks the ledger for records only

    def _batch(self, page: Page, happening: Happening, told: Mapping[str, Any], known: Known) -> None:
        root, model_id = hex32(told["root"]), hex32(told["modelId"])
        circuit, grade = known.circuits.get(model_id), known.grade(model_id)
        sent, log = happening.sent, happening.log
        opened = None
        if circuit is not None and circuit.rows == told["rows"]:
            opened = disclosed_rows(sent.input, model_id, circuit, self.tag, root)
        page.add(
            tables.batches,
            *(self.chain_id, root, log.block_number, log.index),
            *(model_id, told["rows"], sent.tx_hash, opened is not None),
        )
        if circuit is None or opened is None:
            return
        submitter, row = checksummed(sent.sender), circuit.row
        page.stored += [False] * len(opened)
        page.verifications += [
            Verification(
                header=happening.header,
                log_index=log.index,
                row=number,
                inference_id=disclosed.told.inference_id,
                model_id=model_id,
                input_commitment=disclosed.told.input_commitment,
                output=to_bytes(disclosed.told.output),
                outputs=_numbers(row.outputs, to_bytes(disclosed.told.output)),
                inputs=_numbers(row.inputs, disclosed.input),
                grade=grade,
                caller=submitter if sent.to == self.events.ledger else None,
                submitter=submitter,
                tx_hash=sent.tx_hash,
                gas_used=happening.gas_used,
                root=root,
            )
            for number, disclosed in enumerate(opened, start=1)
        ]

    def _said(self, page: Page, happening: Happening, event: Event, known: Known) -> None:
        """Any other event: first those that later ones are read by."""
        told = event.arguments
        match event.name:
            case "ProofSystemRouted":
                self._routed(page, happening, told, known)
            case "ModelRegistered":
                self._registered(page, happening, told, known)
            case "ModelBound":
                self._bound(page, happening, told, known)
            case "BatchStored":
                self._batch(page, happening, told, known)
            case "Requested":
                self._requested(page, happening, told)
            case name if name in _STEPS:
                self._stepped(page, happening, name, told)
            case name:
                self._changed(page, happening, name, told)

    def _changed(self, page: Page, happening: Happening, name: str, told: Mapping[str, Any]) -> None:
        """What became of a model, a line or an adapter."""
        log = happening.log
        key = (self.chain_id, log.block_number, log.index)
        model_id, line_id = (hex32(told[whose]) if whose in told else None for whose in ("modelId", "lineId"))
        match name:
            case "ModelUpdated":
                page.add(tables.model_changes, *key, model_id, "uri", _text(told["newCommitment"][4]))
            case "ModelDeprecated":
                page.add(tables.model_changes, *key, model_id, "deprecated", "")
            case "ModelTransferred":
                page.add(tables.model_changes, *key, model_id, "transferred", checksummed(told["newOwner"]))
            case "ModelStopped":
                page.add(tables.model_changes, *key, model_id, "stopped", checksummed(log.address))
            case "VerifierStopped":
                page.add(tables.stops, *key, checksummed(log.address))
            case "LineCreated":
                place = (log.block_number, log.index)
                page.add(tables.lines, self.chain_id, line_id, *place, checksummed(told["owner"]), _text(told["name"]))
            case "LineTransferred":
                page.add(tables.line_changes, *key, line_id, "transferred", checksummed(told["newOwner"]))
            case "VersionAppended":
                page.add(tables.versions, *key, line_id, model_id, told["version"])

    def _routed(self, page: Page, happening: Happening, told: Mapping[str, Any], known: Known) -> None:
        log = happening.log
        system, grade = hex_bytes(told["proofSystemId"]), Grade(told["grade"])
        known.grades[system] = grade
        place = (self.chain_id, log.block_number, log.index)
        page.add(tables.routes, *place, system, checksummed(told["verifier"]), int(grade))

    def _stepped(self, page: Page, happening: Happening, name: str, told: Mapping[str, Any]) -> None:
        kind, whose = _STEPS[name]
        log, identity = happening.log, told.get("inferenceId")
        page.add(
            tables.request_steps,
            *(self.chain_id, log.block_number, log.index, hex32(told["requestId"]), kind, checksummed(told[whose])),
            *(None if identity is None else hex32(identity), told.get("end")),
            *(happening.header.timestamp, happening.sent.tx_hash),
        )

    def _registered(self, page: Page, happening: Happening, told: Mapping[str, Any], known: Known) -> None:
        model_id, log = hex32(told["modelId"]), happening.log
        model_hash, circuit_hash, vk_hash, proof_system, uri = told["commitment"]
        system = hex_bytes(proof_system)
        known.systems[model_id] = system
        page.add(
            tables.models,
            *(self.chain_id, model_id, log.block_number, log.index, checksummed(told["owner"])),
            *(hex32(model_hash), hex32(circuit_hash), hex32(vk_hash), system, _text(uri), happening.sent.tx_hash),
        )

    def _bound(self, page: Page, happening: Happening, told: Mapping[str, Any], known: Known) -> None:
        model_id, circuit = hex32(told["modelId"]), circuit_of(told["circuit"])
        known.circuits[model_id] = circuit
        log = happening.log
        adapter, verifier = checksummed(log.address), told.get("verifier")
        page.add(
            tables.bindings,
            *(self.chain_id, log.block_number, log.index, model_id, adapter),
            *(None if verifier is None else checksummed(verifier), circuit_text(circuit)),
        )

    def _requested(self, page: Page, happening: Happening, told: Mapping[str, Any]) -> None:
        log = happening.log
        model_id, commitment, callback, gas, deadline, seconds, token, fee, bond = told["order"]
        page.add(
            tables.requests,
            *(self.chain_id, hex32(told["requestId"]), log.block_number, log.index, checksummed(told["requester"])),
            *(hex32(model_id), hex32(commitment), told["input"], checksummed(callback), gas, deadline, seconds),
            *(checksummed(token), str(fee), str(bond), happening.header.timestamp, happening.sent.tx_hash),
        )


@lru_cache(maxsize=2**16)
def checksummed(address: str) -> Address:
    """An address as the tables have it."""
    return Address(to_checksum_address(address))


def numbers_text(numbers: tuple[float, ...] | None) -> str | None:
    """Numbers as the tables have them."""
    return None if numbers is None else orjson.dumps(numbers).decode()


def _outputs(circuit: Circuit, output: bytes) -> tuple[float, ...] | None:
    """An output as numbers; that of a batch model is one row's, or that of all rows as one statement."""
    whole = len(output) == circuit.output_instances * WORD_BYTES
    return _numbers((circuit if whole else circuit.row).outputs, output)


def _numbers(tensors: tuple[CircuitTensor, ...], words: bytes) -> tuple[float, ...] | None:
    """Words as numbers; None where they are not those of the tensors."""
    scales = [scale for tensor in tensors for scale in (tensor.scale,) * tensor.elements]
    if len(words) != WORD_BYTES * len(scales):
        return None
    given = [int.from_bytes(words[at : at + WORD_BYTES], "big") for at in range(0, len(words), WORD_BYTES)]
    try:
        return tuple(map(fixed_point.to_number, given, scales))
    except ValueError:
        return None


def _text(text: str) -> str:
    """A text as every database takes it: PostgreSQL has no NUL."""
    return text.replace("\x00", "\ufffd")
