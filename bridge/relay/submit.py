"""A proof becomes a record in the ledger.

The order decides what a crash can do: the ledger is asked first, then the journal, and a signed transaction is on disk before
the network sees it. Whatever happens, submitting again ends with the same one record.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.chain.account import Signed
from bridge.chain.contract import CoreContracts, core_abis
from bridge.chain.log import scan
from bridge.chain.rpc import Receipt
from bridge.chain.transaction import Wallet, broadcast, wait
from bridge.core.circuit import Circuit
from bridge.core.commitment import domain, inference_id, input_commitment, packed
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.core.word import Hex32, hex_bytes, to_bytes
from bridge.errors import RpcFailed
from bridge.relay.journal import Attempt, read_attempt, write_attempt


@dataclass(frozen=True, slots=True)
class Statement:
    """What a proof says on one chain: this model, this input, this output."""

    model_id: Hex32
    input_commitment: Hex32
    output: bytes
    proof: bytes
    """The gateway's `proof` argument."""

    @property
    def inference_id(self) -> Hex32:
        """The id of the record; the bytes of the proof are no part of it."""
        return inference_id(self.model_id, self.input_commitment, self.output)

    @property
    def arguments(self) -> tuple[int, bytes, bytes, bytes]:
        """As the gateway and the ledger take them."""
        return int(self.model_id, 16), to_bytes(self.input_commitment), self.output, self.proof


@dataclass(frozen=True, slots=True)
class Submission:
    """A statement in the ledger."""

    inference_id: Hex32
    tx_hash: Hex32
    block_number: int
    gas_used: int
    is_new: bool
    """False where the statement had been recorded before; nothing was sent then."""


def statement(proof: Proof, circuit: Circuit, core: CoreContracts) -> Statement:
    """What a proof says to the gateway of one chain. Raises ValueError if it has another number of instances."""
    words = proof.words
    if len(words) != circuit.input_instances + circuit.output_instances:
        raise ValueError(f"{len(words)} instances, expected {circuit.input_instances} + {circuit.output_instances}")
    tag = domain(core.rpc.chain_id, core.ledger.address)
    inputs, outputs = words[: circuit.input_instances], words[circuit.input_instances :]
    return Statement(proof.model_id, input_commitment(tag, inputs), packed(outputs), proof.blob)


def submit(
    said: Statement, wallet: Wallet, core: CoreContracts, *, confirmations: int = 1, progress: Progress = silent
) -> Submission:
    """Record a statement, or find the record that is there.

    Raises `ContractReverted` (before anything is paid, by a dry run), `TransactionPending` (the hash is kept and found again),
    and members of `ChainError`, `SolidityError`, `StorageError`.
    """
    if recorded(said, core):
        return _find(said, core)
    tx_hash = _resume(said, wallet, progress)
    if tx_hash is None:
        progress("sending the proof to the ledger")
        data = core.ledger.abi.call("verifyAndStoreInference", *said.arguments)

        def keep(signed: Signed) -> None:
            write_attempt(_attempt(said, wallet, signed))

        tx_hash = wallet.send(
            core.ledger.address, data, label="verifyAndStoreInference", abis=core_abis(), on_signed=keep
        )
    progress(f"waiting for transaction {tx_hash[:10]}… to be mined")
    receipt = wait(wallet.rpc, tx_hash, label="verifyAndStoreInference", confirmations=confirmations)
    return _submission(said, receipt, is_new=True)


def recorded(said: Statement, core: CoreContracts) -> bool:
    """Whether the ledger holds a statement."""
    return bool(core.ledger.read("isRecorded", to_bytes(said.inference_id))[0])


def _resume(said: Statement, wallet: Wallet, progress: Progress) -> Hex32 | None:
    """The hash of an earlier attempt that is mined, waiting, or could be sent again; None where a new one is needed."""
    attempt = read_attempt(wallet.rpc.chain_id, said.inference_id)
    if attempt is None:
        return None
    receipt = wallet.rpc.receipt(attempt.tx_hash)
    if receipt is not None:
        return attempt.tx_hash if receipt.succeeded else None
    if wallet.rpc.nonce(attempt.sender, "latest") > attempt.nonce:
        return None  # another transaction took its nonce: it can never be mined
    if wallet.rpc.nonce(attempt.sender) < attempt.nonce:
        return None  # the chain was reset since: what came before it is nowhere, so it would wait for ever
    progress(f"finding transaction {attempt.tx_hash[:10]}… of an earlier run")
    return broadcast(wallet.rpc, Signed(attempt.tx_hash, attempt.nonce, to_bytes(attempt.raw)))


def _attempt(said: Statement, wallet: Wallet, signed: Signed) -> Attempt:
    return Attempt(
        chain_id=wallet.rpc.chain_id,
        inference_id=said.inference_id,
        sender=wallet.address,
        nonce=signed.nonce,
        tx_hash=signed.tx_hash,
        raw=hex_bytes(signed.raw),
    )


def _find(said: Statement, core: CoreContracts) -> Submission:
    """The transaction that recorded a statement, by its event in the block that the record names."""
    ((_, _, block, _),) = core.ledger.read("recordOf", to_bytes(said.inference_id))
    topics = [core.ledger.abi.topic("InferenceVerified"), said.model_id, said.input_commitment]
    for log in scan(core.rpc, core.ledger.address, topics, block, block, span=1):
        event = core.ledger.abi.event(log.topics, log.data)
        receipt = core.rpc.receipt(log.tx_hash)
        if event is not None and event.arguments["output"] == said.output and receipt is not None:
            return _submission(said, receipt, is_new=False)
    reason = (
        f"the ledger holds {said.inference_id}, but the node shows no event of it in block {block}; it may lag behind"
    )
    raise RpcFailed(method="eth_getLogs", reason=reason)


def _submission(said: Statement, receipt: Receipt, *, is_new: bool) -> Submission:
    return Submission(said.inference_id, receipt.tx_hash, receipt.block_number, receipt.gas_used, is_new)
