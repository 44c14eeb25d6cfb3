"""One HTTP server and what it answers, within bounds: in time, not too long, and a problem document where it refuses.

Redirects are not followed, because the API key would go with them. The environment's proxies are used, its .netrc is not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

import requests
import requests.exceptions
from pydantic import BaseModel, TypeAdapter, ValidationError
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from bridge.chain.rpc import CONNECT_SECONDS, redacted
from bridge.errors import AnswerMalformed, ServerRefused, ServerUnreachable

MAX_ANSWER_BYTES = 64 * 2**20
"""A page of 200 records with long outputs is far below."""

_CHUNK_BYTES = 2**16
_MAX_SAID = 300
"""Characters of a server's own words that an error repeats."""
_REFUSED = 300

T = TypeVar("T")
Parameters = Mapping[str, str | int | Sequence[str] | None]


class _Problem(BaseModel):
    """RFC 9457, as far as it is repeated."""

    title: str = ""
    detail: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """Raises `ServerUnreachable`, `ServerRefused`, `AnswerMalformed` from every method."""

    url: str = field(repr=False)
    api_key: str = field(default="", repr=False)
    seconds: float = 20.0
    """For a whole answer."""

    @property
    def place(self) -> str:
        """For errors: the URL without what may be a secret."""
        return redacted(self.url)

    def get(self, adapter: TypeAdapter[T], *path: str, **parameters: str | int | Sequence[str] | None) -> T:
        """What a resource holds; a parameter that is None is left out."""
        with self.opened("GET", path, parameters, {}) as answer:
            return self._parsed(adapter, path, self._body(answer))

    def post(self, adapter: TypeAdapter[T], *path: str, body: bytes, idempotency_key: str) -> T:
        """What became of a request that may be sent again with the same key."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        with self.opened("POST", path, {}, headers, body) as answer:
            return self._parsed(adapter, path, self._body(answer))

    def delete(self, adapter: TypeAdapter[T], *path: str) -> T:
        """What is left of a resource that ends."""
        with self.opened("DELETE", path, {}, {}) as answer:
            return self._parsed(adapter, path, self._body(answer))

    @contextmanager
    def opened(
        self,
        method: str,
        path: Sequence[str],
        parameters: Parameters,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Iterator[requests.Response]:
        """An answer that is no refusal, its body not read yet."""
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.proxies.update(get_environ_proxies(self.url))
                own = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
                with session.request(
                    method,
                    "/".join([self.url.rstrip("/"), *(quote(part, safe="") for part in path)]),
                    params=given,
                    data=body,
                    headers={"Accept": "application/json", **headers, **own},
                    timeout=(CONNECT_SECONDS, self.seconds),
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    if answer.status_code >= _REFUSED:
                        raise self._refusal(path, answer)
                    yield answer
        except (requests.exceptions.RequestException, HTTPError, OSError) as error:
            raise ServerUnreachable(url=self.place, reason=type(error).__name__) from None

    def chunks(self, answer: requests.Response) -> Iterator[bytes]:
        """The body as it comes."""
        while chunk := answer.raw.read1(_CHUNK_BYTES, decode_content=True):
            yield chunk

    def malformed(self, path: Sequence[str], reason: str) -> AnswerMalformed:
        """The error for an answer of another form."""
        return AnswerMalformed(url="/".join([self.place, *path]), reason=reason[:_MAX_SAID])

    def _body(self, answer: requests.Response) -> bytes:
        until, body = time.monotonic() + self.seconds, bytearray()
        for chunk in self.chunks(answer):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise AnswerMalformed(url=self.place, reason=f"it is longer than {MAX_ANSWER_BYTES} bytes")
            if time.monotonic() > until:
                raise ServerUnreachable(url=self.place, reason=f"not whole after {self.seconds:g} s")
        return bytes(body)

    def _parsed(self, adapter: TypeAdapter[T], path: Sequence[str], body: bytes) -> T:
        try:
            return adapter.validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "document"
            raise self.malformed(path, f"{where}: {first['msg']}") from None

    def _refusal(self, path: Sequence[str], answer: requests.Response) -> ServerRefused:
        try:
            problem = _Problem.model_validate_json(self._body(answer))
        except ValidationError:
            problem = _Problem()
        said = " ".join(f"{problem.detail} {problem.fix}".split())
        return ServerRefused(
            url="/".join([self.place, *path]),
            status=answer.status_code,
            title=_one_line(problem.title or answer.reason or ""),
            reason=_one_line(said) or "it does not say why",
        )


def _one_line(text: str) -> str:
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:_MAX_SAID].rstrip(".")
