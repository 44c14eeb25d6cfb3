"""A signer behind JSON-RPC: web3signer, or Clef. It is asked to sign and never to send, and what it answers is re-checked.

An answer is hostile until then: short, in time, JSON, and hex. The URL may hold a password, so no error repeats more of it than
its host; a redirect is not followed, because it would take the password elsewhere.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.exceptions

from bridge.chain.rpc import CONNECT_SECONDS, REQUEST_SECONDS, redacted
from bridge.chain.signature import Signed, recheck
from bridge.core.word import Address, hex_bytes, parse_address, to_bytes
from bridge.errors import AccountRefused, SignatureRefused, SignerDeclined, SignerUnreachable

MAX_ANSWER_BYTES = 2**20
"""Nodes take transactions of up to 128 KiB; Clef's answer holds one twice, in hex."""

_CHUNK_BYTES = 2**16
_MAX_SAID = 300
"""Characters of a signer's own words that an error repeats."""
_OK = 200


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a kind of signer is asked."""

    name: str
    method: str
    seconds: float
    """For a whole answer."""
    wraps: bool
    """Whether the signed transaction is the field `raw` of the result, beside the same as JSON."""
    takes_chain: bool
    """Whether the request says which chain; a signer that is set up for one is not asked to sign for it by name."""


WEB3SIGNER = Dialect("web3signer", "eth_signTransaction", REQUEST_SECONDS, wraps=False, takes_chain=False)
"""https://docs.web3signer.consensys.io/reference/api/json-rpc#eth_signtransaction"""
CLEF = Dialect("clef", "account_signTransaction", 300.0, wraps=True, takes_chain=True)
"""https://geth.ethereum.org/docs/tools/clef/apis; somebody may have to approve by hand, which takes minutes."""


@dataclass(frozen=True, slots=True)
class RemoteSigner:
    """Make one with `open_remote`."""

    address: Address
    dialect: Dialect
    _url: str = field(repr=False)

    @property
    def place(self) -> str:
        """For errors: the kind of signer and its host."""
        return f"{self.dialect.name}:{redacted(self._url)}"

    def sign(self, transaction: Mapping[str, Any]) -> Signed:
        """Raises `SignerUnreachable`, `SignerDeclined`, `SignatureRefused`."""
        return recheck(self._raw(self._ask(transaction)), transaction, self.address, self.place)

    def _ask(self, transaction: Mapping[str, Any]) -> Any:
        """The result of one request, whatever it is."""
        parameter = {
            name: _hex(value) for name, value in transaction.items() if name != "chainId" or self.dialect.takes_chain
        }
        request = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": self.dialect.method,
            "params": [{"from": self.address, **parameter}],
        }
        status, body = self._answer(json.dumps(request).encode())
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            document = None
        problem = document.get("error") if isinstance(document, dict) else None
        if problem is not None:
            message = problem.get("message") if isinstance(problem, dict) else problem
            raise SignerDeclined(self.place, said(str(message)))
        if status != _OK:
            raise SignerUnreachable(self.place, f"HTTP {status}")
        if not isinstance(document, dict):
            raise SignatureRefused(self.place, "the answer", "a JSON-RPC document", f"{len(body)} bytes that are none")
        return document.get("result")

    def _raw(self, result: Any) -> bytes:
        raw = result.get("raw") if self.dialect.wraps and isinstance(result, dict) else result
        try:
            if not isinstance(raw, str) or not raw.startswith("0x"):
                raise ValueError("no hex")
            return to_bytes(raw)
        except ValueError:
            got = f"a text of {len(raw)} characters" if isinstance(raw, str) else f"a {type(raw).__name__}"
            raise SignatureRefused(self.place, "the result", "a signed transaction in hex", got) from None

    def _answer(self, body: bytes) -> tuple[int, bytes]:
        """Status and body. In a thread, because a server that sends a byte now and then outlasts every timeout of requests."""
        answers: SimpleQueue[tuple[int, bytes] | Exception] = SimpleQueue()

        def send() -> None:
            try:
                answers.put(self._post(body))
            except Exception as error:  # every one of them, because this thread has nobody to tell
                answers.put(error)

        threading.Thread(target=send, daemon=True).start()
        try:
            answer = answers.get(timeout=self.dialect.seconds)
        except Empty:
            answer = TimeoutError()
        if isinstance(answer, SignatureRefused):
            raise answer
        if isinstance(answer, (TimeoutError, requests.exceptions.ReadTimeout)):
            raise SignerUnreachable(self.place, f"no answer within {self.dialect.seconds:g} s") from None
        if isinstance(answer, Exception):
            raise SignerUnreachable(self.place, type(answer).__name__) from None  # its text may hold the URL
        return answer

    def _post(self, body: bytes) -> tuple[int, bytes]:
        whole = bytearray()
        with requests.post(
            self._url,
            data=body,
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
            timeout=(CONNECT_SECONDS, self.dialect.seconds),
            allow_redirects=False,
            stream=True,
        ) as response:
            while chunk := response.raw.read(_CHUNK_BYTES, decode_content=False):
                whole += chunk
                if len(whole) > MAX_ANSWER_BYTES:
                    expected = f"at most {MAX_ANSWER_BYTES} bytes"
                    raise SignatureRefused(self.place, "the answer", expected, "longer")
            return response.status_code, bytes(whole)


def open_remote(dialect: Dialect, where: str) -> RemoteSigner:
    """The signer at `URL#ADDRESS`. Raises `AccountRefused`, which repeats nothing but the host."""
    url, _, account = where.rpartition("#")
    usual = f"write {dialect.name}:URL#0xADDRESS"
    if not _is_http(url):
        raise AccountRefused(name=f"{dialect.name}:…", reason=f"it holds no http or https URL before a #: {usual}")
    try:
        address = parse_address(account)
    except ValueError:
        reason = f"after the # stands no address with a true checksum: {usual}"
        raise AccountRefused(name=f"{dialect.name}:{redacted(url)}", reason=reason) from None
    return RemoteSigner(address, dialect, url)


def said(text: str) -> str:
    """A signer's own words, fit for a terminal: one line, and short."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split()).rstrip(".")
    return f"{line[:_MAX_SAID]}…" if len(line) > _MAX_SAID else line or "no reason given"


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _hex(value: Any) -> str:
    if isinstance(value, int):
        return hex(value)
    return hex_bytes(value) if isinstance(value, bytes) else str(value)
