"""JSON-RPC as it stands in the answers, for whoever reads much of a chain: many calls in one exchange, and answers of a bounded size.

Nothing is formatted or believed here: what is in an answer is for whoever asked to check.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
import requests
from requests.utils import get_environ_proxies

from bridge.chain.rpc import CONNECT_SECONDS, REQUEST_SECONDS, redacted
from bridge.errors import RpcFailed, RpcUnreachable

Call = tuple[str, list[Any]]
"""A method and its parameters."""

MOST_BYTES = 256 * 2**20
"""Of one answer."""
_CHUNK = 2**20
_NO_SUCH_METHOD = -32601
_HTTP_OK = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a node said in place of a result."""

    method: str
    code: int
    message: str

    @property
    def is_of_the_method(self) -> bool:
        """Whether the node has no such method at all."""
        return self.code == _NO_SUCH_METHOD

    def error(self) -> RpcFailed:
        """The same, to be raised."""
        return RpcFailed(method=self.method, reason=self.message)


class Wire:
    """Connections to one node. Every method raises `RpcUnreachable` and `RpcFailed`."""

    def __init__(self, url: str) -> None:
        """Nothing is sent yet."""
        self.place = redacted(url)
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # what .netrc has for a host is not meant for a node there
        with suppress(ValueError):
            self._session.proxies.update(get_environ_proxies(url))
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def ask(self, method: str, *params: Any) -> Any:
        """The result of one call."""
        return self.ask_all([(method, list(params))])[0]

    def ask_all(self, calls: Sequence[Call], *, together: int = 50) -> list[Any]:
        """The results of calls, `together` of them in an exchange, in order."""
        answers = self.try_all(calls, together=together)
        for answer in answers:
            if isinstance(answer, Refusal):
                raise answer.error()
        return answers

    def try_all(self, calls: Sequence[Call], *, together: int = 50) -> list[Any | Refusal]:
        """The same with refusals in the place of results."""
        answers: list[Any] = []
        for at in range(0, len(calls), together):
            answers += self._exchange(calls[at : at + together])
        return answers

    def _exchange(self, calls: Sequence[Call]) -> list[Any]:
        bodies = [{"jsonrpc": "2.0", "id": at, "method": call[0], "params": call[1]} for at, call in enumerate(calls)]
        if len(bodies) == 1:
            return [_result(calls[0][0], self._post(bodies[0]))]
        documents = self._post(bodies)
        if isinstance(documents, dict):  # it takes no batches, or not of this size
            return [_result(call[0], self._post(body)) for call, body in zip(calls, bodies, strict=True)]
        if not isinstance(documents, list) or len(documents) != len(calls):
            raise _malformed(calls[0][0])
        by_id = {document.get("id"): document for document in documents if isinstance(document, dict)}
        if by_id.keys() != set(range(len(calls))):
            raise _malformed(calls[0][0])
        return [_result(call[0], by_id[at]) for at, call in enumerate(calls)]

    def _post(self, document: Any) -> Any:
        """What is answered to a document."""
        headers, timeout = {"Content-Type": "application/json"}, (CONNECT_SECONDS, REQUEST_SECONDS)
        try:
            with self._session.post(
                self._url, orjson.dumps(document), headers=headers, timeout=timeout, stream=True
            ) as answer:
                if answer.status_code != _HTTP_OK:
                    raise RpcUnreachable(url=self.place, reason=f"HTTP {answer.status_code}")
                body = bytearray()
                for chunk in answer.iter_content(_CHUNK):
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise RpcUnreachable(url=self.place, reason=f"it sent more than {MOST_BYTES} bytes")
        except requests.exceptions.RequestException as error:
            raise RpcUnreachable(url=self.place, reason=type(error).__name__) from None
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise RpcUnreachable(url=self.place, reason="its answer is no JSON") from None


def _result(method: str, document: Any) -> Any | Refusal:
    if not isinstance(document, dict):
        raise _malformed(method)
    problem = document.get("error")
    if problem is None:
        return document.get("result")
    code, message = (problem.get("code"), problem.get("message")) if isinstance(problem, dict) else (None, problem)
    return Refusal(method, code if isinstance(code, int) else 0, str(message)[:500])


def _malformed(method: str) -> RpcFailed:
    return RpcFailed(method=method, reason="its answer is no JSON-RPC")
