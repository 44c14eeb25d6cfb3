"""What a client asks a real server, and what it makes of one that is none."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import requests

from bridge.client import Client, InferenceQuery, RequestQuery, record, webhook
from bridge.client import server as bounds
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import hex32
from bridge.errors import AnswerMalformed, ServerRefused, ServerUnreachable
from tests.client.conftest import Served
from tests.client.hostile import hostile, saying

OPENAPI = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())["components"]["schemas"]
HOOK = "https://203.0.113.7/hook"
NAMES = {"Status": "Horizon", "Job": "JobAnswer"}
"""What the API calls them, where that differs."""
RECORDS = [
    kind
    for room in (record, webhook)
    for name, kind in vars(room).items()
    if is_dataclass(kind) and isinstance(kind, type) and kind.__module__ == room.__name__ and not name.startswith("_")
    if kind not in {record.Page, webhook.Webhooks}
]
UNREAD = {"Model": {"card"}}
"""Fields of the API that the Python client leaves to whoever wants them."""


# --- the records are the API's ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_a_record_has_the_fields_of_the_api_and_leaves_open_what_the_api_leaves_open(kind: type) -> None:
    schema = OPENAPI[NAMES.get(kind.__name__, kind.__name__)]
    ours = {item.name for item in fields(kind)}
    assert ours == set(schema["properties"]) - UNREAD.get(kind.__name__, set())
    for name, hint in get_type_hints(kind, include_extras=False).items():
        options = schema["properties"][name].get("anyOf", [])
        assert (type(None) in get_args(hint)) == ({"type": "null"} in options), name
        if get_origin(hint) is tuple:
            assert schema["properties"][name]["type"] == "array", name


# --- a real server ---------------------------------------------------------------------------------------------------


def test_pages_lead_through_every_record_once_the_newest_first(served: Served) -> None:
    inferences = served.client.inferences
    everything = [each.inference_id for each in inferences.each()]
    assert everything == [*reversed(served.rows), served.verified, served.recorded]
    assert [each.inference_id for each in inferences.each(limit=1)] == everything
    first = inferences.page(limit=4)
    second = inferences.page(cursor=first.next, limit=4)
    assert [each.inference_id for each in (*first.items, *second.items)] == everything
    assert second.next is None


def test_filters_choose(served: Served) -> None:
    inferences, model = served.client.inferences, served.bundle.model_id
    of_model = InferenceQuery(model=model, grade=Grade.PROVEN, finality=Finality.FINAL)
    assert {each.inference_id for each in inferences.each(of_model)} == {served.recorded, served.verified}
    positive = InferenceQuery(model=model, where=("output.y[0]>0", "input.x[0]<1"))
    assert [each.inference_id for each in inferences.each(positive)] == [served.recorded]
    assert list(inferences.each(InferenceQuery(model=model, where=("output.y[0]>1000",)))) == []
    newest = inferences.page(limit=1).items[0]
    assert all(
        each.block_number < newest.block_number
        for each in inferences.each(InferenceQuery(to_block=newest.block_number - 1))
    )


def test_models_requests_figures_and_status_are_there(served: Served) -> None:
    client = served.client
    assert {model.model_id for model in client.models.each()} == {served.bundle.model_id, served.batch_bundle.model_id}
    model = client.models.get(served.bundle.model_id)
    assert (model.name, model.input_visibility, model.rows) == ("linear", "public", 1)
    assert list(client.requests.each(RequestQuery(state="open"))) == []
    assert client.status().ledger == served.anchor.ledger.address
    assert client.statistics(model=served.bundle.model_id).inferences == 2


def test_what_is_not_there_is_refused_with_the_servers_own_words(served: Served) -> None:
    with pytest.raises(ServerRefused) as caught:
        served.client.inferences.get(hex32(7))
    assert caught.value.status == 404
    assert hex32(7) in caught.value.reason
    with pytest.raises(ServerRefused) as caught:
        served.client.inferences.page(InferenceQuery(where=("nonsense",)))
    assert caught.value.status == 422


def holding_a_key(served: Served, name: str) -> Client:
    """A client with an API key of its own."""
    return Client(served.url, api_key=served.new_key(name))


def test_an_inference_is_asked_for_once_whatever_is_sent_again(served: Served) -> None:
    client = holding_a_key(served, "a test")
    order: dict[str, Any] = {"x": [0.5, -1.0, 2.0]}
    job = client.infer(served.bundle.model_id, order, idempotency_key="once")
    assert client.infer(served.bundle.model_id, order, idempotency_key="once").id == job.id
    assert client.infer(served.bundle.model_id, order, idempotency_key="twice").id != job.id
    assert client.job(job.id).state == "requested"
    with pytest.raises(ServerRefused) as caught:
        served.client.infer(served.bundle.model_id, order, idempotency_key="keyless")
    assert caught.value.status == 401
    with pytest.raises(ServerRefused) as caught:
        client.infer(served.bundle.model_id, {"x": [1e9, 0, 0]}, idempotency_key="far off")
    assert caught.value.status == 422


def test_a_webhook_is_made_once_seen_by_its_key_alone_and_ended(served: Served) -> None:
    mine, other = (holding_a_key(served, name).webhooks for name in ("mine", "another's"))
    model, grade, finality = served.bundle.model_id, Grade.PROVEN, Finality.SAFE
    made, again = (
        mine.new(HOOK, idempotency_key="once", model=model, grade=grade, finality=finality) for _ in range(2)
    )
    assert again == made
    assert (made.url, made.model_id, made.grade, made.finality) == (HOOK, model, grade, finality)
    assert made.secret is not None
    assert made.secret not in repr(made)
    everything = mine.new(HOOK, idempotency_key="twice")
    assert (everything.model_id, everything.grade, everything.finality) == (None, Grade.CLAIMED, Finality.MINED)
    assert [each.id for each in mine.all()] == [made.id, everything.id]
    assert mine.get(made.id) == replace(made, secret=None), "a secret is told once"
    assert mine.log(made.id) == ()
    ended = mine.end(made.id)
    assert ended.ended == "its owner ended it"
    assert mine.get(made.id) == mine.end(made.id) == ended
    assert other.all() == ()
    for ask, status in ((other.get, 404), (other.log, 404), (other.end, 404), (served.client.webhooks.get, 401)):
        with pytest.raises(ServerRefused) as caught:
            ask(made.id)
        assert caught.value.status == status
    with pytest.raises(ServerRefused) as caught:
        mine.new("http://127.0.0.1:9/hook", idempotency_key="private")
    assert caught.value.status == 422


# --- a server that is none -------------------------------------------------------------------------------------------


def test_an_answer_about_another_record_is_refused(served: Served) -> None:
    other = json.dumps({**true_answer(served), "inference_id": hex32(7)}).encode()
    with hostile(saying(other)) as server, pytest.raises(AnswerMalformed, match="it is of"):
        Client(server.url).inferences.get(served.recorded)
    with hostile(saying(json.dumps(true_answer(served)).encode())) as server:
        assert Client(server.url).inferences.get(served.recorded).inference_id == served.recorded


BROKEN = {
    "an id that is none": {"inference_id": "0x12"},
    "an address with a wrong checksum": {"prover": "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266"},
    "a grade that there is not": {"grade": "Certain"},
    "a grade that is a number": {"grade": 3},
    "a finality that there is not": {"finality": "eternal"},
    "a block below zero": {"block_number": -1},
    "a block beyond all numbers": {"block_number": 2**64},
    "output of half a byte": {"output": "0x0"},
    "numbers that are text": {"outputs": [{"name": "y", "shape": [1], "numbers": ["one"]}]},
    "a path without end": {"batch": {"root": hex32(1), "row": 1, "path": [hex32(1)] * 65}},
    "no field": None,
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_answer_of_another_form_is_refused_by_name(served: Served, what: str) -> None:
    change = BROKEN[what]
    body = {} if change is None else {**true_answer(served), **change}
    with hostile(saying(json.dumps(body).encode())) as server, pytest.raises(AnswerMalformed):
        Client(server.url).inferences.get(served.recorded)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff\xfe", b'{"items": [NaN], "next": null}', b"[" * 100_000, b'"' + b"x" * 1000],
    ids=["nothing", "a list", "cut", "no UTF-8", "NaN", "deep", "text"],
)
def test_what_is_no_json_of_ours_is_refused_by_name(body: bytes) -> None:
    with hostile(saying(body)) as server, pytest.raises(AnswerMalformed):
        Client(server.url).inferences.page()


def test_a_server_that_leads_in_a_circle_is_left() -> None:
    with (
        hostile(saying(b'{"items": [], "next": "again"}')) as server,
        pytest.raises(AnswerMalformed, match="same page"),
    ):
        list(Client(server.url).inferences.each())


def test_a_key_does_not_follow_a_redirect_and_is_in_no_error() -> None:
    with hostile(saying(b"", "302 Found", more="Location: http://127.0.0.1:9/\r\n")) as server:
        client = Client(server.url.replace("http://", "http://user:secret-password@"), api_key="pb_secret-key")
        with pytest.raises(ServerRefused) as caught:
            client.status()
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(caught.value)
    assert "secret" not in repr(client._server)
    assert len(server.heads) == 1


def test_a_refusal_is_repeated_as_one_short_line() -> None:
    words = {"title": "No\x1b[31m", "detail": "first\nsecond " + "x" * 10_000, "fix": "Go"}
    refusal = saying(json.dumps(words).encode(), "503 Service Unavailable", "application/problem+json")
    with hostile(refusal) as server, pytest.raises(ServerRefused) as caught:
        Client(server.url).status()
    assert caught.value.status == 503
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1_000
    with (
        hostile(saying(b"<html>", "502 Bad Gateway")) as server,
        pytest.raises(ServerRefused, match="does not say why"),
    ):
        Client(server.url).status()


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_ANSWER_BYTES", 2**20)
    with hostile(saying(b" " * 2**21)) as server, pytest.raises(AnswerMalformed, match="longer than"):
        Client(server.url).status()


def test_an_answer_that_drips_or_stops_is_not_waited_for() -> None:
    def drip(_number: int, _head: bytes, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(200):
            connection.sendall(b" ")
            time.sleep(0.05)

    started = time.monotonic()
    with hostile(drip) as server, pytest.raises(ServerUnreachable, match="not whole"):
        Client(server.url, seconds=0.5).status()
    with hostile(saying(b"{", length=10)) as server, pytest.raises(ServerUnreachable):
        Client(server.url, seconds=0.5).status()
    assert time.monotonic() - started < 5


def test_nobody_there_has_a_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(ServerUnreachable):
        Client(url).status()


def true_answer(served: Served) -> dict[str, Any]:
    """As the real server gives it."""
    found: dict[str, Any] = requests.get(f"{served.url}/v1/inferences/{served.recorded}", timeout=10).json()
    return found
