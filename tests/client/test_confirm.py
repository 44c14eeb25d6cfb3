"""What a server says is held against the chain: the truth is confirmed, and every lie about it is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.client import Anchor, confirm
from bridge.client.record import Inference
from bridge.core.circuit import Circuit
from bridge.core.commitment import inference_id
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Address, hex32, keccak256, parse_address, to_bytes
from bridge.errors import AnswerDiffers, AnswerUnconfirmed, NotDeployed, WrongChain
from tests.client.conftest import Served

OTHER = hex32(7)
NOBODY = parse_address("0x" + "0b" * 20)

EVERYWHERE = (
    *("chain_id", "event.address", "inference_id", "grade", "event.topic", "event.tx_hash", "tx_hash", "block_number"),
    *("prover", "gas_used", "block_time", "finality"),
)
NUMBERS = ("circuit", "outputs", "inputs")


def the_recorded(served: Served) -> Inference:
    return served.client.inferences.get(served.recorded)


def the_verified(served: Served) -> Inference:
    return served.client.inferences.get(served.verified)


def a_row(served: Served) -> Inference:
    return served.client.inferences.get(served.rows[2])


def circuit_of(served: Served, record: Inference) -> Circuit | None:
    return served.client.models.get(record.model_id).circuit


@pytest.mark.parametrize(
    ("pick", "more"),
    [(the_recorded, {"recorded", "sightings"}), (the_verified, set()), (a_row, {"batch"})],
    ids=["recorded", "verified alone", "row of a batch"],
)
def test_a_true_answer_is_confirmed_in_all_that_a_chain_knows(
    served: Served, pick: Callable[[Served], Inference], more: set[str]
) -> None:
    record = pick(served)
    confirmation = served.client.confirm(record, served.anchor)
    assert set(confirmation.checked) == {*EVERYWHERE, *NUMBERS, *more}
    assert confirmation.inference_id == record.inference_id
    assert confirmation.ledger == served.anchor.ledger.address
    assert confirmation.grade is Grade.PROVEN
    assert confirmation.finality is Finality.FINAL
    block = served.connection.rpc.block(record.block_number)
    assert block is not None
    assert confirmation.block_hash == block.hash


def test_without_a_circuit_the_numbers_are_not_said_to_be_checked(served: Served) -> None:
    assert not set(confirm(the_recorded(served), served.anchor).checked) & set(NUMBERS)


def test_the_circuit_that_the_server_tells_is_the_one_of_the_bundle(served: Served) -> None:
    for record, bundle in ((the_recorded(served), served.bundle), (a_row(served), served.batch_bundle)):
        told = circuit_of(served, record)
        assert told is not None
        ours = bundle.manifest.circuit
        assert [(each.elements, each.scale) for each in told.outputs] == [(t.elements, t.scale) for t in ours.outputs]
        assert (told.settings_hash, told.rows) == (ours.settings_hash, ours.rows)


def nudged(record: Inference, side: str) -> Inference:
    first, *rest = getattr(record, side)
    changed = replace(first, numbers=(first.numbers[0] + 2.0**-13, *first.numbers[1:]))
    return replace(record, **{side: (changed, *rest)})


def another_output(record: Inference) -> Inference:
    """With an id that fits it."""
    output = record.output[:-1] + ("0" if record.output[-1] != "0" else "1")
    made = inference_id(record.model_id, record.input_commitment, to_bytes(output))
    return replace(record, output=output, inference_id=made)


LIES: dict[str, tuple[Callable[[Inference], Inference], str]] = {
    "another chain": (lambda record: replace(record, chain_id=1), "chain_id"),
    "another ledger": (lambda record: replace(record, event=replace(record.event, address=NOBODY)), "event.address"),
    "another id": (lambda record: replace(record, inference_id=OTHER), "inference_id"),
    "another model": (lambda record: replace(record, model_id=OTHER), "inference_id"),
    "another input": (lambda record: replace(record, input_commitment=OTHER), "inference_id"),
    "another output": (lambda record: replace(record, output=record.output[:-2] + "ff"), "inference_id"),
    "another grade": (lambda record: replace(record, grade=Grade.SIGNED), "grade"),
    "another transaction": (lambda record: replace(record, tx_hash=OTHER), "tx_hash"),
    "another transaction of the event": (
        lambda record: replace(record, event=replace(record.event, tx_hash=OTHER)),
        "event.tx_hash",
    ),
    "another topic": (lambda record: replace(record, event=replace(record.event, topic=OTHER)), "event.topic"),
    "another block": (lambda record: replace(record, block_number=record.block_number + 1), "block_number"),
    "another time": (lambda record: replace(record, block_time=record.block_time - 1), "block_time"),
    "another prover": (lambda record: replace(record, prover=NOBODY), "prover"),
    "another gas": (lambda record: replace(record, gas_used=record.gas_used - 1), "gas_used"),
    "other outputs": (lambda record: nudged(record, "outputs"), "outputs"),
    "other inputs": (lambda record: nudged(record, "inputs"), "inputs"),
    "fewer outputs": (lambda record: replace(record, outputs=()), "outputs"),
    "fewer inputs": (lambda record: replace(record, inputs=()), "inputs"),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize(
    "pick", [the_recorded, the_verified, a_row], ids=["recorded", "verified alone", "row of a batch"]
)
def test_a_lie_is_found_and_named(served: Served, pick: Callable[[Served], Inference], lie: str) -> None:
    change, thing = LIES[lie]
    record = pick(served)
    with pytest.raises(AnswerDiffers) as caught:
        confirm(change(record), served.anchor, circuit_of(served, record))
    assert caught.value.thing == thing


def test_an_output_that_was_never_verified_is_not_confirmed_even_with_an_id_that_fits(served: Served) -> None:
    with pytest.raises(AnswerUnconfirmed, match="InferenceNotRecorded"):
        confirm(another_output(the_recorded(served)), served.anchor)
    with pytest.raises(AnswerDiffers) as caught:
        confirm(another_output(the_verified(served)), served.anchor)
    assert caught.value.thing == "output"


def test_what_the_ledger_does_not_hold_is_not_confirmed_as_recorded(served: Served) -> None:
    with pytest.raises(AnswerUnconfirmed, match="InferenceNotRecorded"):
        confirm(replace(the_verified(served), recorded=True), served.anchor)


def test_a_record_without_the_sighting_of_its_block_is_found(served: Served) -> None:
    with pytest.raises(AnswerDiffers) as caught:
        confirm(replace(the_recorded(served), sightings=()), served.anchor)
    assert caught.value.thing == "sightings"


def test_a_path_that_leads_elsewhere_and_a_root_that_is_not_recorded_are_found(served: Served) -> None:
    record = a_row(served)
    assert record.batch is not None
    with pytest.raises(AnswerDiffers, match="path"):
        confirm(replace(record, batch=replace(record.batch, path=(OTHER, *record.batch.path[1:]))), served.anchor)
    recorded = the_recorded(served)
    leaf_alone = replace(record.batch, root=hex32(keccak256(to_bytes(recorded.inference_id))), path=())
    with pytest.raises(AnswerUnconfirmed, match="BatchNotRecorded"):
        confirm(replace(recorded, recorded=False, batch=leaf_alone), served.anchor)


def test_an_event_elsewhere_in_the_block_or_in_another_block_is_not_confirmed(served: Served) -> None:
    record = the_recorded(served)
    for change in ({"log_index": record.event.log_index + 1}, {"block_number": record.event.block_number + 1}):
        with pytest.raises(AnswerUnconfirmed, match="no such event"):
            confirm(replace(record, event=replace(record.event, **change)), served.anchor)


def test_a_circuit_that_the_registry_does_not_commit_to_is_found(served: Served) -> None:
    record = the_recorded(served)
    circuit = circuit_of(served, record)
    assert circuit is not None
    tensors = tuple(replace(tensor, scale=tensor.scale - 1) for tensor in circuit.outputs)
    with pytest.raises(AnswerDiffers) as caught:
        confirm(record, served.anchor, replace(circuit, outputs=tensors))
    assert caught.value.thing == "circuit"


def test_more_certainty_than_the_chain_has_is_found_and_less_is_not_a_lie(served: Served) -> None:
    record, anchor = the_recorded(served), served.anchor
    by_tags = replace(anchor, final_depth=None)
    with pytest.raises(AnswerDiffers) as caught:
        confirm(record, by_tags)
    assert (caught.value.thing, caught.value.found) == ("finality", "mined")
    assert confirm(replace(record, finality=Finality.MINED), by_tags).finality is Finality.MINED
    assert confirm(replace(record, finality=Finality.MINED), anchor).finality is Finality.FINAL
    with pytest.raises(AnswerDiffers):
        confirm(record, replace(anchor, final_depth=1_000))


def test_the_chain_and_the_ledger_are_the_callers_and_not_the_servers(served: Served) -> None:
    record, url = the_recorded(served), served.connection.rpc.place
    with pytest.raises(WrongChain):
        Anchor.open(url, 1, served.anchor.ledger.address)
    with pytest.raises(AnswerDiffers) as caught:
        confirm(record, Anchor.open(url, 31337, NOBODY))
    assert caught.value.thing == "event.address"
    nowhere = replace(record, event=replace(record.event, address=NOBODY))
    with pytest.raises(NotDeployed):
        confirm(nowhere, Anchor.open(url, 31337, NOBODY))
    with pytest.raises(ValueError, match="expected 0x"):
        Anchor.open(url, 31337, Address("0x12"))
