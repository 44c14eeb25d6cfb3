"""POST /v1/infer: whoever has a key queues an inference once, and follows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, insert, select

from bridge.api.keys import bearer, find_key, list_keys, new_key, revoke
from bridge.api.settings import Settings
from bridge.core.bundle import Bundle
from bridge.database.api import api_keys
from bridge.database.engine import open_database, reading, writing
from bridge.database.index import models
from bridge.errors import ApiKeyMissing, ApiKeyRefused, ApiKeyUnknown
from bridge.relay.job import State
from bridge.relay.journal import Journal
from tests.api.served import Api, refused, serving
from tests.query.story import CHAIN, Story


@dataclass(frozen=True)
class Shop:
    """A server that takes inferences of the example's model, and a key."""

    api: Api
    engine: Engine
    model: str
    key: str

    def ask(self, name: str = "one", **changed: Any) -> Any:
        body = {"model": self.model, "inputs": {"x": [[0.5, -1.0, 2.0]]}, **changed}
        return requests.post(f"{self.api.url}/v1/infer", json=body, headers=self.headers(name), timeout=30)

    def headers(self, name: str = "one") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Idempotency-Key": name}


@pytest.fixture(scope="module")
def shop(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The server, open."""
    folder = tmp_path_factory.mktemp("shop")
    url = f"sqlite:///{folder / 'index.db'}"
    engine = open_database(url)
    Story(engine).chain(10)
    with writing(engine) as connection:
        _, key = new_key(connection, "the tests")
    settings = Settings(url, CHAIN, models=(bundle.path,), store=str(folder / "store"))
    with serving(settings) as api:
        yield Shop(api, engine, bundle.model_id, key)
    engine.dispose()


def test_an_inference_is_queued_for_the_relayer_and_its_progress_can_be_followed(shop: Shop) -> None:
    answer = shop.ask("followed")
    assert answer.status_code == 202
    job = answer.json()
    assert (job["state"], job["model_id"], job["is_over"]) == ("requested", shop.model, False)
    place = answer.headers["location"]
    assert place == f"/v1/jobs/{job['id']}"
    journal = Journal(shop.engine)
    kept = journal.job(job["id"])
    assert kept.state is State.REQUESTED
    journal.witnessed(kept, "0" * 64)
    told = shop.api.get(place, headers=shop.headers()).json()
    assert (told["state"], [step["state"] for step in told["history"]]) == ("witnessed", ["requested", "witnessed"])


def test_the_same_key_is_the_same_job_also_when_it_is_sent_at_once(shop: Shop) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(shop.ask("at-once").json()["id"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert shop.ask("another").json()["id"] not in found


def test_the_same_key_for_something_else_is_a_conflict(shop: Shop) -> None:
    assert shop.ask("taken").status_code == 202
    refused(shop.ask("taken", inputs={"x": [[0.5, -1.0, 1.0]]}), 409, "IdempotencyConflict")


def test_without_an_idempotency_key_nothing_is_queued(shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {shop.key}"}
    body = {"model": shop.model, "inputs": {"x": [0.5, -1.0, 2.0]}}
    told = refused(shop.api.post("/v1/infer", json=body, headers=headers), 422, "ParametersRefused")
    assert "idempotency-key" in told["detail"]


def test_without_a_key_or_with_a_wrong_one_nothing_is_queued(shop: Shop) -> None:
    body = {"model": shop.model, "inputs": {"x": [0.5, -1.0, 2.0]}}
    nobody = shop.api.post("/v1/infer", json=body, headers={"Idempotency-Key": "one"})
    refused(nobody, 401, "ApiKeyMissing")
    assert nobody.headers["www-authenticate"] == "Bearer"
    for wrong in ("secret", shop.key[:-1] + "!", shop.key[:-2] + "xx", "pb_000000000000_" + "a" * 43):
        headers = {"Authorization": f"Bearer {wrong}", "Idempotency-Key": "one"}
        told = refused(shop.api.post("/v1/infer", json=body, headers=headers), 401, "ApiKeyRefused")
        assert wrong[16:] not in str(told) or not wrong[16:]


def test_a_job_is_shown_to_the_key_that_asked_and_to_no_other(shop: Shop) -> None:
    place = shop.ask("mine").headers["location"]
    with writing(shop.engine) as connection:
        _, other = new_key(connection, "somebody else")
    refused(shop.api.get(place, headers={"Authorization": f"Bearer {other}"}), 404, "JobUnknown")
    refused(shop.api.get(place), 401, "ApiKeyMissing")
    refused(shop.api.get(f"/v1/jobs/{'0' * 32}", headers=shop.headers()), 404, "JobUnknown")
    assert shop.api.get(place, headers=shop.headers()).status_code == 200


@pytest.mark.parametrize(
    ("changed", "status", "name"),
    [
        ({"model": "0x" + "00" * 32}, 404, "ModelNotServed"),
        ({"model": "digits"}, 422, "ParametersRefused"),
        ({"inputs": {"x": [[1e9, 0, 0]]}}, 422, "InputOutOfRange"),
        ({"inputs": {"x": [[2**256, 0, 0]]}}, 422, None),
        ({"inputs": {"x": [[1, 2]]}}, 422, "InputShapeMismatch"),
        ({"inputs": {"x": [[1, 2, 3], [1, 2, 3]]}}, 422, "UnreadableInput"),
        ({"inputs": {"x": [["1", "2", "3"]]}}, 422, "InputTypeMismatch"),
        ({"inputs": {"x": [[1, [2], 3]]}}, 422, None),
        ({"inputs": {"y": [[1, 2, 3]]}}, 422, "UnreadableInput"),
        ({"inputs": [[1, 2, 3]]}, 422, "ParametersRefused"),
        ({"inputs": {"x": None}}, 422, None),
        ({"deadline": 1}, 422, "ParametersRefused"),
        ({"deadline": 2**53}, 422, "ParametersRefused"),
        ({"deadline": "soon"}, 422, "ParametersRefused"),
        ({"surprise": 1}, 422, "ParametersRefused"),
    ],
)
def test_what_cannot_be_proved_is_refused_before_it_costs_anything(
    shop: Shop, changed: dict[str, Any], status: int, name: str | None
) -> None:
    answer = shop.ask("refused", **changed)
    refused(answer, status, name or answer.json()["type"].rpartition(":")[2])


def test_the_names_of_a_bundle_are_shown_and_its_card(
    shop: Shop, bundle: Bundle, engine: Engine, tmp_path: Path
) -> None:
    story = Story(engine)
    story.chain(10)
    url = engine.url.render_as_string(hide_password=False)
    with serving(Settings(url, CHAIN, models=(bundle.path,), store=str(tmp_path))) as api:
        refused(api.get(f"/v1/models/{shop.model}"), 404, "ModelUnknown")
        commitment = bundle.manifest.commitment
        row = {
            "chain_id": CHAIN,
            "model_id": bundle.model_id,
            "block_number": 1,
            "log_index": 0,
            "owner": "0x" + "00" * 20,
            "model_hash": commitment.model_hash,
            "circuit_hash": commitment.circuit_hash,
            "vk_hash": commitment.vk_hash,
            "proof_system": commitment.proof_system,
            "uri": "",
            "tx_hash": "0x" + "00" * 32,
        }
        with writing(engine) as connection:
            connection.execute(insert(models).values(**row))
        told = api.get(f"/v1/models/{bundle.model_id}").json()
    assert told["name"] == bundle.manifest.name
    assert [tensor["name"] for tensor in told["inputs"]] == ["x"]
    assert told["card"]["setup"]["kind"] == bundle.manifest.setup.kind
    assert told["card"]["manifest_sha256"] == bundle.manifest_sha256


def test_a_key_is_kept_as_a_hash_alone_and_found_by_nothing_but_itself(engine: Engine) -> None:
    with writing(engine) as connection:
        made, whole = new_key(connection, "one")
        _, another = new_key(connection, "two")
    with reading(engine) as connection:
        assert find_key(connection, whole) == made
        row = connection.execute(select(api_keys).where(api_keys.c.id == made.id)).one()
        assert whole.rpartition("_")[2] not in str(row)
        assert [key.name for key in list_keys(connection)] == ["one", "two"]
        mixed = whole[:16] + another[16:]
        with pytest.raises(ApiKeyRefused):
            find_key(connection, mixed)


def test_a_revoked_key_opens_nothing_and_stays_revoked_as_it_was(engine: Engine) -> None:
    with writing(engine) as connection:
        made, whole = new_key(connection, "one")
        first = revoke(connection, made.id)
        again = revoke(connection, made.id)
        assert first == again
        with pytest.raises(ApiKeyRefused):
            find_key(connection, whole)
        with pytest.raises(ApiKeyUnknown):
            revoke(connection, "nobody's")


def test_a_header_without_a_bearer_is_no_key() -> None:
    assert bearer("bearer  abc") == "abc"
    for header in (None, "", "Basic abc", "abc"):
        with pytest.raises(ApiKeyMissing):
            bearer(header)
