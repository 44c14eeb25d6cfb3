"""What is asked over HTTP is answered with what the tables say, and each answer can be kept for as long as it is good."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from bridge.api.app import openapi_document
from bridge.api.problems import STATUSES, status_of
from bridge.api.settings import Settings
from bridge.core.grade import Grade
from bridge.errors import AnswerError, ApiError, BridgeError
from tests.api.served import Api, refused, serving
from tests.query.story import ALICE, BOB, CHAIN, Story, word


def test_a_record_is_answered_by_its_id_in_either_case_on_either_database(on_both: tuple[Story, Api]) -> None:
    story, api = on_both
    identity = story.verified(story.model("digits"), 20, (0.5, -1.0, 2.0), (0.25, -4.0))
    answer = api.get(f"/v1/inferences/{identity}")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["inference_id"], told["grade"], told["finality"]) == (identity, "Proven", "final")
    assert told["outputs"] == [{"name": "score", "shape": [1, 2], "numbers": [0.25, -4.0]}]
    assert told["call"]["function"] == "isVerified(uint256,bytes32,bytes,uint8)"
    assert api.get(f"/v1/inferences/0x{identity[2:].upper()}").content == answer.content


def test_what_is_not_there_is_a_problem_of_its_own_name(api: Api) -> None:
    nothing = word("nothing")
    told = refused(api.get(f"/v1/inferences/{nothing}"), 404, "InferenceUnknown")
    assert told["instance"] == f"/v1/inferences/{nothing}"
    refused(api.get(f"/v1/models/{nothing}"), 404, "ModelUnknown")
    refused(api.get(f"/v1/lines/{nothing}"), 404, "LineUnknown")
    refused(api.get(f"/v1/requests/{nothing}"), 404, "RequestUnknown")
    refused(api.get("/v2"), 404, "RouteUnknown")


def test_a_listing_is_walked_by_its_cursor_under_every_filter(story: Story, api: Api) -> None:
    model_id = story.model("walked")
    made = [story.verified(model_id, block, (block / 4, 0, 0), (block / 40, 0)) for block in range(40, 52)]
    story.verified(model_id, 52, (9, 9, 9), (9, 9), by=BOB, grade=Grade.SIGNED)
    query = {
        "model": model_id,
        "submitter": ALICE,
        "grade": "Proven",
        "finality": "safe",
        "where": ["output.score>=1.1", "input.x<12.5"],
        "limit": "2",
    }
    seen, cursor = [], None
    while True:
        page = api.get("/v1/inferences", params={**query, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["inference_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == made[4:10][::-1]
    with_another = {**query, "grade": "Signed", "cursor": api.get("/v1/inferences", params=query).json()["next"]}
    refused(api.get("/v1/inferences", params=with_another), 400, "CursorOfAnotherQuery")


def test_models_requests_status_and_figures_are_answered(story: Story, api: Api) -> None:
    model_id = story.model("shown")
    asked = story.requested(model_id, 60, fee=2**255)
    assert api.get("/v1/models").json()["items"][0]["name"] == "shown"
    model = api.get(f"/v1/models/{model_id}").json()
    assert (model["certificate"]["model_hash"], model["inputs"][0]["name"]) == (word("onnx shown"), "x")
    assert api.get("/v1/requests", params={"model": model_id}).json()["items"][0]["request_id"] == asked
    request = api.get(f"/v1/requests/{asked}").json()
    assert (request["state"], request["fee"], request["token"]) == ("open", str(2**255), None)
    assert api.get("/v1/status").json()["block_number"] == 100
    figures = api.get("/v1/statistics", params={"since": 0, "until": 2_000_000_000, "model": model_id}).json()
    assert (figures["inferences"], figures["proven_share"]) == (0, None)


def test_a_final_answer_may_be_kept_and_another_has_to_be_asked_for_again(story: Story, api: Api) -> None:
    model_id = story.model("kept")
    final = api.get(f"/v1/inferences/{story.verified(model_id, 10, (1, 1, 1), (1, 1))}")
    mined = api.get(f"/v1/inferences/{story.verified(model_id, 90, (2, 1, 1), (1, 1))}")
    assert final.headers["cache-control"] == "public, max-age=300"
    assert mined.headers["cache-control"] == "no-cache"
    for answer in (final, mined):
        etag = answer.headers["etag"]
        assert etag.startswith('"')
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = api.session.get(answer.url, headers={"If-None-Match": known}, timeout=30)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == etag
        assert api.session.get(answer.url, headers={"If-None-Match": '"other"'}, timeout=30).status_code == 200


def test_an_answer_that_changes_has_another_etag(story: Story, api: Api) -> None:
    model_id = story.model("changing")
    identity = story.verified(model_id, 91, (1, 2, 1), (1, 1), stored=False)
    before = api.get(f"/v1/inferences/{identity}")
    story.verified(model_id, 92, (1, 2, 1), (1, 1))
    after = api.session.get(before.url, headers={"If-None-Match": before.headers["etag"]}, timeout=30)
    assert (after.status_code, after.json()["recorded"], before.json()["recorded"]) == (200, True, False)


def test_pages_of_other_origins_may_ask_only_where_the_operator_said_so(api: Api) -> None:
    allowed = api.get("/v1/status", headers={"Origin": "https://page.example"})
    other = api.get("/v1/status", headers={"Origin": "https://elsewhere.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://page.example"
    assert "access-control-allow-origin" not in other.headers


def test_it_lives_and_is_ready_and_counts_what_it_answered(api: Api) -> None:
    assert api.get("/livez").text == api.get("/readyz").text == "ok\n"
    api.get(f"/v1/inferences/{word('counted')}")
    figures = api.get("/metrics").text
    assert 'route="/v1/inferences/{inference_id}",status="404"' in figures
    assert "proofbridge_subscribers" in figures


def test_a_server_of_a_chain_that_nobody_followed_lives_and_is_not_ready(settings: Settings) -> None:
    with serving(Settings(settings.database, CHAIN + 1, store=settings.store)) as api:
        assert api.get("/livez").status_code == 200
        refused(api.get("/readyz"), 503, "ChainNotFollowed")


def test_a_database_that_fails_is_a_problem_that_tells_no_path(tmp_path: Path) -> None:
    file = tmp_path / "secret-place.db"
    with serving(Settings(f"sqlite:///{file}", CHAIN, store=str(tmp_path))) as api:
        with sqlite3.connect(file) as connection:
            connection.execute("DROP TABLE chains")
        connection.close()
        told = refused(api.get("/v1/status"), 503, "ServerFailed")
        assert "secret-place" not in json.dumps(told)


def test_the_rate_of_one_address_is_bounded_and_says_when_to_come_back(settings: Settings) -> None:
    with serving(Settings(settings.database, CHAIN, store=settings.store, rate="5/minute")) as api:
        answers = [api.get("/v1/status") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        refused(answers[-1], 429, "RateExceeded")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 120
        assert api.get("/livez").status_code == api.get("/metrics").status_code == 200


def test_every_error_that_is_about_a_question_has_a_status_below_500() -> None:
    of_the_server = {"ChainNotFollowed", "SchemaRefused", "StreamFull", "ServerFailed", "ApiKeyUnknown"}
    for kind in (*ApiError.__subclasses__(), *AnswerError.__subclasses__()):
        status = next(STATUSES[each] for each in kind.__mro__ if each in STATUSES)
        assert (status >= 500) == (kind.__name__ in of_the_server), kind
    assert status_of(BridgeError()) == 500


def test_the_description_in_the_repository_is_that_of_the_code() -> None:
    """After a change: proofbridge serve --openapi > docs/openapi.json."""
    kept = (Path(__file__).parents[2] / "docs" / "openapi.json").read_text()
    assert kept == openapi_document()


def test_the_description_names_every_part_and_none_too_many(api: Api) -> None:
    document = api.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    words = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in words
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            assert operation["responses"]["default"]["content"]["application/problem+json"], path


def test_a_server_named_by_postgresql_answers_pages_too(on_both: tuple[Story, Api]) -> None:
    story, api = on_both
    model_id = story.model("paged")
    made = [story.verified(model_id, block, (block, 0, 0), (block, 0)) for block in range(10, 15)]
    page = api.get("/v1/inferences", params={"model": model_id, "where": "output.score>11"}).json()
    assert [item["inference_id"] for item in page["items"]] == made[2:][::-1]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST", "TRACE"])
def test_a_method_that_a_path_does_not_take_is_a_problem(api: Api, method: str) -> None:
    answer = api.session.request(method, f"{api.url}/v1/status", timeout=30)
    refused(answer, 405, "MethodRefused")
    assert answer.headers["allow"] == "GET"
