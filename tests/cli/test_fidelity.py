"""How far a circuit is from its model, as the command line says it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.toolchain import assets
from tests.cli.conftest import Done, cli
from tests.conftest import Example

FIGURES = {"name", "elements", "max_abs_error", "mean_abs_error", "p99_abs_error", "largest_output", "equal_labels"}
TITLE = "Circuit against float model"


def lines(done: Done) -> dict[str, str]:
    """The facts on the screen by their names."""
    assert done.code == 0, done.err
    return {line[2:18].strip(): line[18:].strip() for line in done.out.splitlines() if line.startswith("  ")}


@pytest.fixture(scope="module")
def built(example: Example, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The example with three held-out rows, one of them out of range."""
    folder = tmp_path_factory.mktemp("fidelity")
    held_out = folder / "held-out.csv"
    held_out.write_text("1,2,3\n100,0,0\n-3,2,1\n")
    options = ("--sample", example.sample, "--held-out", held_out, "--out", folder)
    document: dict[str, Any] = cli("model", "build", example.model, *options, "--json").document
    return document


def test_build_and_show_give_every_figure(built: dict[str, Any]) -> None:
    fidelity = built["fidelity"]
    assert set(fidelity) == {"calibration", "held_out"}
    calibration, held_out = fidelity["calibration"], fidelity["held_out"]
    assert (calibration["rows"], calibration["refused"]) == (4, 0)
    assert (held_out["rows"], held_out["refused"]) == (2, 1)
    for figures in (calibration, held_out):
        (output,) = figures["outputs"]
        assert set(output) == FIGURES
        assert (output["name"], output["equal_labels"]) == ("y", 1.0)
        assert output["elements"] == 2 * figures["rows"]
        assert 0 < output["mean_abs_error"] <= output["p99_abs_error"] <= output["max_abs_error"] < 0.001
        assert figures["reference"].startswith("onnxruntime")
    assert built["max_abs_error"] == calibration["max_abs_error"] == calibration["outputs"][0]["max_abs_error"]
    assert built["mean_abs_error"] == calibration["mean_abs_error"] == calibration["outputs"][0]["mean_abs_error"]
    shown = cli("model", "show", built["bundle"], "--json").document
    assert {name: shown[name] for name in ("fidelity", "manifest_sha256")} == {
        name: built[name] for name in ("fidelity", "manifest_sha256")
    }


def test_the_manifests_sha256_is_that_of_the_file(built: dict[str, Any]) -> None:
    raw = (Path(built["bundle"]) / "manifest.json").read_bytes()
    assert built["manifest_sha256"] == hashlib.sha256(raw).hexdigest()
    outputs = json.loads(raw)["held_out"]["outputs"]
    assert outputs == built["fidelity"]["held_out"]["outputs"]


def test_a_person_reads_the_errors_of_both_sets_and_the_labels(built: dict[str, Any]) -> None:
    shown = cli("model", "show", built["bundle"])
    facts = lines(shown)
    assert "over 4 calibration rows against onnxruntime" in facts["error"]
    assert facts["held-out error"].endswith("over 2 held-out rows; 1 more refused")
    assert facts["manifest sha256"] == built["manifest_sha256"]
    table = shown.out[shown.out.index(TITLE) :]
    assert [line.split("│")[2].strip() for line in table.splitlines() if "│ y " in line] == ["calibration", "held-out"]
    assert table.count("100 %") == 2


def test_one_number_needs_no_table_and_a_large_sample_no_held_out_file(tmp_path: Path) -> None:
    example = assets.examples() / "breast_cancer"
    sample = example / "calibration.json"
    done = cli("model", "build", example / "model.onnx", "--sample", sample, "--out", tmp_path)
    facts = lines(done)
    assert "over 52 calibration rows" in facts["error"]
    assert facts["held-out error"].endswith("over 12 held-out rows")
    assert TITLE not in done.out


def test_a_small_sample_without_held_out_rows_says_so(example: Example, tmp_path: Path) -> None:
    options = ("--sample", example.sample, "--out", tmp_path)
    document = cli("model", "build", example.model, *options, "--json").document
    assert document["fidelity"]["held_out"] is None
    again = cli("model", "build", example.model, *options)
    assert lines(again)["held-out error"] == "not measured"
    assert "its errors are those that were measured then" in again.out
