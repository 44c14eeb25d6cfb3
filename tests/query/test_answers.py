"""Answers are what the tables say, joined: one for a statement, however often and however it was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, insert

from bridge.core.batch import is_in
from bridge.core.bundle import Bundle
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Hex32, to_bytes
from bridge.database import index
from bridge.database.engine import reading, writing
from bridge.errors import ChainNotFollowed, InferenceUnknown, ModelUnknown, RequestUnknown, SchemaRefused
from bridge.query.answers.face import card, enrol, face
from bridge.query.answers.horizon import horizon
from bridge.query.answers.inferences import Inference, inference
from bridge.query.answers.models import line, list_models, model
from bridge.query.answers.requests import Sought, list_requests, request
from bridge.query.answers.statistics import Span, statistics
from bridge.solidity.abi import contract_abi
from tests.query.story import ALICE, BOB, CHAIN, GENESIS, LEDGER, Story, circuit, word

T = TypeVar("T")


@pytest.fixture
def story(engine: Engine) -> Iterator[Story]:
    """A chain of a hundred blocks, of which sixty are safe and thirty final."""
    told = Story(engine)
    told.chain(100, safe=60, final=30)
    return told


def ask(story: Story, question: Callable[..., T], *arguments: Any) -> T:
    with reading(story.engine) as connection:
        now = horizon(connection, CHAIN)
        return question(connection, now, lambda model_id: face(connection, CHAIN, model_id), *arguments)


def found(story: Story, identity: Hex32) -> Inference:
    return ask(story, inference, identity)


def test_a_record_is_told_with_names_numbers_and_shapes(story: Story) -> None:
    model_id = story.model("digits")
    told = found(story, story.verified(model_id, 20, (0.5, -1.0, 2.0), (0.25, -4.0)))
    assert (told.model_name, told.grade, told.finality, told.recorded) == ("digits", Grade.PROVEN, Finality.FINAL, True)
    (x,), (score,) = told.inputs or (), told.outputs or ()
    assert (x.name, x.shape, x.numbers) == ("x", (1, 3), (0.5, -1.0, 2.0))
    assert (score.name, score.shape, score.numbers) == ("score", (1, 2), (0.25, -4.0))
    assert (told.prover, told.gas_used, told.gas_share) == (ALICE, 400_000, 400_000)


def test_without_a_bundle_tensors_are_called_by_their_place(story: Story) -> None:
    told = found(story, story.verified(story.model("bare", named=False), 20, (1, 2, 3), (4, 5)))
    assert told.model_name is None
    assert [tensor.name for tensor in (*(told.inputs or ()), *(told.outputs or ()))] == ["input0", "output0"]


def test_what_nobody_verified_is_not_there(story: Story) -> None:
    with pytest.raises(InferenceUnknown, match="chain 31337 has no verified inference"):
        found(story, word("nothing"))


def test_a_chain_that_nobody_followed_is_named_with_those_that_are_there(story: Story) -> None:
    with reading(story.engine) as connection, pytest.raises(ChainNotFollowed, match=r"chain 5; it holds \[31337\]"):
        horizon(connection, 5)


@pytest.mark.parametrize(
    ("block", "finality"), [(30, Finality.FINAL), (31, Finality.SAFE), (60, Finality.SAFE), (61, Finality.MINED)]
)
def test_finality_is_that_of_the_first_sighting(story: Story, block: int, finality: Finality) -> None:
    model_id = story.model("digits")
    identity = story.verified(model_id, block, (1, 2, 3), (4, 5))
    story.verified(model_id, 90, (1, 2, 3), (4, 5))
    assert found(story, identity).finality is finality


def test_on_a_chain_that_broke_its_word_nothing_is_final_or_safe(story: Story) -> None:
    identity = story.verified(story.model("digits"), 5, (1, 2, 3), (4, 5))
    assert found(story, identity).finality is Finality.FINAL
    story.chain(100, safe=60, final=30, broken=29)
    assert found(story, identity).finality is Finality.MINED


def test_a_statement_that_was_verified_and_later_stored_is_one_answer_with_two_sightings(story: Story) -> None:
    model_id = story.model("digits")
    identity = story.verified(model_id, 20, (1, 2, 3), (4, 5), stored=False)
    alone = found(story, identity)
    assert (alone.recorded, alone.call, len(alone.sightings)) == (False, None, 1)
    assert alone.event.tx_hash == alone.tx_hash
    story.verified(model_id, 40, (1, 2, 3), (4, 5), by=BOB)
    both = found(story, identity)
    assert both.recorded
    assert both.call is not None
    assert both.block_number == 20
    assert [(each.block_number, each.stored, each.submitter) for each in both.sightings] == [
        (20, False, ALICE),
        (40, True, BOB),
    ]


def test_the_call_asks_the_ledger_for_exactly_this_record(story: Story) -> None:
    told = found(story, story.verified(story.model("digits"), 20, (1, 2, 3), (4, 5)))
    assert told.call is not None
    assert told.call.to == LEDGER
    assert told.call.function == "isVerified(uint256,bytes32,bytes,uint8)"
    read = contract_abi("InferenceLedger").arguments("isVerified", to_bytes(told.call.data))
    assert read == (int(told.model_id, 16), to_bytes(told.input_commitment), to_bytes(told.output), 3)
    assert [argument.name for argument in told.call.arguments] == ["modelId", "inputCommitment", "output", "minGrade"]


def test_a_row_of_a_batch_is_told_with_the_path_to_its_root(story: Story) -> None:
    model_id = story.model("rows", shape=circuit(rows=3))
    rows = [((at, 0, 1), (at, -at)) for at in range(3)]
    root = story.batch(model_id, 20, rows)
    with reading(story.engine) as connection:
        identities = list(
            connection.scalars(
                index.verifications.select()
                .with_only_columns(index.verifications.c.inference_id)
                .order_by(index.verifications.c.row)
            )
        )
    for number, identity in enumerate(identities, start=1):
        told = found(story, identity)
        assert told.batch is not None
        assert (told.batch.root, told.batch.row) == (root, number)
        assert is_in(root, told.batch.path, identity)
        assert told.call is not None
        assert told.call.function.startswith("isVerifiedInBatch(")
        assert (told.gas_used, told.gas_share) == (1_000_000, 333_333)
        assert told.outputs is not None
        assert told.outputs[0].numbers == tuple(rows[number - 1][1])


def test_of_a_batch_that_is_not_whole_no_path_is_told(story: Story) -> None:
    model_id = story.model("rows", shape=circuit(rows=2))
    root = story.batch(model_id, 20, [((0, 0, 1), (1, 2)), ((1, 0, 1), (3, 4))])
    with writing(story.engine) as connection:
        connection.execute(index.batches.update().values(rows=3))
        identity = connection.scalar(index.verifications.select().with_only_columns(index.verifications.c.inference_id))
    assert root
    told = found(story, Hex32(str(identity)))
    assert (told.batch, told.call) == (None, None)


def test_time_to_proof_is_from_the_request_to_the_block(story: Story) -> None:
    model_id = story.model("digits")
    asked = story.requested(model_id, 10)
    identity = story.verified(model_id, 16, (1, 2, 3), (4, 5))
    assert found(story, identity).seconds_to_proof is None
    story.step(asked, "fulfilled", 16, inference=identity)
    told = found(story, identity)
    assert (told.request_id, told.asked_at, told.seconds_to_proof) == (asked, GENESIS + 100, 60.0)


def test_a_model_is_told_with_its_certificate_versions_and_changes(story: Story) -> None:
    model_id = story.model("digits", 3)
    place = {"chain_id": CHAIN, "block_number": 4}
    with writing(story.engine) as connection:
        made = {"line_id": word("line"), "owner": ALICE, "name": "digit readers"}
        connection.execute(insert(index.lines).values(log_index=0, **place, **made))
        connection.execute(
            insert(index.versions).values(log_index=1, line_id=word("line"), model_id=model_id, version=0, **place)
        )
        routed = {"proof_system": "0x301c92ec", "verifier": BOB, "grade": 3}
        connection.execute(insert(index.routes).values(log_index=2, **place, **routed))
    told = ask(story, model, model_id)
    assert (told.name, told.owner, told.uri, told.is_deprecated, told.is_stopped) == (
        "digits",
        ALICE,
        "ipfs://digits",
        False,
        False,
    )
    assert (told.certificate.adapter, told.certificate.grade) == (BOB, Grade.PROVEN)
    assert [(each.line, each.version) for each in told.versions] == [("digit readers", 0)]
    with writing(story.engine) as connection:
        for number, (kind, value) in enumerate([("uri", "ipfs://new"), ("deprecated", ""), ("transferred", BOB)]):
            connection.execute(
                insert(index.model_changes).values(
                    chain_id=CHAIN, block_number=9, log_index=number, model_id=model_id, kind=kind, value=value
                )
            )
        connection.execute(insert(index.stops).values(log_index=9, adapter=BOB, **place))
    changed = ask(story, model, model_id)
    assert (changed.uri, changed.owner, changed.is_deprecated, changed.is_stopped) == ("ipfs://new", BOB, True, True)
    with reading(story.engine) as connection:
        assert line(connection, horizon(connection, CHAIN), word("line")).model_ids == (model_id,)


def test_a_model_that_nobody_registered_is_unknown(story: Story) -> None:
    with pytest.raises(ModelUnknown):
        ask(story, model, word("nothing"))


def test_models_are_listed_in_pages_that_miss_none(story: Story) -> None:
    made = [story.model(f"model {number}", number + 1) for number in range(5)]
    seen: list[Hex32] = []
    cursor: str | None = None
    while True:
        page = ask(story, list_models, cursor, 2)
        seen += [each.model_id for each in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == made[::-1]


def test_a_request_is_where_its_steps_have_brought_it(story: Story) -> None:
    model_id = story.model("digits")
    asked = story.requested(model_id, 10)
    states = []
    for block, kind in enumerate(("", "claimed", "fulfilled", "told"), start=11):
        if kind:
            story.step(asked, kind, block)
        with reading(story.engine) as connection:
            states.append(request(connection, horizon(connection, CHAIN), asked).state)
    assert states == ["open", "claimed", "fulfilled", "fulfilled"]


def test_requests_are_found_by_state_model_and_requester(story: Story) -> None:
    one, other = story.model("one"), story.model("other")
    asked = [story.requested(one, 10), story.requested(one, 11, by=ALICE), story.requested(other, 12)]
    story.step(asked[0], "refunded", 20)

    def listed(**sought: Any) -> list[Hex32]:
        with reading(story.engine) as connection:
            page = list_requests(connection, horizon(connection, CHAIN), Sought(**sought), None, 10)
        return [each.request_id for each in page.items]

    assert listed() == asked[::-1]
    assert listed(model_id=one) == [asked[1], asked[0]]
    assert listed(requester=BOB) == [asked[2], asked[0]]
    assert listed(state="refunded") == [asked[0]]
    assert listed(state="claimed") == []


def test_a_request_that_nobody_made_is_unknown(story: Story) -> None:
    with reading(story.engine) as connection, pytest.raises(RequestUnknown):
        request(connection, horizon(connection, CHAIN), word("nothing"))


def test_figures_count_a_statement_once_and_a_transaction_once(story: Story) -> None:
    model_id = story.model("rows", shape=circuit(rows=2))
    single = story.model("digits")
    story.batch(model_id, 20, [((0, 0, 1), (1, 2)), ((1, 0, 1), (3, 4))])
    identity = story.verified(single, 21, (1, 2, 3), (4, 5), grade=Grade.SIGNED)
    story.verified(single, 22, (1, 2, 3), (4, 5))
    story.step(story.requested(single, 19), "fulfilled", 21, inference=identity)
    with reading(story.engine) as connection:
        told = statistics(connection, CHAIN, Span(GENESIS, GENESIS + 1000))
        none = statistics(connection, CHAIN, Span(GENESIS + 900, GENESIS + 1000))
        of_one = statistics(connection, CHAIN, Span(GENESIS, GENESIS + 1000, single))
    assert (told.inferences, told.proven, told.proven_share) == (3, 2, 2 / 3)
    assert told.gas_per_inference == pytest.approx(1_400_000 / 3)
    assert (told.seconds_to_proof.count, told.seconds_to_proof.median) == (1, 20.0)
    assert [(day.inferences, day.gas) for day in told.days] == [(3, 1_400_000)]
    assert (none.inferences, none.proven_share, none.seconds_to_proof.median) == (0, None, None)
    assert (of_one.inferences, of_one.proven) == (1, 0)


def test_a_bundle_names_its_model_however_often_it_is_handed_in(story: Story, bundle: Bundle) -> None:
    for _ in range(2):
        with writing(story.engine) as connection:
            enrol(connection, bundle)
    with reading(story.engine) as connection:
        told, card_of = face(connection, CHAIN, bundle.model_id), card(connection, bundle.model_id)
    assert (told.name, told.circuit) == (bundle.manifest.name, bundle.manifest.circuit)
    assert card_of is not None
    assert card_of.fidelity == bundle.manifest.fidelity


def test_a_bundle_of_another_circuit_than_the_registered_one_is_refused(story: Story, bundle: Bundle) -> None:
    with writing(story.engine) as connection:
        row = {"chain_id": CHAIN, "model_id": bundle.model_id, "block_number": 1, "log_index": 0, "owner": ALICE}
        row |= {"model_hash": word("onnx"), "circuit_hash": word("another"), "vk_hash": word("key"), "uri": ""}
        connection.execute(insert(index.models).values(proof_system="0x301c92ec", tx_hash=word("tx"), **row))
        with pytest.raises(SchemaRefused, match=bundle.manifest.commitment.circuit_hash):
            enrol(connection, bundle)
