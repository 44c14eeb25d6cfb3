"""One JSON-RPC node. The only file that imports web3. What a node says is a claim: it is parsed and bounded, never trusted.

web3's provider carries what is asked (`question`) and what comes back (`answer`), and nothing else of web3 has a say. Its own
retry is off: it would send a transaction a second time without anybody deciding so.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import requests.exceptions
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from web3 import HTTPProvider
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint

from bridge.chain import question
from bridge.chain.answer import Block, Log, Receipt, Transaction
from bridge.chain.question import Question
from bridge.core.word import Address, Hex32, to_bytes
from bridge.errors import BridgeError, ContractReverted, RpcFailed, RpcUnreachable, WrongChain
from bridge.solidity.abi import Abi, decode_revert

CONNECT_SECONDS = 4.0
REQUEST_SECONDS = 20.0
_CONNECTIONS = 16
"""That are kept open to a node."""
_TOGETHER = 64
"""Questions in one request at most; a node that takes fewer says so by refusing, and is asked fewer from then on."""
_REFUSES_MANY = frozenset(f"HTTP {code}" for code in (400, 404, 405, 413, 415, 422, 501))
"""What a node that takes no batches, or none so large, may answer by HTTP."""
_MAX_REASON = 300
"""Characters of a node's own words that an error repeats."""
_REVERTED = 3
"""geth's code of an error that a contract raised."""
_PARITY = "Reverted "
"""What some nodes write before the data of a revert."""
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading raises on an answer of another form than the method's."""

T = TypeVar("T")


class Rpc:
    """A node whose chain id was checked. Raises `RpcUnreachable` and `RpcFailed` from every method."""

    def __init__(self, url: str, expected_chain_id: int | None = None) -> None:
        """Raises also `WrongChain`."""
        self.place = redacted(url)
        timeout = (CONNECT_SECONDS, REQUEST_SECONDS)
        self._provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout}, session=_session(url), exception_retry_configuration=None
        )
        self._together = _TOGETHER
        self.chain_id: int = self.ask(question.chain_id())
        if expected_chain_id is not None and self.chain_id != expected_chain_id:
            raise WrongChain(url=self.place, expected=expected_chain_id, got=self.chain_id)

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(self, asked: Question[T]) -> T:
        """The answer. Raises also `ContractReverted`, and what reading it raises of our own tree."""
        endpoint = RPCEndpoint(asked.method)
        document = self._carried(asked.method, lambda: self._provider.make_request(endpoint, list(asked.params)))
        return self._read(asked, document)

    def ask_all(self, asked: Sequence[Question[T]]) -> list[T | BridgeError]:
        """Each answer, or why there is none: in as few requests as the node takes. Raises nothing of the node's."""
        answers: list[T | BridgeError] = []
        while len(answers) < len(asked):
            some = asked[len(answers) : len(answers) + self._together]
            if len(some) == 1:
                alone = self._tried(some[0])
                answers.append(alone)
                continue
            try:
                documents = self._carried_together(some)
            except (RpcUnreachable, RpcFailed) as error:  # what is left would only wait for the same
                return [*answers, *[error] * (len(asked) - len(answers))]
            if documents is None:
                self._together = max(1, len(some) // 2)
                continue
            for each, document in zip(some, documents, strict=True):
                told = self._tried(each, document)
                answers.append(told)
        return answers

    def _tried(self, asked: Question[T], document: Any = None) -> T | BridgeError:
        try:
            return self.ask(asked) if document is None else self._read(asked, document)
        except BridgeError as error:
            return error

    def _carried_together(self, asked: Sequence[Question[Any]]) -> list[Any] | None:
        """The answers in the order of the questions; None where the node refuses so many at once, and so did nothing."""
        batch = [(RPCEndpoint(each.method), list(each.params)) for each in asked]
        method = f"{asked[0].method} and others"
        try:
            answered: Any = self._carried(method, lambda: self._provider.make_batch_request(batch))
        except RpcUnreachable as error:
            if error.reason in _REFUSES_MANY:
                return None
            raise
        if isinstance(answered, dict) and answered.get("error"):
            return None
        numbers = [each.get("id") for each in answered] if _is_documents(answered) else []
        # web3 numbers its questions one by one, and sorts what comes back by that number.
        if len(numbers) != len(asked) or any(
            type(number) is not int or number != numbers[0] + place for place, number in enumerate(numbers)
        ):
            raise RpcFailed(method=method, reason="its answers are not those to the questions")
        return list(answered)

    def _carried(self, method: str, ask: Callable[[], Any]) -> Any:
        """What came back over the wire, as JSON."""
        try:
            with warnings.catch_warnings(action="ignore"):  # web3 warns of what is refused here
                return ask()
        except requests.exceptions.HTTPError as error:
            code = error.response.status_code if error.response is not None else "?"
            raise RpcUnreachable(url=self.place, reason=f"HTTP {code}") from None
        except requests.exceptions.RequestException as error:
            raise RpcUnreachable(url=self.place, reason=type(error).__name__) from None
        except (Web3Exception, *_MALFORMED) as error:
            raise _malformed(method, error) from None

    def _read(self, asked: Question[T], document: Any) -> T:
        try:
            result = _result(asked, document)
            return asked.read(result)
        except _MALFORMED as error:
            raise _malformed(asked.method, error) from None

    # --- what is asked ------------------------------------------------------------------------------------------------

    def block_number(self) -> int:
        """Number of the newest block."""
        return self.ask(question.block_number())

    def block(self, which: int | str = "latest") -> Block | None:
        """A block by number or tag; None if there is none, or the node does not know the tag."""
        try:
            return self.ask(question.block(which))
        except RpcFailed:
            if isinstance(which, str):
                return None
            raise

    def code(self, address: Address, which: int | str = "latest") -> bytes:
        """Runtime code at an address, empty where there is none; as of an earlier block only of a node that keeps it."""
        return self.ask(question.code(address, which))

    def balance(self, address: Address) -> int:
        """Balance in wei."""
        return self.ask(question.balance(address))

    def nonce(self, address: Address, which: int | str = "pending") -> int:
        """Transactions sent by an address, up to a block by number or tag."""
        return self.ask(question.nonce(address, which))

    def gas_price(self) -> int:
        """What the node suggests, in wei, on a chain without EIP-1559."""
        return self.ask(question.gas_price())

    def priority_fee(self) -> int:
        """What the node suggests as a tip, in wei; where it suggests none, what was paid of late."""
        try:
            return self.ask(question.priority_fee())
        except RpcFailed:
            return self.ask(question.tip_history())

    def accounts(self) -> tuple[Address, ...]:
        """The accounts that the node itself holds unlocked."""
        return self.ask(question.accounts())

    def call(
        self, to: Address, data: bytes, *, label: str, abis: Sequence[Abi] = (), sender: Address | None = None
    ) -> bytes:
        """eth_call at the newest block. Raises `ContractReverted` with the error's name from `abis`."""
        fields = {"to": to, "data": data, **({} if sender is None else {"from": sender})}
        return self.ask(question.call(fields, label=label, abis=abis, read=bytes))

    def runs(self, creation: bytes) -> bool:
        """Whether the chain can execute creation code to its end."""
        try:
            self.ask(question.call({"data": creation}, label="a probe", read=bytes))
        except (ContractReverted, RpcFailed):
            return False
        return True

    def estimate_gas(self, transaction: Mapping[str, Any], *, label: str, abis: Sequence[Abi] = ()) -> int:
        """Gas that a transaction would use. Raises `ContractReverted`."""
        return self.ask(question.gas(transaction, label=label, abis=abis))

    def send_raw(self, raw: bytes) -> Hex32:
        """Broadcast a signed transaction."""
        return self.ask(question.sending(raw))

    def send_all(self, raws: Sequence[bytes]) -> list[Hex32 | BridgeError]:
        """Broadcast signed transactions: the hash of each, or why it was not taken."""
        return self.ask_all([question.sending(raw) for raw in raws])

    def send_unlocked(self, transaction: Mapping[str, Any]) -> Hex32:
        """Let the node sign and send for one of its own accounts."""
        return self.ask(question.sending_unlocked(transaction))

    def knows_transaction(self, tx_hash: Hex32) -> bool:
        """Whether the node has the transaction, mined or waiting."""
        return self.transaction(tx_hash) is not None

    def transaction(self, tx_hash: Hex32) -> Transaction | None:
        """A transaction, mined or waiting; None where the node has none of this hash."""
        return self.ask(question.transaction(tx_hash))

    def receipt(self, tx_hash: Hex32) -> Receipt | None:
        """The receipt, or None while there is none."""
        return self.ask(question.receipt(tx_hash))

    def logs(self, address: Address, topics: Sequence[str | None], first: int, last: int) -> tuple[Log, ...]:
        """Logs of one contract in blocks first..last, both included, in order; others than those asked for are refused."""
        return self.ask(question.logs(address, topics, first, last))

    def raw(self, method: str, *params: Any) -> Any:
        """A method that only some nodes have (a local chain's own). Raises `RpcFailed`."""
        return self.ask(question.anything(method, *params))


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


def _result(asked: Question[Any], document: Any) -> Any:
    """The result in an answer. Raises `ContractReverted`, `RpcFailed`; ValueError where it is no answer at all (JSON-RPC 2.0)."""
    if (
        not isinstance(document, dict)
        or document.get("jsonrpc") != "2.0"
        or ("error" in document) is ("result" in document)
    ):
        raise ValueError("no JSON-RPC")
    if "result" in document:
        if not isinstance(document.get("id"), int | str):
            raise ValueError("no id")
        return document["result"]
    problem = document["error"]
    message, code = problem["message"], problem["code"]
    if not isinstance(message, str) or not isinstance(code, int):
        raise TypeError("no error")
    if asked.nothing(message):
        return None
    if asked.label is not None and (data := _revert_data(problem, message, code)) is not None:
        name, arguments = decode_revert(data, asked.abis)
        raise ContractReverted(call=asked.label, error=name, arguments=arguments)
    raise RpcFailed(method=asked.method, reason=message[:_MAX_REASON])


def _revert_data(problem: Mapping[str, Any], message: str, code: int) -> bytes | None:
    """What a contract reverted with, empty where the node does not say; None where no contract did."""
    data = problem.get("data", "")
    if isinstance(data, dict):
        data = data.get("data")
        is_revert = True
    else:
        is_revert = (
            data is None
            or code == _REVERTED
            or "execution reverted" in message
            or (isinstance(data, str) and len(data) >= len("0x") + 8)
        )
    if not is_revert:
        return None
    try:
        return to_bytes(data.removeprefix(_PARITY)) if isinstance(data, str) else b""
    except ValueError:
        return b""


def _malformed(method: str, error: Exception) -> RpcFailed:
    return RpcFailed(method=method, reason=f"its answer is malformed ({type(error).__name__})")


def _is_documents(answered: Any) -> bool:
    return isinstance(answered, list) and all(isinstance(each, dict) for each in answered)
