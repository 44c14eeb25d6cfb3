"""Building: the same content gives the same id, and whatever goes wrong leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from bridge import verbs
from bridge.circuit.build import Built, build
from bridge.circuit.order import Order
from bridge.circuit.tune import Bench
from bridge.core.bundle import (
    CIRCUIT,
    MANIFEST,
    PROVING_KEY,
    SETTINGS,
    VERIFIER_RUNTIME,
    VERIFIER_SOURCE,
    VERIFYING_KEY,
    Bundle,
    open_bundle,
)
from bridge.core.circuit import Visibility
from bridge.core.proof import Proof
from bridge.core.rows import check_range
from bridge.engine import child
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
from tests.conftest import Example, RunOnDisk, write_linear_model

BENCH = Bench(prover.prove, lambda _verifier, _proof: None)
"""Proves for real and measures no gas."""

GAS = Bench(prover.prove, lambda _verifier, _proof: 300_000)
"""Proves for real and says what the gas is."""

BuildIn = Callable[..., Built]


@pytest.fixture(autouse=True)
def fresh_store(own_home: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home in which nothing was built yet, with the setups and compilations of all tests."""
    cache = tmp_path / "home" / "cache"
    (cache / "store").mkdir(parents=True)
    for shared in ("srs", "store/compilations"):
        (cache / shared).symlink_to(own_home / "cache" / shared)
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(tmp_path / "home"))
    return cache / "store"


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


@dataclass
class Counted:
    """What a build asked of the engine and of the bench."""

    calls: list[str] = field(default_factory=list)
    proofs: int = 0

    def bench(self, gas: int | None = 300_000) -> Bench:
        def prove(*arguments: Any) -> Proof:
            self.proofs += 1
            return prover.prove(*arguments)

        return Bench(prove, lambda _verifier, _proof: gas)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Counts the engine's calls of this test."""
    seen = Counted()

    def run(calls: Sequence[child.Call], **options: Any) -> Any:
        seen.calls += [call.name for call in calls]
        return child.run(calls, **options)

    for module in ("fidelity", "keys", "srs", "trial"):
        monkeypatch.setattr(f"bridge.circuit.{module}.run", run)
    return seen


def test_the_second_build_of_the_same_thing_asks_the_engine_nothing(
    build_in: BuildIn, counted: Counted, tmp_path: Path
) -> None:
    first = build_in(counted.bench())
    assert {"compile_circuit", "setup", "solidity_verifier"} <= set(counted.calls)
    counted.calls.clear()
    again = build_in(counted.bench())
    assert (again.is_new, again.bundle) == (False, first.bundle)
    elsewhere = build_in(counted.bench(), out=tmp_path / "elsewhere")
    assert elsewhere.is_new
    assert elsewhere.bundle.path.parent == tmp_path / "elsewhere"
    assert elsewhere.bundle.manifest == first.bundle.manifest
    assert (counted.calls, counted.proofs) == ([], 1)


@pytest.mark.parametrize("change", ["name", "sample", "max_error", "model", "visibility", "evm"])
def test_another_thing_is_built_anew(
    build_in: BuildIn, counted: Counted, order: Order, tmp_path: Path, change: str
) -> None:
    build_in(counted.bench())
    proved = counted.proofs
    sample = tmp_path / "sample.json"
    sample.write_text('{"x": [[0.5, -1.0, 1.0], [1.5, 0.25, -0.75]]}')
    changes = {
        "name": "mine",
        "sample": sample,
        "max_error": 0.01,
        "model": write_linear_model(tmp_path / "linear.onnx", seed=1),
        "visibility": Visibility.HASHED,
        "evm": "shanghai",
    }
    build_in(counted.bench(), out=tmp_path / "elsewhere", **{change: changes[change]})
    assert counted.proofs > proved


def test_a_bound_is_part_of_what_is_asked_for(build_in: BuildIn, counted: Counted, tmp_path: Path) -> None:
    """It decides which circuit is chosen; what the bounds leave alone is still made once."""
    first = build_in(counted.bench())
    bounded = build_in(counted.bench(), max_gas=10**6, max_prove_seconds=600.0, out=tmp_path / "elsewhere")
    assert bounded.bundle.model_id == first.bundle.model_id
    assert (counted.calls.count("setup"), counted.proofs) == (1, 2)
    with pytest.raises(CodeTooLarge):
        build_in(counted.bench(), limits=Limits(runtime_bytes=1000))


def test_a_budget_that_an_earlier_build_missed_is_measured_again(
    build_in: BuildIn, counted: Counted, tmp_path: Path
) -> None:
    build_in(counted.bench())
    with pytest.raises(BudgetExceeded):
        build_in(counted.bench(), max_gas=299_999, out=tmp_path / "elsewhere")
    assert build_in(counted.bench(gas=299_999), max_gas=299_999, out=tmp_path / "elsewhere").is_new


def test_a_bundle_without_measured_gas_is_not_kept_but_its_keys_are(
    build_in: BuildIn, counted: Counted, tmp_path: Path
) -> None:
    build_in(counted.bench(gas=None))
    measured = build_in(counted.bench(), out=tmp_path / "elsewhere")
    assert measured.bundle.manifest.measurements.verify_gas == 300_000
    assert (counted.calls.count("setup"), counted.proofs) == (1, 2)


def test_another_setup_makes_other_keys(build_in: BuildIn, counted: Counted, hermez: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / "cache" / "srs").unlink()  # the file that is given is kept
    first = build_in(counted.bench())
    public = build_in(counted.bench(), srs=hermez)
    assert public.bundle.model_id != first.bundle.model_id
    assert counted.calls.count("setup") == 2
    again = build_in(counted.bench())
    assert again.bundle == public.bundle  # now there is a public one, and it comes first
    assert counted.calls.count("setup") == 2


@pytest.mark.parametrize("kind", ["keys", "bundles"])
def test_what_is_damaged_in_the_store_is_made_again(
    build_in: BuildIn, counted: Counted, fresh_store: Path, tmp_path: Path, kind: str
) -> None:
    first = build_in(counted.bench())
    for path in fresh_store.glob(f"{kind}/*/{CIRCUIT}"):
        path.unlink()
        path.write_bytes(b"cut")
    if kind == "keys":
        shutil.rmtree(fresh_store / "bundles")
    again = build_in(counted.bench(), out=tmp_path / "elsewhere")
    assert again.bundle.model_id == first.bundle.model_id
    assert counted.calls.count("setup") == (2 if kind == "keys" else 1)
    assert counted.proofs == 2


def test_a_bundle_that_is_damaged_where_it_lies_damages_no_other(build_in: BuildIn, tmp_path: Path) -> None:
    first = build_in(GAS)
    first.bundle.file(PROVING_KEY).write_bytes(b"gone")
    assert open_bundle(build_in(GAS, out=tmp_path / "elsewhere").bundle.path)
    with pytest.raises(BundleCorrupt):
        build_in(GAS)


def test_two_builds_at_once_do_the_work_once(order: Order, tmp_path: Path) -> None:
    """Both through the command, into two folders; the stages that they tell are the count."""

    def start(folder: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bridge.cli.app", "model", "build", str(order.model)]
        command += ["--sample", str(order.sample), "--out", str(tmp_path / folder), "--json"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    with start("one") as one, start("two") as two:
        told = [builder.communicate(timeout=120) for builder in (one, two)]
    documents = [json.loads(out) for out, _ in told]
    assert documents[0]["model_id"] == documents[1]["model_id"]
    assert documents[0]["bundle"] != documents[1]["bundle"]
    stages = "".join(said for _, said in told)
    for once in ("making the keys", "proving", "another process is at work on the same bundles"):
        assert stages.count(once) == 1, stages


def test_a_build_that_is_stopped_leaves_what_it_had_finished(build_in: BuildIn, counted: Counted) -> None:
    def interrupted(*_: object) -> Proof:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_in(Bench(interrupted, GAS.verify_gas))
    assert build_in(counted.bench()).is_new
    assert counted.calls.count("setup") == 1


@pytest.mark.parametrize("stage", ["trying", "making the keys", "proving"])
def test_ctrl_c_at_any_stage_leaves_a_usable_cache_and_no_half_bundle(
    order: Order, fresh_store: Path, tmp_path: Path, stage: str
) -> None:
    command = [sys.executable, "-m", "bridge.cli.app", "model", "build", str(order.model)]
    command += ["--sample", str(order.sample), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as builder:
        assert builder.stderr is not None
        assert any(stage in line for line in builder.stderr)
        builder.send_signal(signal.SIGINT)
        builder.communicate(timeout=30)
    assert builder.returncode not in {0, -signal.SIGKILL}
    assert left(tmp_path) == []
    assert not list(fresh_store.glob("*/.building-*"))
    assert not list(fresh_store.glob("bundles/*"))
    assert build(replace(order, out=tmp_path / "out"), GAS).is_new


def test_a_killed_maker_of_keys_leaves_no_half_keys(order: Order, fresh_store: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bridge.cli.app", "model", "build", str(order.model)]
    command += ["--sample", str(order.sample), "--out", str(tmp_path / "out")]
    builder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not list(fresh_store.glob(f"keys/.building-*/{CIRCUIT}")) and time.monotonic() < deadline:
            time.sleep(0.002)
    finally:
        builder.kill()
    assert builder.wait() == -signal.SIGKILL
    assert not list(fresh_store.glob("keys/*/entry.json"))
    assert build(replace(order, out=tmp_path / "out"), GAS).is_new
    assert not list(fresh_store.glob("*/.building-*"))


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
        while not list(out.glob(f".building-*/*/{CIRCUIT}")) and time.monotonic() < deadline:
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


@pytest.mark.parametrize(("margin", "reach"), [(1.0, 2.0), (1.5, 3.0), (2.0, 4.0)])
def test_the_margin_says_how_far_beyond_the_sample_a_row_may_lie(
    example: Example, tmp_path: Path, margin: float, reach: float
) -> None:
    """The sample reaches to 2 on both sides of zero."""
    order = Order(example.model, example.sample, tmp_path / "out", margin=margin)
    bundle = build(order, BENCH).bundle
    tensor = bundle.manifest.circuit.inputs[0]
    assert tensor.low is not None
    assert tensor.high is not None
    assert max(-tensor.low, tensor.high) == pytest.approx(reach)
    inside, outside = (
        tuple(np.full(tensor.shape, tensor.high * factor, np.float32) for _ in "x") for factor in (1, 1.01)
    )
    check_range(inside, bundle.manifest.circuit.inputs)
    with pytest.raises(InputOutOfRange):
        check_range(outside, bundle.manifest.circuit.inputs)


@pytest.mark.parametrize("margin", [0.99, 0.0, -1.0, float("nan"), float("inf")])
def test_a_margin_that_is_none_is_refused(example: Example, tmp_path: Path, margin: float) -> None:
    with pytest.raises(OptionInvalid, match="margin"):
        build(Order(example.model, example.sample, tmp_path / "out", margin=margin), BENCH)
