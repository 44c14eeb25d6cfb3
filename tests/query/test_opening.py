"""Inputs that are not shown: recorded by their hash or not at all, and opened by who knows them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from bridge import verbs
from bridge.circuit.model import read_model
from bridge.cli.app import app
from bridge.connection import Connection
from bridge.core.bundle import MODEL, Bundle
from bridge.core.commitment import circuit_words
from bridge.core.grade import Grade
from bridge.core.poseidon import poseidon
from bridge.core.word import hex32
from bridge.errors import InputNotHashed, InputOutOfRange
from tests.conftest import Example


@pytest.fixture
def core(connection: Connection) -> Connection:
    verbs.deploy_core(connection)
    return connection


def test_a_hidden_input_is_opened_by_who_knows_it_and_by_nobody_else(
    core: Connection, hashed_bundle: Bundle, example: Example
) -> None:
    verbs.deploy_model(hashed_bundle, core)
    first, second, *_ = verbs.read_input(hashed_bundle, example.sample)
    assert verbs.open_input(hashed_bundle, first, core).grade is None, "nothing is recorded yet"
    done = verbs.infer(hashed_bundle, first, core)

    opened = verbs.open_input(hashed_bundle, first, core)
    assert (opened.grade, opened.inference_id, opened.outputs) == (Grade.PROVEN, done.inference_id, done.outputs)
    assert opened.input_hashes == (hex32(poseidon(int(word, 16) for word in opened.words)),)
    assert verbs.open_input(hashed_bundle, second, core).grade is None

    (record,) = verbs.results(core)
    assert record.inference_id == done.inference_id
    circuit = hashed_bundle.manifest.circuit
    words = [int(word, 16) for word in opened.words]
    arguments = (core.core().ledger.address, int(done.model_id, 16), circuit_words(circuit))
    output = bytes.fromhex(record.output[2:])
    assert core.core().opening.read("isVerified", *arguments, words, output, int(Grade.PROVEN)) == (True,)
    words[0] += 1
    assert core.core().opening.read("isVerified", *arguments, words, output, int(Grade.PROVEN)) == (False,)


@pytest.mark.parametrize("kind", ["hashed_bundle", "private_bundle"])
def test_what_is_not_shown_is_proven_and_read_back_all_the_same(
    kind: str, core: Connection, example: Example, request: pytest.FixtureRequest
) -> None:
    bundle: Bundle = request.getfixturevalue(kind)
    verbs.deploy_model(bundle, core)
    rows = verbs.read_input(bundle, example.sample)[:2]
    done = [verbs.infer(bundle, row, core) for row in rows]
    reference = read_model(bundle.file(MODEL)).reference()
    for row, told, record in zip(rows, done, verbs.results(core), strict=True):
        assert record.inference_id == told.inference_id
        assert record.recorded
        (expected,) = reference.outputs(row)
        allowed = bundle.manifest.fidelity.max_abs_error + 1e-12
        assert record.outputs[0] == pytest.approx(expected.reshape(-1).tolist(), abs=allowed)


def test_there_is_nothing_to_open_where_nothing_is_hashed(
    core: Connection, bundle: Bundle, private_bundle: Bundle, example: Example
) -> None:
    for shown, word in ((bundle, "public"), (private_bundle, "private")):
        row = verbs.read_input(shown, example.sample)[0]
        with pytest.raises(InputNotHashed, match=f"the input of model {shown.model_id} is {word}, not hashed"):
            verbs.open_input(shown, row, core)


def test_a_row_that_the_circuit_was_not_calibrated_for_opens_nothing(
    core: Connection, hashed_bundle: Bundle, example: Example
) -> None:
    (array,) = verbs.read_input(hashed_bundle, example.sample)[0]
    with pytest.raises(InputOutOfRange):
        verbs.open_input(hashed_bundle, (array * 1000,), core)


def test_the_command_says_what_is_behind_a_record(core: Connection, hashed_bundle: Bundle, example: Example) -> None:
    verbs.deploy_model(hashed_bundle, core)
    where = ["--input", str(example.sample), "--rpc", core.rpc.place, "--deployments", str(core.deployments)]
    command = ["open", str(hashed_bundle.path), *where]
    before = CliRunner().invoke(app, command)
    assert "holds no record of this input" in before.stdout
    done = verbs.infer(hashed_bundle, verbs.read_input(hashed_bundle, example.sample)[0], core)
    opened = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert (opened["inference_id"], opened["grade"]) == (done.inference_id, "Proven")
    assert "The ledger holds this input" in CliRunner().invoke(app, command).stdout
