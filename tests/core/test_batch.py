"""The rows of a batch, against a slow reading of the same words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.batch import batch_of, is_in, split
from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import inference_id, input_commitment, packed
from bridge.core.tensor import CircuitTensor
from bridge.core.word import hex32

TAG, MODEL = hex32(1), hex32(2)


def circuit_of(rows: int, inputs: list[int], outputs: list[int]) -> Circuit:
    def tensors(kind: str, shares: list[int]) -> tuple[CircuitTensor, ...]:
        return tuple(CircuitTensor(f"{kind}{at}", (rows, share), "float32", 7) for at, share in enumerate(shares))

    return Circuit(hex32(9), Visibility.PUBLIC, rows, tensors("in", inputs), tensors("out", outputs))


shares = st.lists(st.integers(0, 3), min_size=1, max_size=3)
circuits = st.builds(circuit_of, st.integers(1, 12), shares, shares)


def words_of(circuit: Circuit) -> list[int]:
    return list(range(100, 100 + circuit.input_instances + circuit.output_instances))


@given(circuits)
def test_every_word_belongs_to_one_row(circuit: Circuit) -> None:
    rows = list(split(circuit, words_of(circuit)))
    assert len(rows) == circuit.rows
    assert sorted(word for inputs, outputs in rows for word in inputs + outputs) == words_of(circuit)
    for inputs, outputs in rows:
        assert len(inputs) == circuit.row.input_instances
        assert len(outputs) == circuit.row.output_instances
    if all(tensor.elements for tensor in circuit.inputs):
        assert rows[0][0][0] == 100
        last = circuit.inputs[0].elements // circuit.rows
        assert rows[-1][0][0] == 100 + (circuit.rows - 1) * last


@given(circuits)
def test_a_row_is_the_inference_that_it_would_be_alone_and_its_path_leads_to_the_root(circuit: Circuit) -> None:
    words = words_of(circuit)
    batch = batch_of(MODEL, circuit, words, TAG)
    for row, (inputs, outputs) in zip(batch.rows, split(circuit, words), strict=True):
        assert row.inference_id == inference_id(MODEL, input_commitment(TAG, inputs), packed(outputs))
        assert is_in(batch.root, row.path, row.inference_id)


@given(st.integers(2, 12), st.data())
def test_what_is_not_in_a_batch_has_no_path(rows: int, data: st.DataObject) -> None:
    circuit = circuit_of(rows, [2], [1])
    batch = batch_of(MODEL, circuit, words_of(circuit), TAG)
    row = data.draw(st.sampled_from(batch.rows))
    other = data.draw(st.sampled_from([each for each in batch.rows if each is not row]))
    assert not is_in(batch.root, row.path, hex32(7))
    assert not is_in(batch.root, other.path, row.inference_id)
    assert not is_in(batch.root, row.path[1:], row.inference_id)
    assert not is_in(batch.root, (*row.path, batch.root), row.inference_id)


@given(circuits, st.data())
def test_every_word_and_the_model_and_the_domain_decide_the_root(circuit: Circuit, data: st.DataObject) -> None:
    words = words_of(circuit)
    root = batch_of(MODEL, circuit, words, TAG).root
    assert batch_of(TAG, circuit, words, TAG).root != root
    assert batch_of(MODEL, circuit, words, MODEL).root != root
    if words:
        position = data.draw(st.integers(0, len(words) - 1))
        words[position] += 1
        assert batch_of(MODEL, circuit, words, TAG).root != root


def test_instances_that_are_not_those_of_public_rows_make_no_batch() -> None:
    circuit = circuit_of(3, [2], [1])
    words = words_of(circuit)
    batch_of(MODEL, circuit, words, TAG)
    with pytest.raises(ValueError, match="10 instances, expected 9"):
        batch_of(MODEL, circuit, [*words, 1], TAG)
    with pytest.raises(ValueError, match="the input is hashed, so its rows cannot be told apart"):
        batch_of(MODEL, replace(circuit, input_visibility=Visibility.HASHED), words, TAG)
    uneven = replace(circuit, outputs=(CircuitTensor("y", (4,), "float32", 7),))
    with pytest.raises(ValueError, match="the 4 elements of y are not those of 3 rows"):
        batch_of(MODEL, uneven, words_of(uneven), TAG)


def test_a_row_has_its_share_of_the_first_axis() -> None:
    circuit = circuit_of(4, [3], [2])
    assert [tensor.shape for tensor in (*circuit.row.inputs, *circuit.row.outputs)] == [(1, 3), (1, 2)]
    assert circuit.row.rows == 1
    assert circuit.row.row == circuit.row
    flat = replace(circuit, rows=0, inputs=(CircuitTensor("x", (8,), "float32", 7),))
    assert flat.row.inputs == flat.inputs
