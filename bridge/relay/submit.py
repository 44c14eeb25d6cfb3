"""A proof becomes a record in the ledger.

The order decides what a crash can do: the ledger is asked first, then the journal, and a signed transaction is on disk before
the network sees it. Whatever happens, submitting again ends with the same one record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from bridge.chain.answer import Receipt
from bridge.chain.contract import CoreContracts, core_abis
from bridge.chain.log import scan
from bridge.chain.signature import Signed
from bridge.chain.transaction import Wallet, broadcast, wait
from bridge.core.batch import Batch, BatchRow, batch_of
from bridge.core.circuit import Circuit
from bridge.core.commitment import circuit_words, domain, inference_id, input_commitment, packed
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.core.word import Hex32, hex_bytes, to_bytes
from bridge.errors import BridgeError, ContractReverted, RpcFailed
from bridge.relay.attempt import Attempt, read_attempt, write_attempt
from bridge.solidity.abi import Event

_SPAN = 10_000
"""Blocks in one question for logs."""
_NOT_RECORDED = frozenset({"InferenceNotRecorded", "BatchNotRecorded"})


class Recordable(Protocol):
    """What the ledger keeps under a key of its own, once it has checked the proof."""

    @property
    def key(self) -> Hex32:
        """What it is recorded under; the bytes of the proof are no part of it."""

    @property
    def function(self) -> str:
        """The ledger's function that records it."""

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Of that function."""

    @property
    def getter(self) -> str:
        """The ledger's function that reads the record by its key, and reverts where there is none."""

    @property
    def topics(self) -> tuple[str, tuple[Hex32, ...]]:
        """The event that tells of it, and its indexed arguments as far as they are known."""

    @property
    def is_told_at_once(self) -> bool:
        """Whether the event lies in the block that the record names, and not perhaps in a later one."""

    def is_told_by(self, event: Event) -> bool:
        """Whether an event with these topics is of this very record."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a proof says on one chain: this model, this input, this output."""

    model_id: Hex32
    input_commitment: Hex32
    output: bytes
    proof: bytes
    """The gateway's `proof` argument."""

    function: ClassVar[str] = "verifyAndStoreInference"
    getter: ClassVar[str] = "recordOf"
    is_told_at_once: ClassVar[bool] = True

    @property
    def inference_id(self) -> Hex32:
        """The id of the record; the bytes of the proof are no part of it."""
        return inference_id(self.model_id, self.input_commitment, self.output)

    @property
    def key(self) -> Hex32:
        """The inference id."""
        return self.inference_id

    @property
    def arguments(self) -> tuple[int, bytes, bytes, bytes]:
        """As the gateway and the ledger take them."""
        return int(self.model_id, 16), to_bytes(self.input_commitment), self.output, self.proof

    @property
    def topics(self) -> tuple[str, tuple[Hex32, ...]]:
        """Model and input."""
        return "InferenceVerified", (self.model_id, self.input_commitment)

    def is_told_by(self, event: Event) -> bool:
        """The output is not indexed."""
        return bool(event.arguments["output"] == self.output)


@dataclass(frozen=True, slots=True)
class BatchStatement:
    """What a proof of many rows says on one chain."""

    batch: Batch
    circuit: Circuit
    proof: bytes
    """The gateway's `proof` argument."""

    function: ClassVar[str] = "verifyAndStoreBatch"
    getter: ClassVar[str] = "batchOf"
    is_told_at_once: ClassVar[bool] = True

    @property
    def key(self) -> Hex32:
        """The root over the rows."""
        return self.batch.root

    @property
    def arguments(self) -> tuple[Any, ...]:
        """As the ledger takes them."""
        return int(self.batch.model_id, 16), circuit_words(self.circuit), self.proof

    @property
    def topics(self) -> tuple[str, tuple[Hex32, ...]]:
        """Root and model."""
        return "BatchStored", (self.batch.root, self.batch.model_id)

    def is_told_by(self, event: Event) -> bool:
        """The topics say it all."""
        return event.name == "BatchStored"


@dataclass(frozen=True, slots=True)
class RowStatement:
    """That a row of a recorded batch has a record of its own."""

    batch: Batch
    row: BatchRow

    function: ClassVar[str] = "storeFromBatch"
    getter: ClassVar[str] = "recordOf"
    is_told_at_once: ClassVar[bool] = False  # a row has the record of its batch

    @property
    def key(self) -> Hex32:
        """The inference id."""
        return self.row.inference_id

    @property
    def arguments(self) -> tuple[Any, ...]:
        """As the ledger takes them."""
        row, batch = self.row, self.batch
        path = [to_bytes(node) for node in row.path]
        return to_bytes(batch.root), path, int(batch.model_id, 16), to_bytes(row.input_commitment), to_bytes(row.output)

    @property
    def topics(self) -> tuple[str, tuple[Hex32, ...]]:
        """Model and input."""
        return "InferenceVerified", (self.batch.model_id, self.row.input_commitment)

    def is_told_by(self, event: Event) -> bool:
        """The output is not indexed."""
        return bool(event.arguments["output"] == to_bytes(self.row.output))


_GETTERS = {said.function: said.getter for said in (Statement, BatchStatement, RowStatement)}


@dataclass(frozen=True, slots=True)
class Submission:
    """Something that the ledger has recorded."""

    key: Hex32
    """The inference id, or the root of a batch."""
    tx_hash: Hex32
    block_number: int
    gas_used: int
    is_new: bool
    """False where it had been recorded before; nothing was sent then."""


def statement(proof: Proof, circuit: Circuit, core: CoreContracts) -> Statement:
    """What a proof says to the gateway of one chain; behind the proof may be an artifact.

    Raises ValueError if it has another number of instances.
    """
    words = proof.words
    if len(words) != circuit.input_instances + circuit.output_instances:
        raise ValueError(f"{len(words)} instances, expected {circuit.input_instances} + {circuit.output_instances}")
    inputs, outputs = words[: circuit.input_instances], words[circuit.input_instances :]
    return Statement(proof.model_id, input_commitment(_domain(core), inputs), packed(outputs), proof.blob)


def batch_statement(proof: Proof, circuit: Circuit, core: CoreContracts) -> BatchStatement:
    """What a proof of a batch says to the ledger of one chain. Raises ValueError if it is of no such batch."""
    return BatchStatement(batch_of(proof.model_id, circuit, proof.words, _domain(core)), circuit, proof.blob)


def submit(
    said: Recordable, wallet: Wallet, core: CoreContracts, *, confirmations: int = 1, progress: Progress = silent
) -> Submission:
    """Record something, or find the record that is there.

    Raises `ContractReverted` (before anything is paid, by a dry run), `TransactionPending` (the hash is kept and found again),
    and members of `ChainError`, `SolidityError`, `StorageError`.
    """
    if (block := recorded_in(said.function, said.key, core)) is not None:
        return _find(said, core, block)
    tx_hash = _resume(said, wallet, progress)
    if tx_hash is None:
        progress("sending the proof to the ledger")
        data = core.ledger.abi.call(said.function, *said.arguments)

        def keep(signed: Signed) -> None:
            write_attempt(_attempt(said, wallet, signed))

        tx_hash = wallet.send(core.ledger.address, data, label=said.function, abis=core_abis(), on_signed=keep)
    progress(f"waiting for transaction {tx_hash[:10]}… to be mined")
    receipt = wait(wallet.rpc, tx_hash, label=said.function, confirmations=confirmations)
    return _submission(said, receipt, is_new=True)


def recorded(said: Recordable, core: CoreContracts) -> bool:
    """Whether the ledger holds it."""
    return recorded_in(said.function, said.key, core) is not None


def recorded_in(function: str, key: Hex32, core: CoreContracts) -> int | None:
    """The block in which the ledger recorded what this function of it records, if it has; a call of the desk records nothing
    that could be there already.
    """
    (told,) = recorded_all([(function, key)], core)
    if isinstance(told, BridgeError):
        raise told
    return told


def recorded_all(said: Sequence[tuple[str, Hex32]], core: CoreContracts) -> list[int | BridgeError | None]:
    """The same of many, by function and key, in one request; or why the block of one is not known."""
    asked = [(place, _GETTERS[function], key) for place, (function, key) in enumerate(said) if function in _GETTERS]
    told = core.rpc.ask_all([core.ledger.question(getter, to_bytes(key)) for _, getter, key in asked])
    blocks: list[int | BridgeError | None] = [None] * len(said)
    for (place, _, _), record in zip(asked, told, strict=True):
        if not isinstance(record, BridgeError):
            ((_, _, block, _),) = record
            blocks[place] = int(block)
        elif not (isinstance(record, ContractReverted) and record.error in _NOT_RECORDED):
            blocks[place] = record
    return blocks


def _domain(core: CoreContracts) -> Hex32:
    return domain(core.rpc.chain_id, core.ledger.address)


def _resume(said: Recordable, wallet: Wallet, progress: Progress) -> Hex32 | None:
    """The hash of an earlier attempt that is mined, waiting, or could be sent again; None where a new one is needed."""
    attempt = read_attempt(wallet.rpc.chain_id, said.key)
    if attempt is None:
        return None
    # The nonce before the receipt: what is mined between the two questions has a receipt then, and is not taken for another's.
    is_used = wallet.rpc.nonce(attempt.sender, "latest") > attempt.nonce
    receipt = wallet.rpc.receipt(attempt.tx_hash)
    if receipt is not None:
        return attempt.tx_hash if receipt.succeeded else None
    if is_used:
        return None  # another transaction took its nonce: it can never be mined
    if wallet.rpc.nonce(attempt.sender) < attempt.nonce:
        return None  # the chain was reset since: what came before it is nowhere, so it would wait for ever
    progress(f"finding transaction {attempt.tx_hash[:10]}… of an earlier run")
    return broadcast(wallet.rpc, Signed(attempt.tx_hash, attempt.nonce, to_bytes(attempt.raw)))


def _attempt(said: Recordable, wallet: Wallet, signed: Signed) -> Attempt:
    return Attempt(
        chain_id=wallet.rpc.chain_id,
        key=said.key,
        sender=wallet.address,
        nonce=signed.nonce,
        tx_hash=signed.tx_hash,
        raw=hex_bytes(signed.raw),
    )


def _find(said: Recordable, core: CoreContracts, block: int) -> Submission:
    """The transaction that recorded it, by its event."""
    name, indexed = said.topics
    topics = [core.ledger.abi.topic(name), *indexed]
    last = block if said.is_told_at_once else core.rpc.block_number()
    for log in scan(core.rpc, core.ledger.address, topics, block, last, span=_SPAN):
        event = core.ledger.abi.event(log.topics, log.data)
        receipt = core.rpc.receipt(log.tx_hash)
        if event is not None and said.is_told_by(event) and receipt is not None:
            return _submission(said, receipt, is_new=False)
    reason = f"the ledger holds {said.key}, but the node shows no event of it in block {block}; it may lag behind"
    raise RpcFailed(method="eth_getLogs", reason=reason)


def _submission(said: Recordable, receipt: Receipt, *, is_new: bool) -> Submission:
    return Submission(said.key, receipt.tx_hash, receipt.block_number, receipt.gas_used, is_new)
