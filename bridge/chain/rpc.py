"""One JSON-RPC node. The only file that imports web3. What a node says is a claim: it is parsed and bounded, never trusted.

web3's own retry is off: it would send a transaction a second time without anybody deciding so.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import requests.exceptions
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from web3 import HTTPProvider, Web3
from web3.exceptions import (
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

CONNECT_SECONDS = 4.0
REQUEST_SECONDS = 20.0
_CONNECTIONS = 64
"""That are kept open to a node: a thread for each key has one."""

_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, beyond which no calendar goes."""
_MAX_REASON = 300
"""Characters of a node's own words that an error repeats."""
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What web3's formatters and our own conversions raise on an answer of another form than the method's."""

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
class Transaction:
    """What was sent to whom."""

    to: Address | None
    """None where it creates a contract."""
    data: bytes


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
        timeout = (CONNECT_SECONDS, REQUEST_SECONDS)
        provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout}, session=_session(url), exception_retry_configuration=None
        )
        # web3's own middleware asks for the chain id before every estimate, looks up names and wraps answers that are checked here.
        self._web3 = Web3(provider, middleware=[])
        self.chain_id: int = self._ask("eth_chainId", lambda: _quantity(self._web3.eth.chain_id))
        if expected_chain_id is not None and self.chain_id != expected_chain_id:
            raise WrongChain(url=self.place, expected=expected_chain_id, got=self.chain_id)

    def block_number(self) -> int:
        """Number of the newest block."""
        return self._ask("eth_blockNumber", lambda: _quantity(self._web3.eth.block_number))

    def block(self, which: int | str = "latest") -> Block | None:
        """A block by number or tag; None if there is none, or the node does not know the tag."""

        def ask() -> Block:
            found: Mapping[str, Any] = self._web3.eth.get_block(which)  # type: ignore[arg-type]
            base_fee = found.get("baseFeePerGas")
            return Block(
                _quantity(found["number"]),
                _hex32(found["hash"]),
                _quantity(found["timestamp"], _LAST_SECOND),
                None if base_fee is None else _quantity(base_fee),
            )

        try:
            return self._ask("eth_getBlockByNumber", ask)
        except RpcFailed:
            if isinstance(which, str):
                return None
            raise

    def code(self, address: Address) -> bytes:
        """Runtime code at an address, empty where there is none."""
        return self._ask("eth_getCode", lambda: _raw(self._web3.eth.get_code(_checksummed(address))))

    def balance(self, address: Address) -> int:
        """Balance in wei."""
        return self._ask("eth_getBalance", lambda: _quantity(self._web3.eth.get_balance(_checksummed(address))))

    def nonce(self, address: Address, which: int | str = "pending") -> int:
        """Transactions sent by an address, up to a block by number or tag."""
        ask = lambda: _quantity(self._web3.eth.get_transaction_count(_checksummed(address), which))  # type: ignore[arg-type]  # noqa: E731
        return self._ask("eth_getTransactionCount", ask)

    def gas_price(self) -> int:
        """What the node suggests, in wei, on a chain without EIP-1559."""
        return self._ask("eth_gasPrice", lambda: _quantity(self._web3.eth.gas_price))

    def priority_fee(self) -> int:
        """What the node suggests as a tip, in wei."""
        return self._ask("eth_maxPriorityFeePerGas", lambda: _quantity(self._web3.eth.max_priority_fee))

    def accounts(self) -> tuple[Address, ...]:
        """The accounts that the node itself holds unlocked."""
        return self._ask("eth_accounts", lambda: tuple(_address(account) for account in self._web3.eth.accounts))

    def call(
        self, to: Address, data: bytes, *, label: str, abis: Sequence[Abi] = (), sender: Address | None = None
    ) -> bytes:
        """eth_call at the newest block. Raises `ContractReverted` with the error's name from `abis`."""
        transaction: dict[str, Any] = {"to": to, "data": data}
        if sender is not None:
            transaction["from"] = sender
        # CCIP-read off: a contract's answer must not send us to URLs of its choice.
        ask = lambda: _raw(self._web3.eth.call(transaction, ccip_read_enabled=False))  # type: ignore[arg-type]  # noqa: E731
        return self._execute("eth_call", ask, label, abis)

    def runs(self, creation: bytes) -> bool:
        """Whether the chain can execute creation code to its end."""
        try:
            self._execute("eth_call", lambda: _raw(self._web3.eth.call({"data": creation})), "a probe", ())
        except (ContractReverted, RpcFailed):
            return False
        return True

    def estimate_gas(self, transaction: Mapping[str, Any], *, label: str, abis: Sequence[Abi] = ()) -> int:
        """Gas that a transaction would use. Raises `ContractReverted`."""
        ask = lambda: _quantity(self._web3.eth.estimate_gas(dict(transaction)))  # type: ignore[arg-type]  # noqa: E731
        return self._execute("eth_estimateGas", ask, label, abis)

    def send_raw(self, raw: bytes) -> Hex32:
        """Broadcast a signed transaction."""
        return self._ask("eth_sendRawTransaction", lambda: _hex32(self._web3.eth.send_raw_transaction(raw)))

    def send_unlocked(self, transaction: Mapping[str, Any]) -> Hex32:
        """Let the node sign and send for one of its own accounts."""
        ask = lambda: _hex32(self._web3.eth.send_transaction(dict(transaction)))  # type: ignore[arg-type]  # noqa: E731
        return self._ask("eth_sendTransaction", ask)

    def knows_transaction(self, tx_hash: Hex32) -> bool:
        """Whether the node has the transaction, mined or waiting."""
        return self.transaction(tx_hash) is not None

    def transaction(self, tx_hash: Hex32) -> Transaction | None:
        """A transaction, mined or waiting; None where the node has none of this hash."""

        def ask() -> Transaction:
            found: Mapping[str, Any] = self._web3.eth.get_transaction(tx_hash)  # type: ignore[arg-type]
            to = found.get("to")
            return Transaction(to=None if to is None else _address(to), data=bytes(found["input"]))

        return self._ask("eth_getTransactionByHash", ask)

    def receipt(self, tx_hash: Hex32) -> Receipt | None:
        """The receipt, or None while there is none."""

        def ask() -> Receipt:
            found: Mapping[str, Any] = self._web3.eth.get_transaction_receipt(tx_hash)  # type: ignore[arg-type]
            return Receipt(
                tx_hash=_hex32(found["transactionHash"]),
                block_number=_quantity(found["blockNumber"]),
                block_hash=_hex32(found["blockHash"]),
                succeeded=_quantity(found["status"]) == 1,
                gas_used=_quantity(found["gasUsed"]),
                effective_gas_price_wei=_quantity(found.get("effectiveGasPrice") or 0),
                sender=_address(found["from"]),
            )

        return self._ask("eth_getTransactionReceipt", ask)

    def logs(self, address: Address, topics: Sequence[str | None], first: int, last: int) -> tuple[Log, ...]:
        """Logs of one contract in blocks first..last, both included, in order; others than those asked for are refused."""
        query = {"address": address, "topics": list(topics), "fromBlock": first, "toBlock": last}

        def ask() -> list[Log]:
            logs = [_log(item) for item in self._web3.eth.get_logs(query)]  # type: ignore[arg-type]
            if not all(_is_asked_for(log, address, topics) and first <= log.block_number <= last for log in logs):
                raise ValueError("a log that was not asked for")
            return logs

        logs: list[Log] = self._ask("eth_getLogs", ask)
        return tuple(sorted(logs, key=lambda log: (log.block_number, log.index)))

    def raw(self, method: str, *params: Any) -> Any:
        """A method that only some nodes have (a local chain's own). Raises `RpcFailed`."""
        ask = lambda: dict(self._web3.provider.make_request(RPCEndpoint(method), list(params)))  # noqa: E731
        answer: dict[str, Any] = self._ask(method, ask)
        if "error" in answer:
            raise RpcFailed(method=method, reason=str(answer["error"])[:_MAX_REASON])
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
            with warnings.catch_warnings(action="ignore"):  # web3 warns of what a node cannot do, and does without
                return ask()
        except (TransactionNotFound, BlockNotFound):
            return None
        except ContractLogicError as error:
            raise _RevertedError(_revert_data(error.data)) from None
        except Web3RPCError as error:
            response = error.rpc_response or {}
            problem: Any = response.get("error") or {}
            message = problem.get("message") if isinstance(problem, dict) else str(problem)
            raise RpcFailed(method=method, reason=str(message or error)[:_MAX_REASON]) from None
        except requests.exceptions.HTTPError as error:
            code = error.response.status_code if error.response is not None else "?"
            raise RpcUnreachable(url=self.place, reason=f"HTTP {code}") from None
        except requests.exceptions.RequestException as error:
            raise RpcUnreachable(url=self.place, reason=type(error).__name__) from None
        except (Web3Exception, *_MALFORMED) as error:
            raise RpcFailed(method=method, reason=f"its answer is malformed ({type(error).__name__})") from None


class _RevertedError(Exception):
    """Revert data on its way to being named."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data


def _session(url: str) -> requests.Session:
    """Connections that all threads share. The environment is asked once, for proxies and certificates, and .netrc never: what it
    has for a host is not meant for a node there.
    """
    session = requests.Session()
    session.trust_env = False
    with suppress(ValueError):  # what is no URL is named by the first request
        session.proxies.update(get_environ_proxies(url))
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return session


def redacted(url: str) -> str:
    """A URL without what may be a secret: user, password, path and query."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(no readable URL)"
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def _revert_data(data: Any) -> bytes:
    text = data.get("data") if isinstance(data, dict) else data
    try:
        return to_bytes(text) if isinstance(text, str) else b""
    except ValueError:
        return b""


def _log(item: Mapping[str, Any]) -> Log:
    return Log(
        address=_address(item["address"]),
        topics=tuple(_hex32(topic) for topic in item["topics"]),
        data=_raw(item["data"]),
        block_number=_quantity(item["blockNumber"]),
        block_hash=_hex32(item["blockHash"]),
        tx_hash=_hex32(item["transactionHash"]),
        index=_quantity(item["logIndex"]),
    )


def _is_asked_for(log: Log, address: Address, topics: Sequence[str | None]) -> bool:
    if log.address.lower() != address.lower() or len(log.topics) < len(topics):
        return False
    return all(wanted in {None, got} for wanted, got in zip(topics, log.topics, strict=False))


def _quantity(value: Any, largest: int = 2**256 - 1) -> int:
    if type(value) is not int or not 0 <= value <= largest:
        raise ValueError("no quantity")
    return value


def _raw(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("no bytes")
    return bytes(value)


def _hex32(value: Any) -> Hex32:
    return hex32(_raw(value))


def _address(value: Any) -> Address:
    return Address(str(_checksummed(value)))


def _checksummed(address: Address) -> Any:
    return Web3.to_checksum_address(address)
