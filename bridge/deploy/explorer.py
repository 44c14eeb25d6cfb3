"""Where source is published: Sourcify and Etherscan, each asked until it says verified, verified before, or refused.

Publishing twice is harmless, so nothing is remembered here: what is verified already is told by the service. Sourcify's API
is version 2 (https://docs.sourcify.dev), Etherscan's too (https://docs.etherscan.io/contract-verification/verify-with-api).
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Protocol
from urllib.parse import urlencode

from pydantic import BaseModel, Field, StringConstraints

from bridge.core.progress import Progress, silent
from bridge.core.word import Address
from bridge.deploy.service import Answer, Service, check_url
from bridge.deploy.source import SourceBundle
from bridge.errors import ExplorerKeyMissing, ExplorerRefused, ExplorerTimeout, OptionInvalid

KEY_VARIABLE = "PROOFBRIDGE_ETHERSCAN_KEY"
"""The only place that an API key is taken from."""

HOSTS = {"sourcify": "https://sourcify.dev/server", "etherscan": "https://api.etherscan.io"}
"""Where each of them is, unless a URL is given."""

VERIFIED = "verified"
ALREADY = "verified before"

_ALREADY_VERIFIED = ("already verified", "contract source code already verified", "smart-contract already verified")
_TRY_AGAIN = ("max rate limit", "max calls per sec", "unable to locate contractcode", "pending", "in progress")
"""How Etherscan says that it limits us, has not seen the new contract, or is still at work."""
_CONFLICT, _ACCEPTED, _OK, _TOO_MANY = 409, 202, 200, 429


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for one answer, for one contract, and between two questions."""

    request: float = 60.0
    total: float = 300.0
    pause: float = 1.0
    longest_pause: float = 8.0


@dataclass(frozen=True, slots=True)
class Published:
    """One contract whose source a service now shows."""

    contract: str
    address: Address
    status: str
    """`VERIFIED` or `ALREADY`."""


@dataclass(frozen=True, slots=True)
class Later:
    """A service that wants to be asked again, and why."""

    reason: str


class Explorer(Protocol):
    """A service that recompiles a source and shows it beside the contract. Both raise members of `ExplorerError`."""

    @property
    def service(self) -> Service:
        """Where it is."""

    def submit(self, bundle: SourceBundle, seconds: float) -> str | Published | Later:
        """Hand in one source, for a ticket or at once a verdict."""

    def verdict(self, bundle: SourceBundle, ticket: str, seconds: float) -> Published | Later:
        """What became of a ticket."""


def publish(
    bundle: SourceBundle, explorer: Explorer, patience: Patience | None = None, progress: Progress = silent
) -> Published:
    """Hand in one source and wait for the verdict. Raises members of `ExplorerError`."""
    title = explorer.service.title
    wait = _Wait(title, bundle.contract, patience or Patience())
    progress(f"sending the source of {bundle.contract} to {title}")
    found = wait.until(partial(explorer.submit, bundle))
    while isinstance(found, str):
        progress(f"waiting for {title} to compile {bundle.contract}")
        found = wait.until(partial(explorer.verdict, bundle, found))
    return found


def open_explorer(name: str, url: str | None = None) -> Explorer:
    """A service by its name. Raises `OptionInvalid`, `ExplorerKeyMissing`."""
    if name not in HOSTS:
        raise OptionInvalid(option="--to", got=name, expected=" or ".join(HOSTS))
    host = check_url(url) if url is not None else HOSTS[name]
    if name == "sourcify":
        return Sourcify(Service("Sourcify", host))
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise ExplorerKeyMissing(service="Etherscan", variable=KEY_VARIABLE)
    return Etherscan(Service("Etherscan", host, secret=key))


class _Problem(BaseModel):
    """How Sourcify refuses."""

    customCode: str  # noqa: N815 - the API's names
    message: str


class _Ticket(BaseModel):
    """Sourcify's receipt. Its number becomes a path, so it is held to its form."""

    verificationId: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F-]{36}$")]  # noqa: N815


class _Match(BaseModel):
    """What a job found out about which contract."""

    match: str | None = None
    chainId: str  # noqa: N815
    address: str


class _Job(BaseModel):
    """Sourcify's work on a ticket."""

    isJobCompleted: bool  # noqa: N815
    contract: _Match | None = None
    error: _Problem | None = None


@dataclass(frozen=True, slots=True)
class Sourcify:
    """sourcify.dev, or a server of one's own."""

    service: Service

    def submit(self, bundle: SourceBundle, seconds: float) -> str | Published | Later:
        """Hand in one source, for a ticket or at once a verdict."""
        document = {
            "stdJsonInput": bundle.standard_json_input,
            "compilerVersion": bundle.compiler_version,
            "contractIdentifier": bundle.contract_identifier,
        }
        if bundle.creation_transaction_hash is not None:
            document["creationTransactionHash"] = bundle.creation_transaction_hash
        path = f"/v2/verify/{bundle.chain_id}/{bundle.address}"
        answer = self.service.ask(path, seconds, body=json.dumps(document).encode())
        if answer.status == _ACCEPTED:
            return self.service.read(answer, _Ticket).verificationId
        problem = self._problem(answer)
        if answer.status == _CONFLICT and problem.customCode == "already_verified":
            return Published(bundle.contract, bundle.address, ALREADY)
        if answer.status == _TOO_MANY:
            return self._later(problem)  # somebody's job on the same contract is under way, or we are too fast
        raise self._refused(bundle, problem)

    def verdict(self, bundle: SourceBundle, ticket: str, seconds: float) -> Published | Later:
        """What became of a ticket."""
        answer = self.service.ask(f"/v2/verify/{ticket}", seconds)
        if answer.status != _OK:
            problem = self._problem(answer)
            if answer.status == _TOO_MANY:
                return self._later(problem)
            raise self._refused(bundle, problem)
        job = self.service.read(answer, _Job)
        found = job.contract
        if found and (found.chainId, found.address.lower()) != (str(bundle.chain_id), bundle.address.lower()):
            raise self.service.malformed("its verdict is about another contract")
        if not job.isJobCompleted:
            return Later("it is at work")
        if job.error is not None and job.error.customCode == "already_verified":
            return Published(bundle.contract, bundle.address, ALREADY)
        if job.error is not None:
            raise self._refused(bundle, job.error)
        if found is None or found.match not in {"match", "exact_match"}:
            raise self.service.malformed("it finished without a match and without an error")
        return Published(bundle.contract, bundle.address, VERIFIED)

    def _problem(self, answer: Answer) -> _Problem:
        return self.service.read(answer, _Problem)

    def _later(self, problem: _Problem) -> Later:
        return Later(self.service.said(problem.message))

    def _refused(self, bundle: SourceBundle, problem: _Problem) -> ExplorerRefused:
        return _refusal(self.service, bundle, f"{problem.message.rstrip('. ')} ({problem.customCode})")


class _Said(BaseModel):
    """Every answer of Etherscan's."""

    status: Annotated[str, Field(pattern="^[01]$")]
    message: str
    result: str


_GUID = re.compile(r"[0-9A-Za-z-]{1,100}")


@dataclass(frozen=True, slots=True)
class Etherscan:
    """etherscan.io, whose one key is good for every chain it knows."""

    service: Service

    def submit(self, bundle: SourceBundle, seconds: float) -> str | Published | Later:
        """Hand in one source, for a ticket or at once a verdict."""
        arguments = bundle.constructor_arguments.removeprefix("0x")
        said = self._ask(
            bundle.chain_id,
            seconds,
            action="verifysourcecode",
            contractaddress=bundle.address,
            sourceCode=json.dumps(bundle.standard_json_input),
            codeformat="solidity-standard-json-input",
            contractname=bundle.contract_identifier,
            compilerversion=f"v{bundle.compiler_version}",
            # The API's own spelling for years, and the one that its documentation gives now.
            constructorArguements=arguments,
            constructorArguments=arguments,
        )
        if said.status == "1":
            return _ticket(self.service, said)
        return self._settled(bundle, said)

    def verdict(self, bundle: SourceBundle, ticket: str, seconds: float) -> Published | Later:
        """What became of a ticket."""
        said = self._ask(bundle.chain_id, seconds, action="checkverifystatus", guid=ticket)
        if said.status == "1" and said.result.lower().startswith("pass"):
            return Published(bundle.contract, bundle.address, VERIFIED)
        return self._settled(bundle, said)

    def _settled(self, bundle: SourceBundle, said: _Said) -> Published | Later:
        result = said.result.lower()
        if result.startswith(_ALREADY_VERIFIED):
            return Published(bundle.contract, bundle.address, ALREADY)
        if result.startswith(_TRY_AGAIN):
            return Later(self.service.said(said.result))
        if said.status == "1":
            raise self.service.malformed(f"an unknown verdict: {said.result}")
        raise _refusal(self.service, bundle, said.result)

    def _ask(self, chain_id: int, seconds: float, **fields: str) -> _Said:
        """A POST for questions too, so that the key is never part of a URL."""
        form = urlencode({"apikey": self.service.secret, "module": "contract", **fields}).encode()
        path, kind = f"/v2/api?chainid={chain_id}", "application/x-www-form-urlencoded"
        answer = self.service.ask(path, seconds, body=form, kind=kind)
        return self.service.read(answer, _Said)


def _ticket(service: Service, said: _Said) -> str:
    """Etherscan's receipt. It is sent back, so it is held to its form."""
    if not _GUID.fullmatch(said.result):
        raise service.malformed("its receipt is no guid")
    return said.result


def _refusal(service: Service, bundle: SourceBundle, reason: str) -> ExplorerRefused:
    return ExplorerRefused(
        service=service.title, contract=bundle.contract, address=bundle.address, reason=service.said(reason)
    )


class _Wait:
    """The time that one contract may take."""

    def __init__(self, service: str, contract: str, patience: Patience) -> None:
        self._service = service
        self._contract = contract
        self._patience = patience
        self._end = time.monotonic() + patience.total

    def until(self, ask: Callable[[float], str | Published | Later]) -> str | Published:
        """Ask until there is an answer. Raises `ExplorerTimeout`, and what `ask` raises."""
        pause, reason = self._patience.pause, "nothing"
        while time.monotonic() < self._end:
            answer = ask(min(self._patience.request, self._patience.total))
            if not isinstance(answer, Later):
                return answer
            reason = answer.reason
            time.sleep(max(0.0, min(pause, self._end - time.monotonic())))
            pause = min(2 * pause, self._patience.longest_pause)
        raise ExplorerTimeout(
            service=self._service, contract=self._contract, seconds=self._patience.total, reason=reason
        )
