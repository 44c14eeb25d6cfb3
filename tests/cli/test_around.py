"""The commands around the main way: doctor, chains, srs; and the demo."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge import verbs
from bridge.chain.preset import PRESETS
from tests.cli.conftest import Command, Stage, cli


def test_chains_lists_every_preset_with_its_limits(tmp_path: Path) -> None:
    listed = cli("chains", "--json", cwd=tmp_path).document["chains"]
    assert [item["name"] for item in listed] == [preset.name for preset in PRESETS]
    by_name = {item["name"]: item for item in listed}
    assert by_name["sepolia"]["chain_id"] == 11155111
    assert by_name["sepolia"]["limits"]["runtime_bytes"] == 24_576
    assert by_name["opengradient"]["chain_id"] is None
    shown = cli("chains").out
    assert "by option" in shown
    assert "16,777,216" in shown


def test_doctor_finds_what_is_here_and_says_how_to_mend_what_is_not(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "PROOFBRIDGE_NODE_MODULES": str(tmp_path), "PROOFBRIDGE_HOME": str(tmp_path)}
    here, missing, text = (
        Command("doctor", "--json"),
        Command("doctor", "--json", env=bare),
        Command("doctor", env=bare),
    )
    well = here.done()
    assert well.code == 0, well.out
    assert well.document["healthy"] is True
    found = {item["name"]: item for item in well.document["findings"]}
    assert found["anvil"]["ok"]
    assert found["ezkl"]["found"] == "23.0.5"

    ill = missing.done()
    assert ill.code == 1
    assert ill.document["healthy"] is False
    lacking = {item["name"]: item["fix"] for item in ill.document["findings"] if not item["ok"]}
    assert {"node", "npm packages"} <= set(lacking)
    assert all(lacking[name] for name in ("node", "npm packages"))
    shown = text.done()
    assert shown.code == 1
    assert "missing" in shown.out
    assert "Traceback" not in shown.out + shown.err


def test_srs_list_and_inspect_tell_a_public_ceremony_from_a_development_setup(
    stage: Stage, hermez: Path, tmp_path: Path
) -> None:
    assert stage.bundle.path.is_dir()  # it was built, so a development setup is in the cache
    listed = cli("srs", "list", "--json", env={"PROOFBRIDGE_SRS_PATH": str(hermez.parent)}).document["files"]
    kinds = {item["name"]: item["kind"] for item in listed}
    assert kinds["hermez"] == "ceremony"
    assert "development" in kinds.values()
    inspected = cli("srs", "inspect", hermez, "--json").document
    assert (inspected["kind"], inspected["name"], inspected["logrows"]) == ("ceremony", "hermez", 11)
    assert inspected["sha256"] == "c8edbefe1562c50ea105f79d9d49989bcfbf1e6a335b3858d44260e71972b8ee"
    development = next(item for item in listed if item["kind"] == "development")
    assert cli("srs", "inspect", development["path"], "--json").document["kind"] == "development"
    assert "hermez" in cli("srs", "inspect", hermez).out


def test_the_name_of_a_model_is_shown_as_it_is(stage: Stage, tmp_path: Path) -> None:
    """A bundle's name may be a stranger's; square brackets in it are no markup of ours."""
    name = "[/red] a [bold]loud[/bold] name"
    shutil.copytree(stage.bundle.path, tmp_path / "bundle")
    manifest = tmp_path / "bundle" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "name": name}))
    connection = replace(stage.connection, deployments=tmp_path / "book")
    checkpoint = connection.rpc.raw("evm_snapshot")
    verbs.deploy_core(connection)
    verbs.deploy_model(verbs.show_model(tmp_path / "bundle"), connection)
    chain = ("--rpc", connection.rpc.place, "--deployments", tmp_path / "book")
    commands = [
        Command("model", "show", tmp_path / "bundle"),
        Command("infer", tmp_path / "bundle", "--input", stage.example.sample, "--row", "1", *chain),
    ]
    for done in [*(command.done() for command in commands), cli("results", *chain)]:
        assert done.code == 0, done.err
        assert name in done.out
    connection.rpc.raw("evm_revert", checkpoint)


def test_the_demo_does_the_main_job_and_shows_it(tmp_path: Path) -> None:
    shown = cli("demo", "--out", tmp_path / "demo", cwd=tmp_path)
    assert shown.code == 0, shown.err
    for heading in ("Models: built", "verifier bytes", "Inferences: proved", "output on chain", "onnxruntime", "gas"):
        assert heading in shown.out
    for model in ("breast_cancer", "diabetes", "digits"):
        assert shown.out.count(model) >= 3
    assert shown.out.count("Proven") == 6
    assert "refused: InvalidProof" in shown.out
    assert "ACCEPTED" not in shown.out
    last = [line.strip() for line in shown.out.splitlines() if line.strip()][-3:]
    assert last[0].endswith(" up")
    assert " deploy model " in last[1]
    assert " infer " in last[2]
    assert " --input " in last[2]

    again = cli("demo", "--out", tmp_path / "demo", "--json", cwd=tmp_path)
    assert again.code == 0, again.err
    document: dict[str, Any] = again.document
    assert len(document["rows"]) == 6
    assert {row["model"] for row in document["rows"]} == {"breast_cancer", "diabetes", "digits"}
    for row in document["rows"]:
        assert row["record"]["inference_id"] == row["inference"]["inference_id"]
        assert row["record"]["outputs"] == row["inference"]["outputs"]
        assert row["replay"]["largest_error"] < 0.05 * max(1, *map(abs, row["replay"]["expected"][0]))
    assert len(document["tampered"]) == 9
    assert all(attempt["refused"] for attempt in document["tampered"])


def test_the_python_package_has_the_verbs_of_the_command_line() -> None:
    import bridge  # noqa: PLC0415

    for name in bridge.__all__:
        assert getattr(bridge, name) is not None
    assert bridge.infer is verbs.infer
    assert bridge.build_model is verbs.build_model
    assert bridge.results is verbs.results
    assert set(dir(bridge)) == set(bridge.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = bridge.nonsense


def test_the_python_package_does_the_main_job(stage: Stage, tmp_path: Path) -> None:
    import bridge  # noqa: PLC0415

    built = bridge.build_model(bridge.Order(stage.example.model, stage.example.sample, tmp_path / "bundles"))
    connection = bridge.connect(rpc=stage.connection.rpc.place, deployments=tmp_path / "deployments")
    checkpoint = connection.rpc.raw("evm_snapshot")
    bridge.deploy_core(connection)
    bridge.deploy_model(built.bundle, connection)
    row = bridge.read_input(built.bundle, stage.example.sample)[3]
    inferred = bridge.infer(built.bundle, row, connection)
    found = [record for record in bridge.results(connection) if record.inference_id == inferred.inference_id]
    assert [record.outputs for record in found] == [inferred.outputs]
    assert (
        bridge.replay_result(built.bundle, row, found[0]).largest_error <= built.bundle.manifest.fidelity.max_abs_error
    )
    connection.rpc.raw("evm_revert", checkpoint)


def test_an_error_in_json_is_on_standard_output_alone_and_text_on_the_other(tmp_path: Path) -> None:
    as_json, plain = Command("model", "show", tmp_path, "--json"), Command("model", "show", tmp_path)
    document, line = as_json.done(), plain.done()
    assert json.loads(document.out)["error"]["name"] == "BundleMissing"
    assert document.err == ""
    assert line.out == ""
    assert line.err.startswith("BundleMissing: ")
    assert line.err.count("\n") == 1
    assert os.linesep == "\n"
