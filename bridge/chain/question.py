"""What a node can be asked: a method with its parameters, and how its answer is read. Asking is `rpc`'s business.

A question is a value, so that many of them can go in one request, to one node or to several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bridge.chain import answer
from bridge.chain.answer import Block, Log, Receipt, Transaction
from bridge.core.word import Address, Hex32, hex_bytes
from bridge.errors import RpcFailed
from bridge.solidity.abi import Abi

T = TypeVar("T")

_HISTORY = (hex(10), "pending", [5.0])
"""Of the last ten blocks what the cheapest twentieth of their transactions gave."""
_LEAST_TIP, _MOST_TIP = 1_000_000_000, 1_500_000_000
"""Wei that a tip read from a history lies between."""


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """One JSON-RPC request."""

    method: str
    params: tuple[Any, ...]
    read: Callable[[Any], T]
    """The result as a value. May raise whatever a malformed one leads to; what it raises of our own tree is passed on."""
    nothing: Callable[[str], bool] = lambda _message: False
    """Whether an error with these words only says that there is no such thing: the result is null then."""
    label: str | None = None
    """What is called, where a contract may refuse it."""
    abis: Sequence[Abi] = ()
    """Where the names of a contract's errors are."""


def chain_id() -> Question[int]:
    """Of which chain the node is."""
    return Question("eth_chainId", (), answer.quantity)


def block_number() -> Question[int]:
    """Number of the newest block."""
    return Question("eth_blockNumber", (), answer.quantity)


def block(which: int | str = "latest") -> Question[Block | None]:
    """A block by number or tag."""
    return Question("eth_getBlockByNumber", (_place(which), False), answer.block, _is_no_block)


def tagged(tag: str) -> Question[Block]:
    """A block that every chain has. Raises `RpcFailed` where the node has none."""
    asked = block(tag)

    def read(value: Any) -> Block:
        found = asked.read(value)
        if found is None:
            raise RpcFailed(method=asked.method, reason=f"it has no {tag} block")
        return found

    return Question(asked.method, asked.params, read, asked.nothing)


def code(address: Address, which: int | str = "latest") -> Question[bytes]:
    """Runtime code at an address, as of a block by number or tag."""
    return Question("eth_getCode", (address, _place(which)), answer.raw)


def balance(address: Address) -> Question[int]:
    """In wei."""
    return Question("eth_getBalance", (address, "latest"), answer.quantity)


def nonce(address: Address, which: int | str = "pending") -> Question[int]:
    """Transactions sent by an address, up to a block by number or tag."""
    return Question("eth_getTransactionCount", (address, _place(which)), answer.quantity)


def gas_price() -> Question[int]:
    """What the node suggests, in wei, on a chain without EIP-1559."""
    return Question("eth_gasPrice", (), answer.quantity)


def priority_fee() -> Question[int]:
    """What the node suggests as a tip, in wei."""
    return Question("eth_maxPriorityFeePerGas", (), answer.quantity)


def tip_history() -> Question[int]:
    """A tip from what was paid of late, for a node that suggests none."""

    def read(value: Any) -> int:
        paid = [tip for tip in answer.tips(value) if tip]
        return max(_LEAST_TIP, min(_MOST_TIP, round(sum(paid) / len(paid)))) if paid else _LEAST_TIP

    return Question("eth_feeHistory", _HISTORY, read)


def accounts() -> Question[tuple[Address, ...]]:
    """The accounts that the node itself holds unlocked."""
    return Question("eth_accounts", (), answer.addresses)


def call(fields: Mapping[str, Any], *, label: str, abis: Sequence[Abi] = (), read: Callable[[bytes], T]) -> Question[T]:
    """eth_call at the newest block; `read` makes a value of what the contract returned."""
    params = (_written(fields), "latest")
    return Question("eth_call", params, lambda value: read(answer.raw(value)), label=label, abis=abis)


def gas(fields: Mapping[str, Any], *, label: str, abis: Sequence[Abi] = ()) -> Question[int]:
    """What a transaction would use."""
    return Question("eth_estimateGas", (_written(fields),), answer.quantity, label=label, abis=abis)


def sending(signed: bytes) -> Question[Hex32]:
    """Broadcast a signed transaction: no question, and yet it is answered."""
    return Question("eth_sendRawTransaction", (hex_bytes(signed),), answer.word)


def sending_unlocked(fields: Mapping[str, Any]) -> Question[Hex32]:
    """Let the node sign and send for one of its own accounts."""
    return Question("eth_sendTransaction", (_written(fields),), answer.word)


def transaction(tx_hash: Hex32) -> Question[Transaction | None]:
    """A transaction, mined or waiting."""
    return Question("eth_getTransactionByHash", (tx_hash,), answer.transaction, _is_no_transaction)


def receipt(tx_hash: Hex32) -> Question[Receipt | None]:
    """The receipt of this transaction, and of no other one."""

    def read(value: Any) -> Receipt | None:
        found = answer.receipt(value)
        if found is not None and found.tx_hash != tx_hash:
            raise ValueError("the receipt of another transaction")
        return found

    return Question("eth_getTransactionReceipt", (tx_hash,), read, _is_no_transaction)


def logs(address: Address, topics: Sequence[str | None], first: int, last: int) -> Question[tuple[Log, ...]]:
    """Logs of one contract in blocks first..last, both included, in order; others than those asked for are refused."""

    def read(value: Any) -> tuple[Log, ...]:
        found = answer.logs(value)
        if not all(_is_asked_for(log, address, topics) and first <= log.block_number <= last for log in found):
            raise ValueError("a log that was not asked for")
        return tuple(sorted(found, key=lambda log: (log.block_number, log.index)))

    query = {"address": address, "topics": list(topics), "fromBlock": hex(first), "toBlock": hex(last)}
    return Question("eth_getLogs", (query,), read)


def anything(method: str, *params: Any) -> Question[Any]:
    """A method that only some nodes have, unread."""
    return Question(method, params, lambda value: value)


def _place(which: int | str) -> str:
    return which if isinstance(which, str) else hex(which)


def _written(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A transaction as JSON-RPC writes it."""
    return {name: _word(value) for name, value in fields.items()}


def _word(value: Any) -> Any:
    if isinstance(value, int):
        return hex(value)
    return hex_bytes(value) if isinstance(value, bytes) else value


def _is_no_transaction(message: str) -> bool:
    return message == "transaction not found"


def _is_no_block(message: str) -> bool:
    said = message.lower()
    return "not found" in said and ("block" in said or "header" in said)


def _is_asked_for(log: Log, address: Address, topics: Sequence[str | None]) -> bool:
    if log.address.lower() != address.lower() or len(log.topics) < len(topics):
        return False
    return all(wanted in {None, got} for wanted, got in zip(topics, log.topics, strict=False))
