"""Building: the same content gives the same id, and whatever goes wrong leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from onnx import helper

from bridge import verbs
from bridge.circuit.build import Bench, Built, Order, build
from bridge.core.bundle import (
    CIRCUIT,
    MANIFEST,
    SETTINGS,
    VERIFIER_RUNTIME,
    VERIFIER_SOURCE,
    VERIFYING_KEY,
    Bundle,
    open_bundle,
)
from bridge.core.circuit import Visibility
from bridge.errors import (
    BridgeError,
    BudgetExceeded,
    BundleCorrupt,
    BundleMissing,
    CircuitRefused,
    CircuitTooLarge,
    CodeTooLarge,
    FidelityTooLow,
    GasAboveCap,
    InputOutOfRange,
    NotWritable,
    OptionInvalid,
    SrsUnavailable,
)
from bridge.prover import prove as prover
from bridge.solidity.limits import Limits
from tests.circuit.test_model import save
from tests.conftest import RunOnDisk

BENCH = Bench(prover.prove, lambda _verifier, _proof: None)
"""Proves for real and measures no gas."""

BuildIn = Callable[..., Built]


@pytest.fixture
def build_in(order: Order, tmp_path: Path) -> BuildIn:
    """Build the example into a folder of this test, with some of the order changed."""

    def run(bench: Bench = BENCH, **changes: object) -> Built:
        return build(replace(order, **{"out": tmp_path / "out", **changes}), bench)

    return run


def left(tmp_path: Path) -> list[str]:
    """The names in the folder of bundles, hidden ones included."""
    out = tmp_path / "out"
    return sorted(path.name for path in out.iterdir()) if out.exists() else []


def test_building_twice_finds_the_first(bundle: Bundle, order: Order) -> None:
    before = (bundle.path / MANIFEST).stat()
    again = build(order, BENCH)
    assert not again.is_new
    assert again.bundle == bundle
    assert (bundle.path / MANIFEST).stat().st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in order.out.iterdir()] == [bundle.path.name]


def test_building_elsewhere_gives_the_same_model_and_the_same_verifier(bundle: Bundle, build_in: BuildIn) -> None:
    again = build_in(name="linear")
    assert again.is_new
    assert again.bundle.path != bundle.path
    assert again.bundle.model_id == bundle.model_id
    for name in (SETTINGS, VERIFYING_KEY, VERIFIER_SOURCE, VERIFIER_RUNTIME):
        assert again.bundle.file(name).read_bytes() == bundle.file(name).read_bytes()


def test_another_model_has_another_id_and_another_verifier(bundle: Bundle, other_bundle: Bundle) -> None:
    assert other_bundle.model_id != bundle.model_id
    assert other_bundle.code(VERIFIER_RUNTIME) != bundle.code(VERIFIER_RUNTIME)


def test_the_settings_are_canonical(bundle: Bundle) -> None:
    text = bundle.file(SETTINGS).read_text()
    document = json.loads(text)
    assert document["timestamp"] == 0
    assert text == json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert document["run_args"]["logrows"] == bundle.manifest.settings.logrows


def test_a_name_is_given_or_that_of_the_file_or_of_its_folder(order: Order, tmp_path: Path) -> None:
    assert order.title == "linear"
    assert replace(order, name="mine").title == "mine"
    assert replace(order, model=tmp_path / "digits" / "model.onnx").title == "digits"
    assert replace(order, model=tmp_path / "digits" / "network.onnx").title == "digits"


class StopError(Exception):
    """What a test throws into a build."""


@pytest.mark.parametrize("error", [StopError, KeyboardInterrupt])
def test_an_interrupted_build_leaves_nothing(build_in: BuildIn, tmp_path: Path, error: type[BaseException]) -> None:
    seen: list[str] = []

    def interrupted(keys: object, *_: object) -> object:
        seen.extend(left(tmp_path))
        raise error

    with pytest.raises(error):
        build_in(Bench(interrupted, BENCH.verify_gas))  # type: ignore[arg-type]
    assert len(seen) == 1
    assert seen[0].startswith(".building-")
    assert left(tmp_path) == []


def test_a_killed_build_leaves_no_bundle_and_does_not_stand_in_the_way(order: Order, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "bridge.cli.app", "model", "build", str(order.model)]
    command += ["--sample", str(order.sample), "--out", str(out)]
    builder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not list(out.glob(f".building-*/{CIRCUIT}")) and time.monotonic() < deadline:
            time.sleep(0.005)
    finally:
        builder.kill()
    assert builder.wait() == -signal.SIGKILL
    assert left(tmp_path)
    assert all(name.startswith(".building-") for name in left(tmp_path))
    with pytest.raises(BundleMissing):
        open_bundle(out)
    built = build(replace(order, out=out), BENCH)
    assert open_bundle(out) == built.bundle


def test_a_corrupt_bundle_in_the_way_is_named_and_kept(build_in: BuildIn) -> None:
    built = build_in()
    built.bundle.file(SETTINGS).write_text("{}")
    with pytest.raises(BundleCorrupt) as refused:
        build_in()
    assert refused.value.path == built.bundle.file(SETTINGS)


@pytest.mark.parametrize("size", ["4k", "500k", "780k", "860k"])
def test_a_full_disk_is_named_and_nothing_is_left(order: Order, on_disk: RunOnDisk, tmp_path: Path, size: str) -> None:
    """Too small for the circuit, the proving key, the verifier's source and its input; the bundle has about 910 KB."""
    out = tmp_path / "disk" / "out"
    command = ["-m", "bridge.cli.app", "model", "build", str(order.model), "--sample", str(order.sample)]
    ran = on_disk(f"size={size}", *command, "--out", str(out), "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["error"]["name"] == "DiskFull", ran.err
    assert [path for path in ran.left if path != str(out)] == []


def test_a_disk_that_is_large_enough_is_not_full(order: Order, on_disk: RunOnDisk, tmp_path: Path) -> None:
    out = tmp_path / "disk" / "out"
    command = ["-m", "bridge.cli.app", "model", "build", str(order.model), "--sample", str(order.sample)]
    ran = on_disk("size=4m", *command, "--out", str(out), "--json")
    assert ran.code == 0, ran.err
    assert f"{json.loads(ran.out)['bundle']}/{MANIFEST}" in ran.left


def test_a_folder_that_cannot_be_made_is_named(build_in: BuildIn, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(NotWritable):
        build_in(out=tmp_path / "taken")
    with pytest.raises(NotWritable):
        build_in(out=tmp_path / "taken" / "below")


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"max_error": 1e-9}, FidelityTooLow, "more than --max-error 1e-09"),
        ({"max_error": 0.0}, FidelityTooLow, "more than --max-error 0"),
        ({"max_prove_seconds": 0.0}, BudgetExceeded, "more than --max-prove-seconds 0"),
        ({"max_logrows": 5}, CircuitTooLarge, "more than the 2^5 allowed"),
        ({"limits": Limits(runtime_bytes=1000)}, CodeTooLarge, "over the chain's limit of 1000"),
        ({"evm": "frontier"}, OptionInvalid, "--evm-version"),
        ({"srs": Path("/nowhere/srs")}, BridgeError, "/nowhere/srs"),
    ],
)
def test_a_bound_that_cannot_be_kept_is_named_and_nothing_is_left(
    build_in: BuildIn, tmp_path: Path, changes: dict[str, object], error: type[BridgeError], said: str
) -> None:
    with pytest.raises(error) as refused:
        build_in(**changes)
    assert said in refused.value.what
    assert left(tmp_path) == []


def test_bounds_that_can_be_kept_are_kept(build_in: BuildIn) -> None:
    built = build_in(max_error=0.001, max_prove_seconds=60.0, max_logrows=8)
    assert built.bundle.manifest.fidelity.max_abs_error <= 0.001
    assert built.bundle.manifest.settings.logrows <= 8


def test_gas_over_the_budget_and_over_the_chains_cap_is_named(build_in: BuildIn, tmp_path: Path) -> None:
    bench = Bench(BENCH.prove, lambda _verifier, _proof: 400_000)
    with pytest.raises(BudgetExceeded, match="400000 gas, more than --max-gas 399999"):
        build_in(bench, max_gas=399_999)
    with pytest.raises(GasAboveCap, match="400000 gas, over the chain's limit of 300000"):
        build_in(bench, limits=Limits(transaction_gas=300_000))
    assert left(tmp_path) == []
    assert build_in(bench, max_gas=400_000).bundle.manifest.measurements.verify_gas == 400_000


def test_a_setup_that_is_too_small_is_named(build_in: BuildIn, perpetual: Path) -> None:
    with pytest.raises(SrsUnavailable, match=r"holds only 2\^1"):
        build_in(srs=perpetual)


def test_a_setup_that_was_given_is_found_again_for_proving(
    build_in: BuildIn, order: Order, hermez: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "home"))
    bundle = build_in(srs=hermez).bundle
    assert (bundle.manifest.setup.kind, bundle.manifest.setup.name) == ("ceremony", "hermez")
    proof = verbs.prove(bundle, verbs.read_input(bundle, order.sample)[0])
    assert proof.model_id == bundle.model_id


@pytest.mark.parametrize("visibility", Visibility)
def test_an_input_is_seen_by_everyone_as_a_hash_or_by_nobody(
    build_in: BuildIn, order: Order, visibility: Visibility, tmp_path: Path
) -> None:
    bundle = build_in(visibility=visibility).bundle
    circuit = bundle.manifest.circuit
    assert circuit.input_visibility is visibility
    assert circuit.input_instances == {Visibility.PUBLIC: 3, Visibility.HASHED: 1, Visibility.PRIVATE: 0}[visibility]
    first, second = verbs.read_input(bundle, order.sample)[:2]
    proof = verbs.prove(bundle, first)
    assert len(proof.instances) == circuit.input_instances + 2
    ((got, *_),) = verbs.outputs_of(bundle, proof)
    assert got == pytest.approx(0.3448, abs=0.001)
    inputs = proof.words[: circuit.input_instances]
    others = verbs.prove(bundle, second).words[: circuit.input_instances]
    assert (inputs == others) == (visibility is Visibility.PRIVATE)
    if visibility is Visibility.HASHED:
        assert inputs == verbs.prove(bundle, first).words[:1]


def test_an_input_outside_the_calibrated_range_is_refused_before_proving(bundle: Bundle, tmp_path: Path) -> None:
    tensor = bundle.manifest.circuit.inputs[0]
    assert (tensor.low, tensor.high) == (-4.0, 4.0)
    path = tmp_path / "row.json"
    path.write_text('{"x": [0.0, 4.0, -4.0]}')
    assert len(verbs.read_input(bundle, path)) == 1
    path.write_text('{"x": [0.0, 4.001, 0.0]}')
    with pytest.raises(InputOutOfRange, match=r"4.001 at element 1, outside the range \[-4, 4\]"):
        verbs.read_input(bundle, path)


def test_a_row_that_overflows_inside_the_circuit_is_refused_by_name(tmp_path: Path) -> None:
    """x*x leaves the range of the sigmoid's table before x leaves the range of the check."""
    nodes = [helper.make_node("Mul", ["x", "x"], ["s"]), helper.make_node("Sigmoid", ["s"], ["y"])]
    model = save(tmp_path / "m.onnx", nodes)
    sample = tmp_path / "sample.json"
    sample.write_text('{"x": [0.5, -1.0, 1.0]}')
    bundle = build(Order(model, sample, tmp_path / "out"), BENCH).bundle
    verbs.prove(bundle, verbs.read_input(bundle, sample)[0])
    sample.write_text('{"x": [2.0, -2.0, 2.0]}')
    with pytest.raises(CircuitRefused, match="the row does not fit it") as refused:
        verbs.prove(bundle, verbs.read_input(bundle, sample)[0], timeout=60)
    assert "a lookup of" in refused.value.reason
    assert os.linesep not in refused.value.what
