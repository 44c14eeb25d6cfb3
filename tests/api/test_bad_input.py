"""Whatever is sent, the answer is a named problem, the server lives, and the tables are as they were."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bridge.api import intake, protocol
from bridge.api.keys import new_key
from bridge.api.settings import Settings
from bridge.database.engine import reading, writing
from bridge.database.index import verifications
from tests.api.served import Api, refused, serving
from tests.query.story import Story, word

CASES = int(os.environ.get("CASES", "150"))
"""Of schemathesis: 10 000 where it has to be shown."""
GOOD = word("model digits")


@pytest.fixture(scope="module")
def key(story: Story) -> str:
    """An API key, and a model with a result."""
    story.verified(story.model("digits"), 20, (1, 2, 3), (4, 5))
    with writing(story.engine) as connection:
        return new_key(connection, "the tests")[1]


@pytest.fixture(autouse=True)
def untouched(story: Story, api: Api, key: str) -> Iterator[None]:
    """Afterwards it lives, and nothing was changed."""

    def rows() -> int:
        with reading(story.engine) as connection:
            return connection.scalar(select(func.count()).select_from(verifications)) or 0

    before = rows()
    yield
    assert rows() == before > 0
    assert api.get("/readyz").status_code == 200


def post(api: Api, key: str, body: bytes, kind: str = "application/json") -> requests.Response:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "one", "Content-Type": kind}
    return api.post("/v1/infer", data=body, headers=headers)


def raw(api: Api, request: bytes, *, seconds: float = 10) -> bytes:
    """Bytes as they are, and all that comes back."""
    with socket.create_connection(api.place, timeout=seconds) as wire:
        wire.sendall(request)
        answer = b""
        while part := wire.recv(65_536):
            answer += part
            head, found, body = answer.partition(b"\r\n\r\n")
            if found and b"content-length" in head.lower():
                size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                if len(body) >= size:
                    break
        return answer


def test_a_body_that_is_too_long_is_refused_whether_or_not_it_says_so(api: Api, key: str) -> None:
    refused(post(api, key, b" " * (intake.MOST_BYTES + 1)), 413, "BodyTooLarge")
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "one", "Content-Type": "application/json"}

    def chunks() -> Iterator[bytes]:
        for _ in range(intake.MOST_BYTES // 1024 + 2):
            yield b" " * 1024

    refused(api.post("/v1/infer", data=chunks(), headers=headers), 413, "BodyTooLarge")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 17 + b"1" + b"}" * 17,
        b"[[]," * 60_000,
        b"",
        b"null",
        b"nonsense",
        b'{"model": NaN}',
        b'{"model": Infinity}',
        b'{"model": 1e999}',
        b'{"model": "\xff\xfe"}',
        b'{"model": "\\ud800"}',
        b'{"model": "a", "model": "b"',
        b"\x00",
        b'{"inputs": {"x": [' + b"1" * 5000 + b"]}}",
    ],
    ids=range(15),
)
def test_a_body_that_is_no_strict_json_of_bounded_depth_is_refused(api: Api, key: str, body: bytes) -> None:
    answer = post(api, key, body)
    assert answer.status_code in {400, 422}
    refused(answer, answer.status_code, answer.json()["type"].rpartition(":")[2])


def test_a_nesting_that_is_just_deep_enough_is_read(api: Api, key: str) -> None:
    deep: Any = 1
    for _ in range(intake.DEEPEST - 2):
        deep = [deep]
    body = orjson.dumps({"model": word("nobody's"), "inputs": {"x": deep}, "note": "[" * 50})
    refused(post(api, key, body), 422, "ParametersRefused")  # for the note, and not for its brackets
    body = orjson.dumps({"model": word("nobody's"), "inputs": {"x": deep}})
    refused(post(api, key, body), 404, "ModelNotServed")
    body = orjson.dumps({"model": word("nobody's"), "inputs": {"x": [deep]}})
    refused(post(api, key, body), 400, "BodyMalformed")


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "\xfc"])
def test_a_body_of_another_kind_is_refused(api: Api, key: str, kind: str) -> None:
    refused(post(api, key, b"{}", kind), 415, "MediaTypeRefused")


@pytest.mark.parametrize(
    "identity",
    [
        "1",
        "0x",
        "0x" + "0" * 63,
        "0x" + "0" * 65,
        "0x" + "g" * 64,
        str(2**256),
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f" * 3,
        "0x" + "0" * 64 + "%00",
        "0x" + "0" * 64 + "%0a",
        "%ff%fe",
        "' OR '1'='1",
        "0x" + "0" * 64 + ";x",
        "\N{FULLWIDTH DIGIT ZERO}x" + "0" * 64,
    ],
)
@pytest.mark.parametrize("kind", ["inferences", "models", "lines", "requests"])
def test_an_id_of_another_form_is_refused(api: Api, kind: str, identity: str) -> None:
    answer = api.get(f"/v1/{kind}/{identity}")
    assert answer.status_code in {404, 422}
    refused(answer, answer.status_code, {404: "RouteUnknown", 422: "ParametersRefused"}[answer.status_code])


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/../../etc/passwd",
        b"/v1//inferences",
        b"//v1/status",
        b"/v1/inferences/",
        b"/%",
        b"/\xff",
        b"/v1/status%00",
    ],
)
def test_tricks_with_paths_lead_nowhere(api: Api, path: bytes) -> None:
    answer = raw(api, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.split(b" ")[1] in {b"400", b"404", b"422"}
    assert b"root:" not in answer


@pytest.mark.parametrize(
    "query",
    [
        "submitter=0x5FbDB2315678afecb367f032d93F642f64180aA3",  # one letter's case
        "submitter=0x5aaEB6053f3e94c9b9a09f33669435E7ef1bEAeD",  # EIP-1191, of chain 30
        "submitter=eip155:1:0x5FbDB2315678afecb367f032d93F642f64180aa3",
        "submitter=0x5FbDB2315678afecb367f032d93F642f64180a",
        "submitter=vitalik.eth",
        f"model={2**256}",
        "model=digits",
        "grade=Certain",
        "finality=eventually",
        "limit=0",
        "limit=201",
        "limit=1e2",
        "limit=-1",
        "since=-1",
        "since=" + "9" * 30,
        "since=NaN",
        "from_block=1.5",
        "to_block=" + str(2**64),
        "cursor=" + "A" * 65,
        "limit=10&limit=x",
        "unknown=1",
        "Limit=10",
        "where=" + "x" * 300,
        "&".join(["where=output>0"] * 9),
        "%00=1",
    ],
)
def test_a_parameter_that_is_not_what_it_has_to_be_is_refused_by_its_name(api: Api, query: str) -> None:
    told = refused(api.get(f"/v1/inferences?{query}"), 422, "ParametersRefused")
    assert told["errors"][0]["name"].split(".")[0] in {query.split("=", maxsplit=1)[0], "\N{REPLACEMENT CHARACTER}"}


@pytest.mark.parametrize(
    ("query", "status", "name"),
    [
        ("cursor=AAAA", 400, "CursorMalformed"),
        ("cursor=" + "A" * 32, 400, "CursorOfAnotherQuery"),
        ("cursor=%ff", 400, "CursorMalformed"),
        ("where=output.score>=0.8", 422, "ConditionNeedsModel"),
        (f"model={GOOD}&where=1;DROP TABLE verifications", 422, "ConditionMalformed"),
        (f"model={GOOD}&where=output.score>=0.8 OR 1=1", 422, "ConditionMalformed"),
        (f"model={GOOD}&where=output.score'--<1", 422, "TensorUnknown"),
        (f"model={GOOD}&where=output.score>NaN", 422, "ConditionMalformed"),
        (f"model={GOOD}&where=output.score>1e400", 422, "ConditionMalformed"),
        (f"model={GOOD}&where=output.score[99]>1", 422, "PlaceNotKept"),
        (f"model={GOOD}&where=output.%ff>1", 422, "TensorUnknown"),
        (f"model={GOOD}&where=", 422, "ConditionMalformed"),
    ],
)
def test_a_question_that_has_no_answer_is_refused_by_name(api: Api, query: str, status: int, name: str) -> None:
    refused(api.get(f"/v1/inferences?{query}"), status, name)


def test_a_number_of_256_bits_and_more_is_only_a_number(api: Api) -> None:
    for number in (2**64, 2**256, 10**29):
        answer = api.get(f"/v1/inferences?model={GOOD}&where=output.score<{number}")
        assert answer.status_code == (200 if len(str(number)) <= 30 else 422)


def test_a_head_that_does_not_come_to_its_end_is_cut_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    with serving(settings) as api:
        for begun in (b"", b"GET /v1/status HTTP/1.1\r\n", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /l"):
            with socket.create_connection(api.place, timeout=10) as wire:
                wire.sendall(begun)
                started = time.monotonic()
                while True:
                    try:
                        if not wire.recv(4096):
                            break
                    except ConnectionResetError:
                        break
                assert 0.2 < time.monotonic() - started < 5


def test_a_body_that_does_not_come_is_refused(settings: Settings, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "SECONDS", 0.5)
    head = (
        f"POST /v1/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: one\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    with serving(settings) as api:
        answer = raw(api, head.encode())
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"urn:proofbridge:problem:BodyTooSlow" in answer


def test_slow_clients_do_not_keep_others_waiting(api: Api) -> None:
    slow = [socket.create_connection(api.place, timeout=10) for _ in range(200)]
    for wire in slow:
        wire.sendall(b"GET /v1/sta")
    started = time.monotonic()
    assert api.get("/v1/status").status_code == 200
    assert time.monotonic() - started < 2
    for wire in slow:
        wire.close()


@pytest.mark.parametrize("letters", ["", "a" * 101, "with space", "caf\xe9"])
def test_an_idempotency_key_of_another_form_is_refused(api: Api, key: str, letters: str) -> None:
    headers = {
        "Authorization": f"Bearer {key}",
        "Idempotency-Key": letters.encode("latin-1"),
        "Content-Type": "application/json",
    }
    refused(api.post("/v1/infer", data=b"{}", headers=headers), 422, "ParametersRefused")


DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
"""Streams have no end, so they have tests of their own."""
SCHEMA = schemathesis.openapi.from_dict(
    {**DOCUMENT, "paths": {k: v for k, v in DOCUMENT["paths"].items() if "stream" not in k}}
)
EVERY = [operation.ok() for operation in SCHEMA.get_all_operations()]
ANYTHING = st.one_of(
    *(operation.as_strategy(generation_mode=mode) for operation in EVERY for mode in schemathesis.GenerationMode)
)


@settings(
    max_examples=CASES,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(case=ANYTHING)
def test_whatever_the_description_allows_or_forbids_is_answered_or_refused_by_name(
    api: Api, key: str, case: schemathesis.Case
) -> None:
    """Cases by schemathesis, of the description and against it."""
    answer = case.call(base_url=api.url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and answer.content:
        told = json.loads(answer.content)
        refused_as = told["type"].rpartition(":")[2]
        assert answer.headers["content-type"] == ["application/problem+json"]
        assert (told["status"], bool(told["detail"]), bool(told["fix"])) == (answer.status_code, True, True), refused_as
