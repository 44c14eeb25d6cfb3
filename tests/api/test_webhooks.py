"""Webhooks over HTTP: made once, seen by their owner alone, ended by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, insert

from bridge import telling
from bridge.api.keys import new_key
from bridge.api.settings import Settings
from bridge.database.engine import writing
from bridge.database.index import blocks
from bridge.webhooks.courier import Courier
from bridge.webhooks.delivery import Deliveries
from bridge.webhooks.post import Post
from bridge.webhooks.signature import check
from bridge.webhooks.subscription import Subscriptions
from tests.api.served import Api, refused, serving
from tests.query.story import CHAIN, Story, word
from tests.webhooks.at_once import AtOnce
from tests.webhooks.receiver import Receiver, receiver

URL = "https://example.org/hook"


@dataclass
class Owner:
    """Somebody with a key."""

    api: Api
    key: str

    def headers(self, name: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} | ({} if name is None else {"Idempotency-Key": name})

    def ask(self, name: str = "one", **body: Any) -> requests.Response:
        return self.api.post("/v1/webhooks", json={"url": URL, **body}, headers=self.headers(name))

    def get(self, path: str = "") -> requests.Response:
        return self.api.get(f"/v1/webhooks{path}", headers=self.headers())

    def end(self, identity: str) -> requests.Response:
        return self.api.session.delete(f"{self.api.url}/v1/webhooks/{identity}", headers=self.headers(), timeout=30)


@pytest.fixture
def story(engine: Engine) -> Story:
    told = Story(engine)
    told.chain(100)
    return told


@pytest.fixture
def owners(story: Story, tmp_path: Any) -> Iterator[tuple[Owner, Owner]]:
    url = story.engine.url.render_as_string(hide_password=False)
    with writing(story.engine) as connection:
        keys = [new_key(connection, name)[1] for name in ("alice", "bob")]
    with serving(Settings(url, CHAIN, store=str(tmp_path / "store"), private_webhooks=True)) as api:
        yield Owner(api, keys[0]), Owner(api, keys[1])


def test_a_webhook_is_made_shown_and_ended(owners: tuple[Owner, Owner]) -> None:
    alice, _ = owners
    answer = alice.ask(model=word("m"), grade="Proven", finality="final")
    assert answer.status_code == 201
    made = answer.json()
    assert made["secret"].startswith("whsec_")
    assert (made["chain_id"], made["model_id"], made["grade"], made["finality"]) == (
        CHAIN,
        word("m"),
        "Proven",
        "final",
    )
    assert answer.headers["location"] == f"/v1/webhooks/{made['id']}"
    shown = alice.get(f"/{made['id']}").json()
    assert shown == {**made, "secret": None}, "the secret is shown once"
    assert alice.get().json() == {"items": [shown]}
    assert alice.get(f"/{made['id']}/messages").json() == {"items": []}
    ended = alice.end(made["id"]).json()
    assert ended["ended"] == "its owner ended it"
    assert alice.end(made["id"]).json() == ended, "and again it stays as it ended"


def test_the_same_idempotency_key_is_the_same_webhook(owners: tuple[Owner, Owner]) -> None:
    alice, bob = owners
    one = alice.ask("a").json()
    assert alice.ask("a").json() == one
    assert alice.ask("b").json()["id"] != one["id"]
    assert bob.ask("a").json()["id"] != one["id"]
    refused(alice.ask("a", finality="safe"), 409, "WebhookConflict")


def test_a_webhook_of_somebody_else_is_none(owners: tuple[Owner, Owner]) -> None:
    alice, bob = owners
    identity = alice.ask().json()["id"]
    assert bob.get().json() == {"items": []}
    for answer in (bob.get(f"/{identity}"), bob.get(f"/{identity}/messages"), bob.end(identity)):
        refused(answer, 404, "WebhookUnknown")
    assert alice.get(f"/{identity}").json()["ended"] is None


def test_what_is_no_order_is_refused(owners: tuple[Owner, Owner]) -> None:
    alice, _ = owners
    for body in ({"url": "ftp://example.org/"}, {"url": "https://a:b@example.org/"}):
        refused(alice.ask(**body), 422, "WebhookUrlRefused")
    for body in ({"url": 1}, {"grade": "Certain"}, {"finality": "soon"}, {"model": "0x1"}, {"more": 1}, {"url": ""}):
        refused(alice.ask(**body), 422, "ParametersRefused")
    without = alice.api.post("/v1/webhooks", json={"url": URL}, headers=alice.headers())
    refused(without, 422, "ParametersRefused")
    refused(alice.api.post("/v1/webhooks", json={"url": URL}, headers={"Idempotency-Key": "a"}), 401, "ApiKeyMissing")
    assert alice.get().json() == {"items": []}


def test_without_leave_nothing_is_sent_into_private_networks(story: Story, tmp_path: Any) -> None:
    with writing(story.engine) as connection:
        _, key = new_key(connection, "alice")
    url = story.engine.url.render_as_string(hide_password=False)
    with serving(Settings(url, CHAIN, store=str(tmp_path / "store"))) as api:
        refused(Owner(api, key).ask(url="http://127.0.0.1:9000/"), 422, "WebhookUrlRefused")


def test_a_message_tells_what_the_api_answers(owners: tuple[Owner, Owner], story: Story) -> None:
    alice, _ = owners
    with receiver() as known:
        hook = alice.ask(url=known.url).json()
        model = story.model("digits")
        identity = story.verified(model, 50, [1.0, 2.0, 3.0], [0.25, 0.75])
        _mined(story, 50)
        answered = alice.api.get(f"/v1/inferences/{identity}").json()
        _send(story)
        story.reorganised(50)
        _send(story)
        _heard(known, hook["secret"], answered)
        log = alice.get(f"/{hook['id']}/messages").json()["items"]
    assert [(each["kind"], each["state"], len(each["tries"])) for each in log] == [
        ("retracted", "delivered", 1),
        ("verified", "delivered", 1),
    ]


def _heard(known: Receiver, secret: str, answered: dict[str, Any]) -> None:
    first, second = known.messages
    assert (first["type"], second["type"]) == ("inference.verified", "inference.retracted")
    assert first["inference"] == answered
    assert second["inference"] is None
    assert second["data"]["inference_id"] == answered["inference_id"]
    for headers, body in known.came:
        check(secret, headers, body)


def _mined(story: Story, number: int) -> None:
    """The block itself, which the story leaves out."""
    row = {"number": number, "hash": word(f"block {number}"), "parent_hash": word("parent"), "timestamp": 1}
    with writing(story.engine) as connection:
        connection.execute(insert(blocks).values(chain_id=CHAIN, **row))


def _send(story: Story) -> None:
    post = Post(may_be_private=True)
    courier = Courier(Subscriptions(story.engine, post), Deliveries(story.engine, telling.written), post)
    while courier.step(AtOnce()):
        pass
