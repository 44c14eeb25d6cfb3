from __future__ import annotations

import pytest

from bridge import verbs
from bridge.circuit.model import read_model
from bridge.connection import Connection
from bridge.core.bundle import MODEL, Bundle
from bridge.core.proof import Proof
from bridge.core.rows import Row
from tests.conftest import Example


def test_a_replay_is_onnxruntimes_answer_within_the_measured_fidelity(
    staged: Connection, bundle: Bundle, row: Row, proof: Proof
) -> None:
    verbs.submit(bundle, proof, staged, check=False)
    (record,) = verbs.results(staged)
    replay = verbs.replay_result(bundle, row, record)
    (array,) = read_model(bundle.file(MODEL)).reference().outputs(row)
    assert replay.expected == (tuple(float(number) for number in array.reshape(-1)),)
    assert replay.largest_error <= bundle.manifest.fidelity.max_abs_error
    difference = max(abs(a - b) for a, b in zip(replay.expected[0], record.outputs[0], strict=True))
    assert replay.largest_error == pytest.approx(difference)


def test_a_replay_of_another_row_differs_from_what_the_chain_holds(
    staged: Connection, bundle: Bundle, example: Example, proof: Proof
) -> None:
    verbs.submit(bundle, proof, staged, check=False)
    (record,) = verbs.results(staged)
    other = verbs.read_input(bundle, example.sample)[1]
    assert verbs.replay_result(bundle, other, record).largest_error > 100 * bundle.manifest.fidelity.max_abs_error
