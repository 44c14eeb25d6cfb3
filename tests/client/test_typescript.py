"""The TypeScript client against the same chain and server as the Python one: what one says, the other says."""

from __future__ import annotations

from typing import Any

from bridge.client.confirm import Confirmation
from tests.client.conftest import Served


def the_same(found: dict[str, Any], ours: Confirmation) -> bool:
    return (
        found["inferenceId"] == ours.inference_id
        and found["grade"] == ours.grade.label
        and found["finality"] == ours.finality.label
        and (found["blockNumber"], found["blockHash"]) == (ours.block_number, ours.block_hash)
        and set(found["checked"]) == set(ours.checked)
    )


def test_both_clients_read_the_same_records_with_the_same_numbers(served: Served, walked: Any) -> None:
    records = list(served.client.inferences.each())
    assert [each["inferenceId"] for each in walked["confirmed"]] == [record.inference_id for record in records]
    for found, record in zip(walked["confirmed"], records, strict=True):
        for side, tensors in (("outputs", record.outputs), ("inputs", record.inputs)):
            assert tensors is not None
            assert [tensor["numbers"] for tensor in found[side]] == [list(tensor.numbers) for tensor in tensors]


def test_both_clients_confirm_the_same_of_each(served: Served, walked: Any) -> None:
    for found, record in zip(walked["confirmed"], served.client.inferences.each(), strict=True):
        assert the_same(found, served.client.confirm(record, served.anchor))


def test_every_lie_is_named_by_the_field_that_it_is_in(walked: Any) -> None:
    assert len(walked["lies"]) == 6 * 18
    for each in walked["lies"]:
        assert each["found"] == each["lie"].split(" (")[0], each


def test_what_else_does_not_hold_has_its_name_too(walked: Any) -> None:
    rest = dict(walked["rest"])
    assert rest.pop("an event elsewhere").startswith("unconfirmed: block ")
    assert rest == {
        "no circuit": False,
        "another scale": "circuit",
        "more certainty": "finality",
        "another chain": "wrong chain",
        "an unknown id": "refused 404",
        "no condition": "refused 422",
    }


def test_filters_stream_and_the_other_answers_are_those_that_python_gets(served: Served, walked: Any) -> None:
    assert walked["filtered"] == [served.recorded]
    news = served.client.stream(after=0)
    assert walked["news"] == [[each.number, each.kind, each.inference_id] for each in (next(news) for _ in range(6))]
    assert walked["models"] == [model.model_id for model in served.client.models.each()]
    assert walked["requests"] == 0
    assert walked["inferences"] == served.client.statistics().inferences
    assert walked["ledger"] == served.anchor.ledger.address


def test_it_makes_a_webhook_once_sees_what_it_was_told_and_ends_it(served: Served, walked: Any) -> None:
    last = list(served.client.inferences.each())[-1]
    assert walked["hooks"] == {
        "made": ["https://203.0.113.7/walk", last.model_id, "Proven", "safe"],
        "told once": ["string", None],
        "made once": True,
        "log": [],
        "ended": "its owner ended it",
        "ended twice": "its owner ended it",
        "without a key": "refused 401",
    }
