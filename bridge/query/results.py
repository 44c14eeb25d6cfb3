"""Verified inferences out of events and the ledger. Everything needed to decode them stands on the chain too.

`InferenceVerified` is emitted only after a proof held; `ModelBound` carries the shapes and scales, checked against the model's
commitment. So nobody's server has to be believed; the node's answers still are; the index (`follower`) cross-checks them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from eth_utils import to_checksum_address

from bridge.chain.contract import Contract, CoreContracts
from bridge.chain.log import scan
from bridge.chain.rpc import Block, Log, Receipt
from bridge.core.batch import Batch, BatchRow, batch_of
from bridge.core.circuit import Circuit
from bridge.core.commitment import circuit_of, domain, inference_id, unpacked
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.inference import BatchPlace, VerifiedInference
from bridge.core.proof import words_of
from bridge.core.tensor import decode
from bridge.core.word import Address, Hex32, hex32, hex_bytes, to_bytes
from bridge.errors import ContractReverted, RpcFailed
from bridge.solidity.abi import Event


@dataclass(frozen=True, slots=True)
class Filter:
    """Which results to return."""

    model_id: Hex32 | None = None
    min_grade: Grade = Grade.CLAIMED
    min_finality: Finality = Finality.MINED
    limit: int | None = None
    """The newest so many; None for all."""


def results(core: CoreContracts, chosen: Filter, *, span: int) -> tuple[VerifiedInference, ...]:
    """Verified inferences, oldest first, each statement once; `span` is blocks per eth_getLogs call.

    The rows of a batch are read from the calldata of the transaction that recorded it, and shown to belong to its root; those of
    a batch that another contract submitted are not found this way. Raises members of `ChainError`.
    """
    reader = _Reader(core)
    found: dict[Hex32, VerifiedInference] = {}
    for record in reader.records(chosen.model_id, span):
        known = found.get(record.inference_id)
        if known is None:
            found[record.inference_id] = record
        elif record.batch is not None and known.batch is None:
            found[record.inference_id] = replace(known, batch=record.batch)
        elif record.recorded and not known.recorded:
            found[record.inference_id] = replace(known, recorded=True)
    newest = [
        record
        for record in found.values()
        if record.grade >= chosen.min_grade and record.finality >= chosen.min_finality
    ]
    return tuple(newest if chosen.limit is None else newest[max(0, len(newest) - chosen.limit) :])


class _Reader:
    """Turns logs into records, asking the node for each block, model and transaction once."""

    def __init__(self, core: CoreContracts) -> None:
        self._core = core
        self._circuits: dict[Hex32, Circuit] = {}
        self._times: dict[int, int] = {}
        self._receipts: dict[Hex32, Receipt] = {}
        self._safe = _number(core.rpc.block("safe"))
        self._final = _number(core.rpc.block("finalized"))

    def records(self, model_id: Hex32 | None, span: int) -> Iterator[VerifiedInference]:
        """What each event tells, oldest first. Raises `RpcFailed` on a log that is not what the ledger emits."""
        single, batch = (self._core.ledger.abi.topic(name) for name in ("InferenceVerified", "BatchStored"))
        logs = [*self._scan([single, model_id], span), *self._scan([batch, None, model_id], span)]
        for log in sorted(logs, key=lambda log: (log.block_number, log.index)):
            try:
                yield from self._of_batch(log) if log.topics[0] == batch else [self._of_one(log)]
            except (ValueError, KeyError) as error:
                raise RpcFailed(method="eth_getLogs", reason=f"log {log.index} of {log.tx_hash}: {error}") from None

    def _scan(self, topics: list[str | None], span: int) -> Iterator[Log]:
        rpc = self._core.rpc
        return scan(rpc, self._core.ledger.address, topics, self._core.first_block, rpc.block_number(), span=span)

    def _of_one(self, log: Log) -> VerifiedInference:
        event = self._event(log, "InferenceVerified")
        model_id = hex32(int(event.arguments["modelId"]))
        commitment = hex32(bytes(event.arguments["inputCommitment"]))
        output = bytes(event.arguments["output"])
        row = BatchRow(inference_id(model_id, commitment, output), commitment, hex_bytes(output), ())
        self._circuit(model_id)  # first, because it names a model that nobody registered or bound
        ledger = self._ledger_record(row.inference_id)
        submitter, grade = ledger or (self._receipt(log.tx_hash).sender, self._grade(model_id))
        return self._record(log, model_id, row, grade, submitter, recorded=ledger is not None)

    def _of_batch(self, log: Log) -> Iterator[VerifiedInference]:
        root = hex32(bytes(self._event(log, "BatchStored").arguments["root"]))
        batch = self._opened(log.tx_hash)
        if batch is None or batch.root != root:
            return  # recorded by another contract: its rows are somewhere inside that call
        ((submitter, _, _, grade),) = self._core.ledger.read("batchOf", to_bytes(root))
        for number, row in enumerate(batch.rows, start=1):
            place = BatchPlace(root, number, row.path)
            yield self._record(log, batch.model_id, row, Grade(grade), _address(submitter), recorded=False, batch=place)

    def _record(
        self,
        log: Log,
        model_id: Hex32,
        told: BatchRow,
        grade: Grade,
        submitter: Address,
        *,
        recorded: bool,
        batch: BatchPlace | None = None,
    ) -> VerifiedInference:
        return VerifiedInference(
            inference_id=told.inference_id,
            model_id=model_id,
            input_commitment=told.input_commitment,
            output=told.output,
            outputs=self._numbers(model_id, to_bytes(told.output)),
            grade=grade,
            finality=self._finality(log.block_number),
            recorded=recorded,
            batch=batch,
            submitter=submitter,
            tx_hash=log.tx_hash,
            block_number=log.block_number,
            block_time=self._time(log.block_number),
            gas_used=self._receipt(log.tx_hash).gas_used,
        )

    def _opened(self, tx_hash: Hex32) -> Batch | None:
        """The batch that a transaction handed to the ledger itself; None where it did something else."""
        sent = self._core.rpc.transaction(tx_hash)
        if sent is None or sent.to != self._core.ledger.address:
            return None
        tag = domain(self._core.rpc.chain_id, self._core.ledger.address)
        try:
            arguments = self._core.ledger.abi.arguments("verifyAndStoreBatch", sent.data)
            if arguments is None:
                return None
            model_id, circuit, blob = arguments
            return batch_of(hex32(model_id), circuit_of(circuit), words_of(blob), tag)
        except ValueError:
            return None  # calldata that Solidity reads and eth-abi does not: nobody's results shall end at it

    def _event(self, log: Log, name: str) -> Event:
        event = self._core.ledger.abi.event(log.topics, log.data)
        if event is None or event.name != name:
            raise ValueError(f"it is no {name} event")
        return event

    def _ledger_record(self, identity: Hex32) -> tuple[Address, Grade] | None:
        try:
            ((submitter, _, _, grade),) = self._core.ledger.read("recordOf", to_bytes(identity))
        except ContractReverted as error:
            if error.error == "InferenceNotRecorded":
                return None
            raise
        return _address(submitter), Grade(grade)

    def _grade(self, model_id: Hex32) -> Grade:
        return Grade(self._core.ledger.read("gradeOf", int(model_id, 16))[0])

    def _numbers(self, model_id: Hex32, output: bytes) -> tuple[tuple[float, ...], ...]:
        """An output as numbers; that of a batch model is one row's, or that of all rows as one statement."""
        circuit, words = self._circuit(model_id), unpacked(output)
        return decode(words, (circuit if len(words) == circuit.output_instances else circuit.row).outputs)

    def _circuit(self, model_id: Hex32) -> Circuit:
        """The public shape of a model, by the event of its binding. Names are not on the chain; positions are."""
        if model_id not in self._circuits:
            adapter = self._adapter(model_id)
            for log in self._bindings(adapter, model_id):
                event = adapter.abi.event(log.topics, log.data)
                if event is not None:
                    self._circuits[model_id] = circuit_of(event.arguments["circuit"])
        return self._circuits[model_id]

    def _adapter(self, model_id: Hex32) -> Contract:
        """The verifier that the ledger sends proofs of a model to. Raises ValueError or KeyError if it is none of ours."""
        try:
            (system,) = self._core.ledger.read("proofSystemOf", int(model_id, 16))
        except ContractReverted:
            raise ValueError(f"nobody registered model {model_id}") from None
        (address,) = self._core.ledger.read("verifierOf", system)
        return {adapter.address.lower(): adapter for adapter in self._core.adapters}[address.lower()]

    def _bindings(self, adapter: Contract, model_id: Hex32) -> Iterator[Log]:
        topics = [adapter.abi.topic("ModelBound"), model_id]
        rpc = self._core.rpc
        return scan(rpc, adapter.address, topics, self._core.first_block, rpc.block_number(), span=10_000)

    def _receipt(self, tx_hash: Hex32) -> Receipt:
        if tx_hash not in self._receipts:
            receipt = self._core.rpc.receipt(tx_hash)
            if receipt is None:
                raise RpcFailed(
                    method="eth_getTransactionReceipt", reason=f"the node shows a log of {tx_hash} but no receipt"
                )
            self._receipts[tx_hash] = receipt
        return self._receipts[tx_hash]

    def _time(self, number: int) -> int:
        if number not in self._times:
            block = self._core.rpc.block(number)
            self._times[number] = block.timestamp if block else 0
        return self._times[number]

    def _finality(self, number: int) -> Finality:
        if self._final is not None and number <= self._final:
            return Finality.FINAL
        if self._safe is not None and number <= self._safe:
            return Finality.SAFE
        return Finality.MINED


def _address(text: str) -> Address:
    return Address(to_checksum_address(text))


def _number(block: Block | None) -> int | None:
    return block.number if block else None
