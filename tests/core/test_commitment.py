from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import (
    EZKL_PROOF_SYSTEM,
    ModelCommitment,
    circuit_hash,
    domain,
    inference_id,
    input_commitment,
    packed,
    proof_system_id,
)
from bridge.core.tensor import CircuitTensor
from bridge.core.word import Address, Hex32, hex32, hex_bytes

GATEWAY = Address("0xA05548b7F6a0e7C54644E1340c098156983b2A6D")
OTHER_GATEWAY = Address("0xc7A38b401bca3ACbA6557bc499061d2E17BEDC50")
COMMITMENT = ModelCommitment(hex32(1), hex32(2), hex32(3), proof_system_id(EZKL_PROOF_SYSTEM))
CIRCUIT = Circuit(
    settings_hash=hex32(9),
    input_visibility=Visibility.PUBLIC,
    rows=1,
    inputs=(CircuitTensor("a", (1, 2, 3), "float32", 13), CircuitTensor("b", (4,), "int64", 0)),
    outputs=(CircuitTensor("y", (1, 5), "float32", 13),),
)
words = st.lists(st.integers(0, 2**256 - 1), max_size=4)


def test_the_proof_system_has_the_id_of_the_draft_erc() -> None:
    assert proof_system_id("halo2-kzg-bn254-v1") == "0x301c92ec"
    assert proof_system_id("halo2-kzg-bn254-v2") != "0x301c92ec"


@pytest.mark.parametrize(
    "changed",
    [
        replace(COMMITMENT, model_hash=hex32(4)),
        replace(COMMITMENT, circuit_hash=hex32(4)),
        replace(COMMITMENT, vk_hash=hex32(4)),
        replace(COMMITMENT, proof_system=hex_bytes(b"\0\0\0\1")),
    ],
)
def test_a_model_id_changes_with_every_part_of_the_commitment(changed: ModelCommitment) -> None:
    assert replace(COMMITMENT).model_id == COMMITMENT.model_id
    assert changed.model_id != COMMITMENT.model_id


@pytest.mark.parametrize(
    "changed",
    [
        replace(CIRCUIT, settings_hash=hex32(8)),
        replace(CIRCUIT, input_visibility=Visibility.HASHED),
        replace(CIRCUIT, rows=2),
        replace(CIRCUIT, inputs=CIRCUIT.inputs[::-1]),
        replace(CIRCUIT, inputs=CIRCUIT.inputs[:1]),
        replace(CIRCUIT, outputs=(*CIRCUIT.outputs, *CIRCUIT.inputs[1:]), inputs=CIRCUIT.inputs[:1]),
        replace(CIRCUIT, outputs=(replace(CIRCUIT.outputs[0], scale=12),)),
        replace(CIRCUIT, outputs=(replace(CIRCUIT.outputs[0], shape=(6,)),)),
    ],
)
def test_a_circuit_hash_changes_with_what_a_contract_must_know(changed: Circuit) -> None:
    assert circuit_hash(changed) != circuit_hash(CIRCUIT)


def test_a_circuit_hash_knows_counts_and_not_names() -> None:
    renamed = replace(CIRCUIT, outputs=(replace(CIRCUIT.outputs[0], name="z", shape=(5, 1)),))
    assert circuit_hash(renamed) == circuit_hash(CIRCUIT)


@pytest.mark.parametrize(
    ("visibility", "instances"), [(Visibility.PUBLIC, 10), (Visibility.HASHED, 2), (Visibility.PRIVATE, 0)]
)
def test_visibility_decides_how_many_instances_are_input(visibility: Visibility, instances: int) -> None:
    circuit = replace(CIRCUIT, input_visibility=visibility)
    assert circuit.input_instances == instances
    assert circuit.output_instances == 5
    assert visibility.label == visibility.name.lower()


def test_a_domain_is_of_one_gateway_on_one_chain() -> None:
    assert len({domain(1, GATEWAY), domain(2, GATEWAY), domain(1, OTHER_GATEWAY)}) == 3
    assert domain(1, GATEWAY) == domain(1, Address(GATEWAY.lower()))


@given(words, words)
def test_input_commitments_are_equal_only_for_equal_inputs(one: list[int], other: list[int]) -> None:
    tag = domain(1, GATEWAY)
    assert (input_commitment(tag, one) == input_commitment(tag, other)) == (one == other)
    assert input_commitment(tag, one) != input_commitment(domain(2, GATEWAY), one)


@given(words)
def test_an_output_is_its_words_one_after_another(instances: list[int]) -> None:
    raw = packed(instances)
    assert [int.from_bytes(raw[at : at + 32], "big") for at in range(0, len(raw), 32)] == instances


@given(st.binary(max_size=70), st.binary(max_size=70))
def test_inference_ids_are_equal_only_for_equal_outputs(one: bytes, other: bytes) -> None:
    model, commitment = hex32(1), hex32(2)
    assert (inference_id(model, commitment, one) == inference_id(model, commitment, other)) == (one == other)
    assert inference_id(model, commitment, one) != inference_id(commitment, model, one)


def test_an_unsigned_number_beyond_a_word_is_refused() -> None:
    with pytest.raises(OverflowError):
        input_commitment(Hex32("0x" + "00" * 32), [2**256])
