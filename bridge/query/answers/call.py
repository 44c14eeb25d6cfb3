"""The call that confirms an answer: what anybody can ask the contract, of any node, instead of believing us."""

from __future__ import annotations

from functools import cache
from typing import Any

from bridge.core.grade import Grade
from bridge.core.inference import BatchPlace
from bridge.core.word import Address, Hex32, HexBytes, hex_bytes, to_bytes
from bridge.query.answers.wire import Account, Bytes, Id, answer
from bridge.solidity.abi import contract_abi

_LEDGER = "InferenceLedger"
_TRUE = HexBytes("0x" + "1".rjust(64, "0"))


@answer
class Argument:
    """One argument of a call."""

    name: str
    value: str | tuple[str, ...]
    """As explorers take it: hex, or decimal digits."""


@answer
class ContractCall:
    """An eth_call, and what it answers if we told the truth."""

    to: Account
    """The ledger."""
    function: str
    """Name and types, as the selector is made from."""
    arguments: tuple[Argument, ...]
    data: Bytes
    """The calldata."""
    answers: Bytes
    """True, as the ABI encodes it. Anything else, a revert included, and the record is not on that chain."""


@answer
class LogPlace:
    """The event itself, for `eth_getLogs` or a receipt."""

    address: Account
    topic: Id
    """The first topic: InferenceVerified, or of a batch BatchStored."""
    tx_hash: Id
    block_number: int
    log_index: int


def confirming(
    ledger: Address,
    model_id: Hex32,
    commitment: Hex32,
    output: bytes,
    grade: Grade,
    *,
    recorded: bool,
    batch: BatchPlace | None,
) -> ContractCall | None:
    """The call for a record of its own, or for a row of a batch. None where the ledger verified and kept nothing."""
    told: list[Any] = [int(model_id, 16), to_bytes(commitment), output, int(grade)]
    if recorded:
        return _call(ledger, "isVerified", told)
    if batch is not None:
        path = [to_bytes(sibling) for sibling in batch.path]
        return _call(ledger, "isVerifiedInBatch", [to_bytes(batch.root), path, *told])
    return None


def log_place(ledger: Address, tx_hash: Hex32, block_number: int, log_index: int, row: int) -> LogPlace:
    """Where the event stands."""
    return LogPlace(ledger, _topic("BatchStored" if row else "InferenceVerified"), tx_hash, block_number, log_index)


def _call(ledger: Address, function: str, values: list[Any]) -> ContractCall:
    signature, names = _form(function)
    arguments = tuple(Argument(name, _readable(value)) for name, value in zip(names, values, strict=True))
    data = hex_bytes(contract_abi(_LEDGER).call(function, *values))
    return ContractCall(ledger, signature, arguments, data, _TRUE)


@cache
def _form(function: str) -> tuple[str, tuple[str, ...]]:
    """A function as its selector is made from, and the names of its parameters."""
    abi = contract_abi(_LEDGER)
    return abi.signature(function), abi.parameters(function)


@cache
def _topic(event: str) -> Hex32:
    return contract_abi(_LEDGER).topic(event)


def _readable(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, list):
        return tuple(hex_bytes(each) for each in value)
    return hex_bytes(value) if isinstance(value, bytes) else str(value)
