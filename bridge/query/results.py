"""Verified inferences out of events and the ledger. Everything needed to decode them stands on the chain too.

`InferenceVerified` is emitted only after a proof held; `ModelBound` carries the shapes and scales, checked against the model's
commitment. So nobody's server has to be believed; the node's answers still are (a later index cross-checks them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from eth_utils import to_checksum_address

from bridge.chain.contract import Contract, CoreContracts
from bridge.chain.log import scan
from bridge.chain.rpc import Block, Log, Receipt
from bridge.core.commitment import inference_id
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.inference import VerifiedInference
from bridge.core.tensor import CircuitTensor, decode
from bridge.core.word import Address, Hex32, hex32, hex_bytes, to_bytes
from bridge.errors import ContractReverted, RpcFailed


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

    Raises members of `ChainError`.
    """
    reader = _Reader(core)
    found: dict[Hex32, VerifiedInference] = {}
    topics = [core.ledger.abi.topic("InferenceVerified"), chosen.model_id]
    for log in scan(core.rpc, core.ledger.address, topics, core.first_block, core.rpc.block_number(), span=span):
        record = reader.record(log)
        if record.inference_id in found:
            continue  # the same statement, verified again: it changed nothing
        if record.grade >= chosen.min_grade and record.finality >= chosen.min_finality:
            found[record.inference_id] = record
    newest = list(found.values())
    return tuple(newest if chosen.limit is None else newest[max(0, len(newest) - chosen.limit) :])


class _Reader:
    """Turns logs into records, asking the node for each block, model and transaction once."""

    def __init__(self, core: CoreContracts) -> None:
        self._core = core
        self._outputs: dict[Hex32, tuple[CircuitTensor, ...]] = {}
        self._times: dict[int, int] = {}
        self._receipts: dict[Hex32, Receipt] = {}
        self._safe = _number(core.rpc.block("safe"))
        self._final = _number(core.rpc.block("finalized"))

    def record(self, log: Log) -> VerifiedInference:
        """One record. Raises `RpcFailed` on a log that is not what the gateway emits."""
        try:
            return self._record(log)
        except (ValueError, KeyError) as error:
            raise RpcFailed(method="eth_getLogs", reason=f"log {log.index} of {log.tx_hash}: {error}") from None

    def _record(self, log: Log) -> VerifiedInference:
        event = self._core.ledger.abi.event(log.topics, log.data)
        if event is None or event.name != "InferenceVerified":
            raise ValueError("it is no InferenceVerified event")
        model_id = hex32(int(event.arguments["modelId"]))
        commitment = hex32(bytes(event.arguments["inputCommitment"]))
        output = bytes(event.arguments["output"])
        outputs = decode(_words(output), self._tensors(model_id))
        identity = inference_id(model_id, commitment, output)
        ledger = self._ledger_record(identity)
        receipt = self._receipt(log.tx_hash)
        return VerifiedInference(
            inference_id=identity,
            model_id=model_id,
            input_commitment=commitment,
            output=hex_bytes(output),
            outputs=outputs,
            grade=ledger[1] if ledger else self._grade(model_id),
            finality=self._finality(log.block_number),
            recorded=ledger is not None,
            submitter=ledger[0] if ledger else receipt.sender,
            tx_hash=log.tx_hash,
            block_number=log.block_number,
            block_time=self._time(log.block_number),
            gas_used=receipt.gas_used,
        )

    def _ledger_record(self, identity: Hex32) -> tuple[Address, Grade] | None:
        try:
            ((submitter, _, _, grade),) = self._core.ledger.read("recordOf", to_bytes(identity))
        except ContractReverted as error:
            if error.error == "InferenceNotRecorded":
                return None
            raise
        return Address(to_checksum_address(submitter)), Grade(grade)

    def _grade(self, model_id: Hex32) -> Grade:
        return Grade(self._core.ledger.read("gradeOf", int(model_id, 16))[0])

    def _tensors(self, model_id: Hex32) -> tuple[CircuitTensor, ...]:
        """The outputs of a model, by the event of its binding. Names are not on the chain; positions are."""
        if model_id not in self._outputs:
            adapter = self._adapter(model_id)
            for log in self._bindings(adapter, model_id):
                event = adapter.abi.event(log.topics, log.data)
                if event is None:
                    continue
                *_, outputs = event.arguments["circuit"]
                self._outputs[model_id] = tuple(
                    CircuitTensor(f"output{at}", (elements,), "float64", scale)
                    for at, (elements, scale) in enumerate(outputs)
                )
        return self._outputs[model_id]

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


def _number(block: Block | None) -> int | None:
    return block.number if block else None


def _words(output: bytes) -> list[int]:
    if len(output) % 32:
        raise ValueError(f"an output of {len(output)} bytes is not whole words")
    return [int.from_bytes(output[at : at + 32], "big") for at in range(0, len(output), 32)]
