"""One HTTP request to a service on the network, within bounds: what it says is a claim, short, in time, and JSON or nothing.

Redirects are not followed, because a body may hold an API key. A secret is only ever put in a body: paths and queries end
up in logs. No error repeats what the HTTP library says of a failure, because it may hold the request.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TypeVar
from urllib.parse import quote_plus, urlsplit

import requests
import requests.exceptions
from pydantic import BaseModel, ValidationError
from urllib3.exceptions import HTTPError

from bridge.chain.rpc import redacted
from bridge.errors import ExplorerMalformed, ExplorerUnreachable, OptionInvalid

MAX_ANSWER_BYTES = 4 * 2**20
"""An honest refusal may hold the code on the chain and the code that was compiled, twice each."""
CONNECT_SECONDS = 5.0

_CHUNK_BYTES = 2**16
_MAX_SAID = 300
"""Characters of a service's own words that an error repeats."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SERVER_ERROR = 500

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body that was read to its end."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Service:
    """A service at a URL. Raises `ExplorerUnreachable` and `ExplorerMalformed` from every method."""

    title: str
    url: str
    secret: str = field(default="", repr=False)
    """What must not come back out of it in any error."""

    def ask(self, path: str, seconds: float, *, body: bytes | None = None, kind: str = "application/json") -> Answer:
        """GET, or POST where there is a body; `seconds` bound all of it, looking up the name included."""
        answers: SimpleQueue[Answer | Exception] = SimpleQueue()

        def send() -> None:
            try:
                answers.put(self._send(path, seconds, body, kind))
            except Exception as error:  # every one of them, because this thread has nobody to tell
                answers.put(error)

        threading.Thread(target=send, daemon=True).start()
        try:
            answer = answers.get(timeout=max(seconds, 0))
        except Empty:
            answer = TimeoutError()
        if isinstance(answer, (ExplorerUnreachable, ExplorerMalformed)):
            raise answer
        if isinstance(answer, (TimeoutError, requests.exceptions.Timeout)):
            raise self._unreachable(f"no answer within {seconds:.0f} s") from None
        if isinstance(answer, Exception):
            raise self._unreachable(type(answer).__name__) from None
        if answer.status >= _SERVER_ERROR:
            raise self._unreachable(f"HTTP {answer.status}")
        return answer

    def read(self, answer: Answer, model: type[Model]) -> Model:
        """The body as a record."""
        try:
            return model.model_validate_json(answer.body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "document"
            raise self.malformed(f"HTTP {answer.status}, {where}: {first['msg']}") from None

    def malformed(self, reason: str) -> ExplorerMalformed:
        """For an answer that is well-formed and still not the API's."""
        return ExplorerMalformed(service=self.title, url=redacted(self.url), reason=self.said(reason))

    def said(self, text: str) -> str:
        """A service's own words, fit for a terminal: one line, short, without our secret."""
        for secret in {self.secret, quote_plus(self.secret)} - {""}:
            text = text.replace(secret, "***")
        line = " ".join("".join(char if char.isprintable() else " " for char in text).split()).rstrip(".")
        return f"{line[:_MAX_SAID]}…" if len(line) > _MAX_SAID else line or "no reason given"

    def _send(self, path: str, seconds: float, body: bytes | None, kind: str) -> Answer:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if body is not None:
            headers["Content-Type"] = kind
        method = "GET" if body is None else "POST"
        with requests.request(
            method,
            f"{self.url.rstrip('/')}{path}",
            data=body,
            headers=headers,
            timeout=(CONNECT_SECONDS, seconds),
            allow_redirects=False,
            stream=True,
        ) as response:
            return Answer(response.status_code, self._bounded(response))

    def _bounded(self, response: requests.Response) -> bytes:
        whole = bytearray()
        try:
            while chunk := response.raw.read(_CHUNK_BYTES, decode_content=False):
                whole += chunk
                if len(whole) > MAX_ANSWER_BYTES:
                    raise self.malformed(f"it is longer than {MAX_ANSWER_BYTES} bytes")
        except HTTPError as error:
            raise self._unreachable(type(error).__name__) from None
        return bytes(whole)

    def _unreachable(self, reason: str) -> ExplorerUnreachable:
        return ExplorerUnreachable(service=self.title, url=redacted(self.url), reason=reason)


def check_url(url: str) -> str:
    """A service's URL as somebody typed it: https, or http to this machine. Raises `OptionInvalid`."""
    try:
        parts = urlsplit(url)
        host, plain = parts.hostname or "", not (parts.query or parts.fragment or parts.username or parts.password)
    except ValueError:
        host, plain = "", False
    if host and plain and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        return url
    expected = "an https URL without user and query (http to this machine only)"
    raise OptionInvalid(option="--url", got=redacted(url), expected=expected)
