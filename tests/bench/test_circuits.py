"""The circuit benchmark on one small model, for real: both sides are proved, and the report says what was measured."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.bench.circuits import Comparison, Report, Side, this_machine
from bridge.bench.report import JSON, MARKDOWN, PLOT, gas_shares, markdown, speedups
from bridge.cli.app import app
from bridge.errors import OptionInvalid
from tests.conftest import Example


@pytest.fixture(scope="module")
def models(example: Example, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two models: the example, and a file that is none."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("broken", "linear"):
        (folder / name).mkdir()
        shutil.copyfile(example.sample, folder / name / "input.json")
    shutil.copyfile(example.model, folder / "linear" / "network.onnx")
    (folder / "broken" / "network.onnx").write_bytes(b"no model")
    return folder


def test_both_sides_are_measured_and_written_down(models: Path, tmp_path: Path) -> None:
    arguments = ["bench", "circuits", str(models), "--rounds", "1", "--out", str(tmp_path), "--json"]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0, ran.output
    document = json.loads(ran.stdout)
    broken, linear = document["models"]
    assert (broken["model"], broken["ours"], broken["default"]) == ("broken", None, None)
    assert "is not an ONNX model" in broken["refusal"]
    ours, default = linear["ours"], linear["default"]
    assert ours["prove_seconds"] < default["prove_seconds"]
    assert ours["verify_gas"] < default["verify_gas"]
    assert ours["max_abs_error"] <= default["max_abs_error"]
    assert (ours["proof_bytes"], default["logrows"]) == (1952, 15)
    assert json.loads((tmp_path / JSON).read_bytes()) == document
    assert "| linear | scale 13" in (tmp_path / MARKDOWN).read_text()
    assert (tmp_path / PLOT).read_text().startswith("<?xml")


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["bench", "circuits", str(tmp_path)]).exception
    assert isinstance(refused, OptionInvalid)
    assert refused.got == str(tmp_path)


SIDE = Side("settings", 9, 0.01, 1.0, 10**8, 10**6, 1952, 10_000, 400_000, 0.1)


def report(*pairs: tuple[float, int]) -> Report:
    """Models whose default takes so many seconds and so much gas."""
    models = [
        Comparison(f"model{number}", SIDE, replace(SIDE, prove_seconds=seconds, verify_gas=gas), 3.0, 2.0, None)
        for number, (seconds, gas) in enumerate(pairs)
    ]
    return Report(this_machine(), "balanced", 2.0, 3, tuple(models))


def test_the_figures_are_those_of_the_pairs() -> None:
    told = report((10.0, 500_000), (0.5, 400_000), (4.0, 800_000))
    assert speedups(told) == [10.0, 0.5, 4.0]
    assert gas_shares(told) == [0.8, 1.0, 0.5]
    text = markdown(told)
    assert "Proofs: 4.0 times as fast in the median, 0.50 at least, 10 at most." in text
    assert "Gas: 20.0% less in the median, 0.0% at least." in text
    assert "Error: equal or smaller for 3 of 3 models." in text
    assert "1.5 times what ezkl takes" in text


def test_a_model_without_a_default_is_in_no_median() -> None:
    told = report((10.0, 500_000))
    alone = Comparison("alone", SIDE, None, 1.0, 0.0, "ezkl makes no circuit by itself")
    both = replace(told, models=(*told.models, alone))
    assert speedups(both) == speedups(told)
    assert "- alone: ezkl makes no circuit by itself" in markdown(both)
    assert "of 2 models" in markdown(both)
