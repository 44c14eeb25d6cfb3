"""An answer held against a chain: everything that it says of the chain is looked up there again, or computed.

Nothing that the server says decides where is looked, except which block and transaction: and what is found there has to be what it
says. What no chain knows (names, when it was asked for, which version of a line) is not checked, and not said to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from bridge.chain.answer import Log
from bridge.client.anchor import Anchor
from bridge.client.record import Inference, Tensor
from bridge.core import field
from bridge.core.batch import is_in
from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import circuit_hash, domain, inference_id, input_commitment, unpacked
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.tensor import CircuitTensor, decode
from bridge.core.word import Address, Hex32, hex32, to_bytes
from bridge.errors import AnswerDiffers, AnswerUnconfirmed, ContractReverted


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a chain says of an answer."""

    inference_id: Hex32
    chain_id: int
    ledger: Address
    grade: Grade
    finality: Finality
    """By the chain, now; the answer said no more than this."""
    block_number: int
    block_hash: Hex32
    checked: tuple[str, ...]
    """The fields of the answer that hold, in the order in which they were looked at."""


def confirm(record: Inference, anchor: Anchor, circuit: Circuit | None = None) -> Confirmation:
    """Check an answer. With the model's circuit, which is held against the registry first, its numbers are checked, too.

    Raises `AnswerDiffers`, `AnswerUnconfirmed`, members of `ChainError`.
    """
    checked = _Checked(record, anchor)
    checked.statement()
    checked.grade()
    log = checked.event()
    checked.transaction(log)
    finality = checked.finality()
    if circuit is not None:
        checked.numbers(circuit)
    return Confirmation(
        inference_id=record.inference_id,
        chain_id=anchor.rpc.chain_id,
        ledger=anchor.ledger.address,
        grade=record.grade,
        finality=finality,
        block_number=log.block_number,
        block_hash=log.block_hash,
        checked=tuple(checked.fields),
    )


class _Checked:
    """One answer on its way through the checks."""

    def __init__(self, record: Inference, anchor: Anchor) -> None:
        self._record = record
        self._anchor = anchor
        self._output = to_bytes(record.output)
        self.fields: list[str] = []

    def statement(self) -> None:
        """What can be computed: whose id it is, and whether it is of the chain and the ledger that the caller means."""
        record, anchor = self._record, self._anchor
        self._same("chain_id", record.chain_id, anchor.rpc.chain_id)
        self._same("event.address", record.event.address, anchor.ledger.address)
        found = inference_id(record.model_id, record.input_commitment, self._output)
        self._same("inference_id", record.inference_id, found)
        if record.batch is not None and not is_in(record.batch.root, record.batch.path, record.inference_id):
            self._differ("batch.path", "a path to the root", "a path to somewhere else")

    def grade(self) -> None:
        """What the ledger holds, and how much stands behind it."""
        record, ledger = self._record, self._anchor.ledger
        told = (int(record.model_id, 16), to_bytes(record.input_commitment), self._output, int(record.grade))
        blocks = {sighting.block_number for sighting in record.sightings}
        if record.recorded:
            ((_, _, block, grade),) = self._held("recordOf", to_bytes(record.inference_id))
            self._same("grade", record.grade.label, Grade(grade).label)
            self._same("sightings", block if block in blocks else "none in the block of the record", block)
            self._affirmed(ledger.read("isVerified", *told), "recorded")
        if record.batch is not None:
            root, path = to_bytes(record.batch.root), [to_bytes(sibling) for sibling in record.batch.path]
            ((_, _, _, grade),) = self._held("batchOf", root)
            self._same("grade", record.grade.label, Grade(grade).label)
            self._affirmed(ledger.read("isVerifiedInBatch", root, path, *told), "batch")
        if not record.recorded and record.batch is None:
            (grade,) = ledger.read("gradeOf", int(record.model_id, 16))
            self._same("grade", record.grade.label, Grade(grade).label)

    def event(self) -> Log:
        """The event that told of it first, found by its block and what it says."""
        record, place, abi = self._record, self._record.event, self._anchor.ledger.abi
        single = abi.topic("InferenceVerified")
        topics: list[str | None] = [single, record.model_id, record.input_commitment]
        if place.topic != single:
            if record.batch is None:
                self._differ("event.topic", place.topic, f"{single}, as it is no row of a batch")
            topics = [abi.topic("BatchStored"), record.batch.root, record.model_id]
        self._same("event.topic", place.topic, topics[0])
        logs = self._anchor.rpc.logs(self._anchor.ledger.address, topics, place.block_number, place.block_number)
        log = next((log for log in logs if log.index == place.log_index), None)
        if log is None:
            self._unconfirmed(f"block {place.block_number} has no such event at place {place.log_index}")
        told = abi.event(log.topics, log.data)
        if place.topic == single and (told is None or bytes(told.arguments["output"]) != self._output):
            self._differ("output", record.output[:66], "another in the event")
        self._same("event.tx_hash", place.tx_hash, log.tx_hash)
        self._same("tx_hash", record.tx_hash, log.tx_hash)
        self._same("block_number", record.block_number, log.block_number)
        return log

    def transaction(self, log: Log) -> None:
        """Who sent it, what it took, and when."""
        record, rpc = self._record, self._anchor.rpc
        receipt, block = rpc.receipt(log.tx_hash), rpc.block(log.block_number)
        if receipt is None or block is None or not receipt.block_hash == block.hash == log.block_hash:
            self._unconfirmed("the node's log, receipt and block are not of one chain")
        self._same("prover", record.prover, receipt.sender)
        self._same("gas_used", record.gas_used, receipt.gas_used)
        self._same("block_time", record.block_time, block.timestamp)

    def finality(self) -> Finality:
        """How sure its block is. A server that knows less than the chain is behind; one that knows more lies."""
        found = self._anchor.finality(self._record.block_number)
        if self._record.finality > found:
            self._differ("finality", self._record.finality.label, found.label)
        self.fields.append("finality")
        return found

    def numbers(self, circuit: Circuit) -> None:
        """The numbers, from the words of the output, and the input's from its commitment."""
        record = self._record
        (committed,) = self._anchor.registry.read("circuitHashOf", int(record.model_id, 16))
        self._same("circuit", circuit_hash(circuit), hex32(bytes(committed)))
        if record.outputs is not None:
            self._same("outputs", tuple(tensor.numbers for tensor in record.outputs), self._decoded(circuit))
        if record.inputs is not None and circuit.input_visibility is Visibility.PUBLIC:
            shown = circuit if _count(record.inputs) == circuit.input_instances else circuit.row
            tag = domain(self._anchor.rpc.chain_id, self._anchor.ledger.address)
            words = self._words(record.inputs, shown.inputs)
            self._same("inputs", input_commitment(tag, words), record.input_commitment)

    def _decoded(self, circuit: Circuit) -> tuple[tuple[float, ...], ...]:
        """The words of the output as numbers: those of one row, or of all rows as one statement."""
        try:
            words = unpacked(self._output)
            return decode(words, (circuit if len(words) == circuit.output_instances else circuit.row).outputs)
        except ValueError as error:
            self._differ("output", self._record.output[:66], f"no output of this circuit: {error}")

    def _words(self, tensors: Sequence[Tensor], shapes: Sequence[CircuitTensor]) -> list[int]:
        """The instances that numbers stand for. A number is its integer over a power of two, so it comes back exactly."""
        if [len(tensor.numbers) for tensor in tensors] != [shape.elements for shape in shapes]:
            self._differ("inputs", "of other shapes", "those of the circuit")
        try:
            return [
                field.to_instance(round(Fraction(number) * Fraction(2) ** shape.scale))
                for tensor, shape in zip(tensors, shapes, strict=True)
                for number in tensor.numbers
            ]
        except ValueError as error:
            self._differ("inputs", "numbers", f"no numbers of this circuit: {error}")

    def _held(self, function: str, key: bytes) -> tuple[tuple[object, int, int, int]]:
        try:
            return self._anchor.ledger.read(function, key)
        except ContractReverted as error:
            self._unconfirmed(f"{function} reverts with {error.error}")

    def _affirmed(self, answer: tuple[object, ...], thing: str) -> None:
        if answer != (True,):
            self._unconfirmed("the ledger does not hold it with this grade")
        self.fields.append(thing)

    def _same(self, thing: str, answered: object, found: object) -> None:
        if answered != found:
            self._differ(thing, str(answered), str(found))
        if thing not in self.fields:
            self.fields.append(thing)

    def _differ(self, thing: str, answered: str, found: str) -> NoReturn:
        raise AnswerDiffers(inference_id=self._record.inference_id, thing=thing, answered=answered, found=found)

    def _unconfirmed(self, reason: str) -> NoReturn:
        raise AnswerUnconfirmed(
            inference_id=self._record.inference_id,
            chain_id=self._anchor.rpc.chain_id,
            ledger=self._anchor.ledger.address,
            reason=reason,
        )


def _count(tensors: Sequence[Tensor]) -> int:
    return sum(len(tensor.numbers) for tensor in tensors)
