"""The batch benchmark, for real: more rows a proof are fewer gas a row."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from bridge.cli.app import app
from tests.conftest import Example


def test_a_row_of_a_batch_takes_less_gas_than_one_alone(example: Example) -> None:
    arguments = ["bench", "batches", str(example.model), "--sample", str(example.sample)]
    ran = CliRunner().invoke(app, [*arguments, "--rows", "1", "--rows", "4", "--json"])
    assert ran.exit_code == 0, ran.output
    one, four = json.loads(ran.stdout)
    assert (one["rows"], four["rows"]) == (1, 4)
    assert one["gas_each"] == one["record_gas"] > one["verify_gas"]
    assert four["gas_each"] == four["record_gas"] / 4 < one["gas_each"] / 2


def test_a_batch_of_no_rows_is_wrong_usage(example: Example) -> None:
    arguments = ["bench", "batches", str(example.model), "--sample", str(example.sample), "--rows", "0"]
    assert CliRunner().invoke(app, arguments).exit_code == 2
