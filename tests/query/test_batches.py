"""Batches the whole way: rows proved at once, one root recorded, every row read back from the chain."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge import verbs
from bridge.circuit.model import read_model
from bridge.cli.app import app
from bridge.connection import Connection
from bridge.core.batch import is_in
from bridge.core.bundle import MODEL, Bundle
from bridge.core.grade import Grade
from bridge.core.rows import stack
from bridge.core.word import to_bytes
from bridge.errors import ContractReverted, ProofInvalid
from bridge.query.results import Filter
from bridge.verbs import BatchInference
from tests.conftest import Example


@pytest.fixture
def placed(connection: Connection, batch_bundle: Bundle) -> Connection:
    verbs.deploy_core(connection)
    verbs.deploy_model(batch_bundle, connection)
    return connection


@pytest.fixture
def done(placed: Connection, batch_bundle: Bundle, example: Example) -> BatchInference:
    """Three rows in a batch of four."""
    return verbs.infer_batch(batch_bundle, verbs.read_input(batch_bundle, example.sample)[:3], placed)


def is_verified(connection: Connection, done: BatchInference, row: int, path: int, grade: Grade = Grade.PROVEN) -> bool:
    record = {each.inference_id: each for each in verbs.results(connection)}[done.rows[row].inference_id]
    nodes = [to_bytes(node) for node in done.rows[path].path]
    return bool(
        connection.core().ledger.read(
            "isVerifiedInBatch",
            to_bytes(done.root),
            nodes,
            int(record.model_id, 16),
            to_bytes(record.input_commitment),
            to_bytes(record.output),
            int(grade),
        )[0]
    )


def test_one_proof_records_one_root_and_every_row_is_in_it(placed: Connection, done: BatchInference) -> None:
    assert done.is_new
    assert (len(done.rows), done.padding, done.grade) == (3, 1, Grade.PROVEN)
    assert len({row.inference_id for row in done.rows}) == 3
    for number, row in enumerate(done.rows):
        assert is_in(done.root, row.path, row.inference_id)
        assert is_verified(placed, done, number, number)
        assert not is_verified(placed, done, number, (number + 1) % 3)
        assert row.tx_hash is None
        assert placed.core().ledger.read("isRecorded", to_bytes(row.inference_id)) == (False,)


def test_a_small_batch_does_without_the_columns_of_freivalds(batch_bundle: Bundle) -> None:
    assert batch_bundle.manifest.circuit.rows == 4
    assert not batch_bundle.manifest.settings.freivalds


def test_the_rows_are_read_back_as_the_numbers_of_onnxruntime(
    placed: Connection, batch_bundle: Bundle, example: Example, done: BatchInference
) -> None:
    records = verbs.results(placed)
    assert [record.inference_id for record in records] == [row.inference_id for row in done.rows], (
        "the copy counts once"
    )
    reference = read_model(batch_bundle.file(MODEL)).reference()
    allowed = batch_bundle.manifest.fidelity.max_abs_error + 1e-12
    rows = verbs.read_input(batch_bundle, example.sample)
    for number, (record, row, told) in enumerate(zip(records, rows[:3], done.rows, strict=True), start=1):
        (expected,) = reference.outputs(row)
        assert record.outputs == told.outputs
        assert record.outputs[0] == pytest.approx(expected.reshape(-1).tolist(), abs=allowed)
        assert record.batch is not None
        assert (record.batch.root, record.batch.row, record.batch.path) == (done.root, number, told.path)
        assert (record.recorded, record.grade, record.tx_hash) == (False, Grade.PROVEN, done.tx_hash)
    assert verbs.results(placed, Filter(limit=1)) == records[-1:]


def test_each_row_can_have_a_record_of_its_own(
    placed: Connection, batch_bundle: Bundle, example: Example, done: BatchInference
) -> None:
    rows = verbs.read_input(batch_bundle, example.sample)[:3]
    again = verbs.infer_batch(batch_bundle, rows, placed, each=True)
    assert replace(again, rows=(), seconds={}) == replace(done, rows=(), seconds={}, is_new=False)
    assert all(row.tx_hash for row in again.rows)
    for row, record in zip(again.rows, verbs.results(placed), strict=True):
        assert placed.core().ledger.read("isRecorded", to_bytes(row.inference_id)) == (True,)
        assert record.recorded
        assert record.batch is not None
    third = verbs.infer_batch(batch_bundle, rows, placed, each=True)
    assert [row.tx_hash for row in third.rows] == [row.tx_hash for row in again.rows], "found, not sent again"


def test_a_batch_proof_with_another_word_is_refused_before_anything_is_paid(
    placed: Connection, batch_bundle: Bundle, example: Example, done: BatchInference
) -> None:
    rows = verbs.read_input(batch_bundle, example.sample)
    proof = verbs.prove(batch_bundle, stack(rows))
    changed = (*proof.instances[:-1], proof.instances[0])
    with pytest.raises(ContractReverted, match="InvalidProof"):
        verbs.submit(batch_bundle, replace(proof, instances=changed), placed, check=False)
    with pytest.raises(ProofInvalid):
        verbs.submit(batch_bundle, replace(proof, instances=proof.instances[1:]), placed, check=False)
    assert {record.batch.root for record in verbs.results(placed) if record.batch} == {done.root}


def test_more_rows_than_the_circuit_has_are_no_batch(
    placed: Connection, batch_bundle: Bundle, example: Example
) -> None:
    rows = verbs.read_input(batch_bundle, example.sample)
    with pytest.raises(ValueError, match="5 rows for a circuit over 4"):
        verbs.infer_batch(batch_bundle, (*rows, rows[0]), placed)
    with pytest.raises(ValueError, match="0 rows for a circuit over 4"):
        verbs.infer_batch(batch_bundle, (), placed)


def test_a_file_of_rows_fills_batches_on_the_command_line(
    placed: Connection, batch_bundle: Bundle, example: Example, tmp_path: Path
) -> None:
    table = tmp_path / "rows.csv"
    five = [*example.rows, (0.2, 0.1, -0.3)]
    table.write_text("\n".join(",".join(map(str, row)) for row in five))
    where = ["--rpc", placed.rpc.place, "--deployments", str(placed.deployments)]

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, *where])
        assert done.exit_code == 0
        return done.stdout

    command = ("infer", str(batch_bundle.path), "--input", str(table))
    batches = json.loads(run(*command, "--json"))["batches"]
    assert [(len(batch["rows"]), batch["padding"]) for batch in batches] == [(4, 0), (1, 3)]
    records = json.loads(run("results", "--json"))
    told = [row["inference_id"] for batch in batches for row in batch["rows"]]
    assert [record["inference_id"] for record in records] == told
    assert "filled with 3 copies of its last row" in run(*command)
