"""One JSON-RPC node. The only file that imports web3. What a node says is a claim: it is parsed and bounded, never trusted.

web3's own retry is off: it would send a transaction a second time without anybody deciding so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests.exceptions
from web3 import HTTPProvider, Web3
from web3.exceptions import (
    BadResponseFormat,
    BlockNotFound,
    ContractLogicError,
    TransactionNotFound,
    Web3Exception,
    Web3RPCError,
)
from web3.types import RPCEndpoint

from bridge.core.word import Address, Hex32, hex32, to_bytes
from bridge.errors import ContractReverted, RpcFailed, RpcUnreachable, WrongChain
from bridge.solidity.abi import Abi, decode_revert

REQUEST_SECONDS = 20.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Block:
    """The head of a block."""

    number: int
    hash: Hex32
    timestamp: int
    base_fee_wei: int | None
    """None on a chain without EIP-1559."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction."""

    tx_hash: Hex32
    block_number: int
    block_hash: Hex32
    succeeded: bool
    gas_used: int
    effective_gas_price_wei: int
    sender: Address


@dataclass(frozen=True, slots=True)
class Log:
    """One event as a node reports it."""

    address: Address
    topics: tuple[str, ...]
    data: bytes
    block_number: int
    block_hash: Hex32
    tx_hash: Hex32
    index: int


class Rpc:
    """A node whose chain id was checked. Raises `RpcUnreachable` and `RpcFailed` from every method."""

    def __init__(self, url: str, expected_chain_id: int | None = None) -> None:
        """Raises also `WrongChain`."""
        self.place = redacted(url)
        provider = HTTPProvider(url, request_kwargs={"timeout": REQUEST_SECONDS}, exception_retry_configuration=None)
        self._web3 = Web3(provider)
        self.chain_id: int = self._ask("eth_chainId", lambda: self._web3.eth.chain_id)
        if expected_chain_id is not None and self.chain_id != expected_chain_id:
            raise WrongChain(url=self.place, expected=expected_chain_id, got=self.chain_id)

    def block_number(self) -> int:
        """Number of the newest block."""
        return int(self._ask("eth_blockNumber", lambda: self._web3.eth.block_number))

    def block(self, which: int | str = "latest") -> Block | None:
        """A block by number or tag; None if there is none, or the node does not know the tag."""
        try:
            found = self._ask("eth_getBlockByNumber", lambda: self._web3.eth.get_block(which))  # type: ignore[arg-type]
        except RpcFailed:
            if isinstance(which, str):
                return None
            raise
        if found is None:
            return None
        base_fee = found.get("baseFeePerGas")
        return Block(
            int(found["number"]),
            _hex32(found["hash"]),
            int(found["timestamp"]),
            None if base_fee is None else int(base_fee),
        )

    def code(self, address: Address) -> bytes:
        """Runtime code at an address, empty where there is none."""
        return bytes(self._ask("eth_getCode", lambda: self._web3.eth.get_code(_checksummed(address))))

    def balance(self, address: Address) -> int:
        """Balance in wei."""
        return int(self._ask("eth_getBalance", lambda: self._web3.eth.get_balance(_checksummed(address))))

    def nonce(self, address: Address, which: str = "pending") -> int:
        """Transactions sent by an address."""
        ask = lambda: self._web3.eth.get_transaction_count(_checksummed(address), which)  # type: ignore[arg-type]  # noqa: E731
        return int(self._ask("eth_getTransactionCount", ask))

    def gas_price(self) -> int:
        """What the node suggests, in wei, on a chain without EIP-1559."""
        return int(self._ask("eth_gasPrice", lambda: self._web3.eth.gas_price))

    def priority_fee(self) -> int:
        """What the node suggests as a tip, in wei."""
        return int(self._ask("eth_maxPriorityFeePerGas", lambda: self._web3.eth.max_priority_fee))

    def accounts(self) -> tuple[Address, ...]:
        """The accounts that the node itself holds unlocked."""
        return tuple(Address(str(account)) for account in self._ask("eth_accounts", lambda: self._web3.eth.accounts))

    def call(
        self, to: Address, data: bytes, *, label: str, abis: Sequence[Abi] = (), sender: Address | None = None
    ) -> bytes:
        """eth_call at the newest block. Raises `ContractReverted` with the error's name from `abis`."""
        transaction: dict[str, Any] = {"to": to, "data": data}
        if sender is not None:
            transaction["from"] = sender
        return bytes(self._execute("eth_call", lambda: self._web3.eth.call(transaction), label, abis))  # type: ignore[arg-type]

    def estimate_gas(self, transaction: Mapping[str, Any], *, label: str, abis: Sequence[Abi] = ()) -> int:
        """Gas that a transaction would use. Raises `ContractReverted`."""
        ask = lambda: self._web3.eth.estimate_gas(dict(transaction))  # type: ignore[arg-type]  # noqa: E731
        return int(self._execute("eth_estimateGas", ask, label, abis))

    def send_raw(self, raw: bytes) -> Hex32:
        """Broadcast a signed transaction."""
        return _hex32(self._ask("eth_sendRawTransaction", lambda: self._web3.eth.send_raw_transaction(raw)))

    def send_unlocked(self, transaction: Mapping[str, Any]) -> Hex32:
        """Let the node sign and send for one of its own accounts."""
        return _hex32(self._ask("eth_sendTransaction", lambda: self._web3.eth.send_transaction(dict(transaction))))  # type: ignore[arg-type]

    def knows_transaction(self, tx_hash: Hex32) -> bool:
        """Whether the node has the transaction, mined or waiting."""
        return self._ask("eth_getTransactionByHash", lambda: self._web3.eth.get_transaction(tx_hash)) is not None  # type: ignore[arg-type]

    def receipt(self, tx_hash: Hex32) -> Receipt | None:
        """The receipt, or None while there is none."""
        found = self._ask("eth_getTransactionReceipt", lambda: self._web3.eth.get_transaction_receipt(tx_hash))  # type: ignore[arg-type]
        if found is None:
            return None
        return Receipt(
            tx_hash=_hex32(found["transactionHash"]),
            block_number=int(found["blockNumber"]),
            block_hash=_hex32(found["blockHash"]),
            succeeded=int(found["status"]) == 1,
            gas_used=int(found["gasUsed"]),
            effective_gas_price_wei=int(found.get("effectiveGasPrice") or 0),
            sender=Address(str(found["from"])),
        )

    def logs(self, address: Address, topics: Sequence[str | None], first: int, last: int) -> tuple[Log, ...]:
        """Logs of one contract in blocks first..last, both included, in order."""
        query = {"address": address, "topics": list(topics), "fromBlock": first, "toBlock": last}
        found = self._ask("eth_getLogs", lambda: self._web3.eth.get_logs(query))  # type: ignore[arg-type]
        logs = [
            Log(
                address=Address(str(item["address"])),
                topics=tuple("0x" + bytes(topic).hex() for topic in item["topics"]),
                data=bytes(item["data"]),
                block_number=int(item["blockNumber"]),
                block_hash=_hex32(item["blockHash"]),
                tx_hash=_hex32(item["transactionHash"]),
                index=int(item["logIndex"]),
            )
            for item in found
        ]
        return tuple(sorted(logs, key=lambda log: (log.block_number, log.index)))

    def raw(self, method: str, *params: Any) -> Any:
        """A method that only some nodes have (a local chain's own). Raises `RpcFailed`."""
        answer = self._ask(method, lambda: self._web3.provider.make_request(RPCEndpoint(method), list(params)))
        if "error" in answer:
            raise RpcFailed(method=method, reason=str(answer["error"]))
        return answer.get("result")

    def _execute(self, method: str, ask: Callable[[], T], label: str, abis: Sequence[Abi]) -> T:
        """A call that a contract may refuse."""
        try:
            return self._ask(method, ask)
        except _RevertedError as reverted:
            name, arguments = decode_revert(reverted.data, abis)
            raise ContractReverted(call=label, error=name, arguments=arguments) from None

    def _ask(self, method: str, ask: Callable[[], T]) -> T | Any:
        try:
            return ask()
        except (TransactionNotFound, BlockNotFound):
            return None
        except ContractLogicError as error:
            raise _RevertedError(_revert_data(error.data)) from None
        except Web3RPCError as error:
            response = error.rpc_response or {}
            problem: Any = response.get("error") or {}
            message = problem.get("message") if isinstance(problem, dict) else str(problem)
            raise RpcFailed(method=method, reason=str(message or error)) from None
        except requests.exceptions.HTTPError as error:
            code = error.response.status_code if error.response is not None else "?"
            raise RpcUnreachable(url=self.place, reason=f"HTTP {code}") from None
        except requests.exceptions.RequestException as error:
            raise RpcUnreachable(url=self.place, reason=type(error).__name__) from None
        except (BadResponseFormat, Web3Exception, ValueError, KeyError, TypeError) as error:
            raise RpcFailed(method=method, reason=f"its answer is malformed ({type(error).__name__})") from None


class _RevertedError(Exception):
    """Revert data on its way to being named."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data


def redacted(url: str) -> str:
    """A URL without what may be a secret: user, password, path and query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def _revert_data(data: Any) -> bytes:
    text = data.get("data") if isinstance(data, dict) else data
    try:
        return to_bytes(text) if isinstance(text, str) else b""
    except ValueError:
        return b""


def _hex32(value: Any) -> Hex32:
    return hex32(bytes(value))


def _checksummed(address: Address) -> Any:
    return Web3.to_checksum_address(address)
