"""Sourcify and Etherscan, small: they recompile what is posted with the real compiler and compare it with a real chain.

The forms of requests and answers are those of the services' documentation; a payload that they would refuse is refused here.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bridge.chain.rpc import Rpc
from bridge.connection import Connection
from bridge.core.progress import silent
from bridge.core.word import Address, to_bytes
from bridge.deploy.source import placements
from bridge.errors import CompileFailed
from bridge.solidity import solc

KEY = "THEKEY/ofNobody+1234567890"
"""With characters that a form has to escape."""

MISMATCH = (
    "Fail - Unable to verify. Compiled contract deployment bytecode does NOT match the transaction deployment bytecode."
)


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    body: bytes

    @property
    def route(self) -> str:
        return urlsplit(self.path).path

    @property
    def form(self) -> dict[str, str]:
        fields = {**parse_qs(urlsplit(self.path).query), **parse_qs(self.body.decode(), keep_blank_values=True)}
        return {name: values[0] for name, values in fields.items()}


Answer = tuple[int, bytes]
Rule = Callable[[Request], "Answer | None"]
"""What to answer; None drops the connection."""


def document(status: int, /, **fields: Any) -> Answer:
    return status, json.dumps(fields).encode()


class StandIn(ThreadingHTTPServer):
    """Answers by `rule`, which is honest until a test replaces it, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, connection: Connection) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rpc: Rpc = connection.rpc
        self.transactions = {
            placement.line.address.lower(): placement.line.tx_hash
            for placement in placements(connection.deployments, connection.book())
        }
        self.rule: Rule = self.honest
        self.requests: list[Request] = []
        self.verified: set[str] = set()
        self.jobs: dict[str, list[Answer]] = {}
        """Answers to come by ticket; the last one stays."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def honest(self, request: Request) -> Answer:
        parts = request.route.strip("/").split("/")
        if parts == ["v2", "api"]:
            return self._etherscan(request)
        if parts[:2] == ["v2", "verify"] and request.method == "POST":
            return self._sourcify(parts[2], parts[3], json.loads(request.body))
        if parts[:2] == ["v2", "verify"]:
            return self._next(parts[2])
        return problem(404, "route_not_found", "there is nothing here")

    def fault(self, match: str, answer: Callable[[Request], Answer | None]) -> None:
        """Answer requests whose route or form holds `match` by `answer`, and the others honestly."""

        def rule(request: Request) -> Answer | None:
            found = match in request.path or match in request.body[:2000].decode(errors="replace")
            return answer(request) if found else self.honest(request)

        self.rule = rule

    def _next(self, ticket: str) -> Answer:
        answers = self.jobs.get(ticket)
        if answers is None:
            return problem(404, "job_not_found", "no job of that number")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _sourcify(self, chain_id: str, address: str, posted: dict[str, Any]) -> Answer:
        if chain_id != str(self.rpc.chain_id):
            return problem(404, "unsupported_chain", f"Chain {chain_id} not found")
        if set(posted) - {"stdJsonInput", "compilerVersion", "contractIdentifier", "creationTransactionHash"}:
            return problem(400, "invalid_parameter", "an unknown field")
        contract = {"match": None, "creationMatch": None, "runtimeMatch": None, "chainId": chain_id, "address": address}
        ticket = str(uuid.uuid4())
        job = {"verificationId": ticket, "jobStartTime": "2026-01-01T00:00:00Z"}
        pending = document(200, isJobCompleted=False, **job, contract=contract)
        error = self._difference(address, posted)
        if error is None and address.lower() in self.verified:
            error = ("already_verified", "The contract is already verified and the job didn't yield a better match.")
        if error is not None:
            said = {"customCode": error[0], "message": error[1], "errorId": str(uuid.uuid4())}
            done = document(200, isJobCompleted=True, **job, contract=contract, error=said)
        else:
            self.verified.add(address.lower())
            done = document(200, isJobCompleted=True, **job, contract={**contract, "match": "match"})
        self.jobs[ticket] = [pending, done]
        return document(202, verificationId=ticket)

    def _difference(self, address: str, posted: dict[str, Any]) -> tuple[str, str] | None:
        try:
            contract = recompiled(posted["stdJsonInput"], posted["contractIdentifier"])
        except (CompileFailed, KeyError) as error:
            return "compiler_error", f"Compiler error: {error}"
        if posted["compilerVersion"] != compiler_of(contract):
            return "unsupported_compiler_version", "The provided compiler version is not supported."
        runtime = contract["evm"]["deployedBytecode"]
        chain = bytearray(self.rpc.code(Address(address)))
        for places in runtime["immutableReferences"].values():
            for place in places:
                chain[place["start"] : place["start"] + place["length"]] = bytes(place["length"])
        if chain.hex() != runtime["object"]:
            return "no_match", "The onchain and recompiled bytecodes don't match."
        sent = self._sent(posted["creationTransactionHash"])
        if contract["evm"]["bytecode"]["object"] not in sent.hex():
            return "no_match", "The creation transaction is of something else."
        return None

    def _etherscan(self, request: Request) -> Answer:
        form = request.form
        if form.get("apikey") != KEY:
            return document(200, status="0", message="NOTOK", result="Invalid API Key")
        if form.get("chainid") != str(self.rpc.chain_id) or "chainid" not in urlsplit(request.path).query:
            return document(200, status="0", message="NOTOK", result="Missing or unsupported chainid parameter")
        if form.get("module") == "contract" and form.get("action") == "checkverifystatus":
            return self._next(form["guid"])
        if (form.get("module"), form.get("action")) != ("contract", "verifysourcecode"):
            return document(200, status="0", message="NOTOK", result="Error! Missing Or invalid Action name")
        address = form["contractaddress"].lower()
        if address in self.verified:
            return document(200, status="0", message="NOTOK", result="Contract source code already verified")
        guid = uuid.uuid4().hex
        pending = document(200, status="0", message="NOTOK", result="Pending in queue")
        if self._creates(address, form):
            self.verified.add(address)
            done = document(200, status="1", message="OK", result="Pass - Verified")
        else:
            done = document(200, status="0", message="NOTOK", result=MISMATCH)
        self.jobs[guid] = [pending, done]
        return document(200, status="1", message="OK", result=guid)

    def _creates(self, address: str, form: dict[str, str]) -> bool:
        if form["codeformat"] != "solidity-standard-json-input":
            return False
        try:
            contract = recompiled(json.loads(form["sourceCode"]), form["contractname"])
        except (CompileFailed, KeyError):
            return False
        if form["compilerversion"] != f"v{compiler_of(contract)}":
            return False
        creation = bytes.fromhex(contract["evm"]["bytecode"]["object"] + form["constructorArguements"])
        return self._sent(self.transactions[address])[32:] == creation  # the factory takes the salt first

    def _sent(self, tx_hash: str | None) -> bytes:
        return to_bytes(self.rpc.raw("eth_getTransactionByHash", tx_hash)["input"])


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self._answer(b"")

    def log_message(self, *_: object) -> None:
        """Silence."""

    def _answer(self, body: bytes) -> None:
        request = Request(self.command, self.path, body)
        self.server.requests.append(request)
        answer = self.server.rule(request)
        if answer is None:
            self.close_connection = True
            return
        status, content = answer
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            self.wfile.write(content)
        except OSError:
            self.close_connection = True  # the client has had enough


def problem(status: int, code: str, message: str) -> Answer:
    """A refusal in Sourcify's form."""
    return document(status, customCode=code, message=message, errorId=str(uuid.uuid4()))


def recompiled(posted: dict[str, Any], identifier: str) -> dict[str, Any]:
    """A posted standard-JSON input, compiled with outputs of our own choice, as both services do."""
    posted["settings"]["outputSelection"] = {"*": {"*": [*solc._OUTPUTS, "metadata"]}}
    unit, name = identifier.rsplit(":", 1)
    text = json.dumps(posted, sort_keys=True)
    contract: dict[str, Any] = solc._compile(text, name, silent)[unit][name]
    return contract


def compiler_of(contract: dict[str, Any]) -> str:
    """The version that the compiler wrote into the contract's metadata."""
    return str(json.loads(contract["metadata"])["compiler"]["version"])


@contextmanager
def standing_in(connection: Connection) -> Iterator[StandIn]:
    """Both services, for the length of a block."""
    server = StandIn(connection)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def always_refuses(reason: str) -> Rule:
    """Etherscan, when it wants none of it."""
    return lambda _request: document(200, status="0", message="NOTOK", result=reason)
