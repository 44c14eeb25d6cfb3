"""model.onnx and a sample become a bundle: settings, circuit, keys, verifier, measurements, manifest.

Everything is made in a scratch directory that takes the bundle's name only when it is whole, so an interrupted build leaves
nothing. The bundle is named by the model id: building the same thing twice finds the first.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from bridge.circuit import srs as trusted_setup
from bridge.circuit.batch import batched
from bridge.circuit.fidelity import CALIBRATION, HELD_OUT, measure, split
from bridge.circuit.keys import keys_key
from bridge.circuit.model import read_model
from bridge.circuit.order import Order
from bridge.circuit.ranking import Bounds
from bridge.circuit.search import search
from bridge.circuit.tune import Bench, Made, Task, Tuned, commitment_of, tune
from bridge.core import store
from bridge.core.bundle import MANIFEST, Bundle, open_bundle
from bridge.core.manifest import FORMAT, Fidelity, Manifest, Versions
from bridge.core.progress import Progress, silent
from bridge.core.rows import Row, in_batches, read_rows, stack
from bridge.core.storage import publish, scratch_directory, sha256_file
from bridge.core.word import Hex32
from bridge.engine import child
from bridge.errors import BundleError, FidelityTooLow
from bridge.solidity.artifact import Artifact
from bridge.solidity.solc import VERSION as SOLC_VERSION

_ID_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Built:
    """A finished bundle and how it came about."""

    bundle: Bundle
    is_new: bool
    """False where the folder had it already."""
    tuned: Tuned | None
    """How its settings were found; None where an earlier build of the same thing was taken as it is."""


def build(order: Order, bench: Bench, progress: Progress = silent) -> Built:
    """Build a bundle. Raises members of `InputError`, `CircuitError`, `SetupError`, `SolidityError`, `EngineError` and
    `StorageError`, each before anything is left behind.
    """
    order.check()
    progress("reading the model and its sample")
    single = read_model(order.model)
    sample = read_rows(order.sample, single.inputs)
    if order.held_out is None:
        calibration, held_out = split(sample)
    else:
        calibration, held_out = sample, read_rows(order.held_out, single.inputs)
    with store.hold(_bundle_key(order), progress) as slot:
        kept = _recall(order, slot, progress)
        if kept is not None:
            return kept
        with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
            model = batched(single, order.batch, calibration, Path(folder))
            batches = [stack(batch) for batch in in_batches(calibration, order.batch)]
            task = Task(order, single, model, batches)
            return _build(task, bench, slot, calibration, held_out, progress)


def _bundle_key(order: Order) -> store.Key:
    """All that decides a bundle but the trusted setup, which `_recall` compares.

    A version that is being worked on does not change its number, so the sources of this room and of the engine are in it.
    """
    parts = {**asdict(order), "out": None, "name": order.title}
    for name, value in parts.items():
        if isinstance(value, Path):
            parts[name] = sha256_file(value) if value.is_file() else None
        elif isinstance(value, Enum):
            parts[name] = value.name
    rooms = (Path(__file__).parent, Path(child.__file__).parent)
    sources = {path.name: sha256_file(path) for room in rooms for path in sorted(room.glob("*.py"))}
    tools = {name: importlib.metadata.version(name) for name in ("proofbridge", "ezkl", "onnx", "onnxruntime")}
    return store.Key.of(
        "bundles",
        {**parts, "format": FORMAT, "solc": SOLC_VERSION, "tools": tools, "sources": sources},
    )


def _recall(order: Order, slot: store.Slot, progress: Progress) -> Built | None:
    """The bundle of an earlier build of the same thing, put where it was asked for; None where it would be another today."""
    kept = slot.found()
    if kept is None:
        return None
    try:
        bundle = open_bundle(kept)
    except BundleError:
        return None  # it was damaged before it was kept
    manifest = bundle.manifest
    srs = trusted_setup.resolve(manifest.settings.logrows, given=order.srs, progress=progress)
    if srs.setup != manifest.setup:
        return None
    target = _target(order, bundle.model_id)
    if target.exists():
        return Built(open_bundle(target), is_new=False, tuned=None)
    progress("taking the bundle of an earlier build")
    with scratch_directory(order.out) as scratch:
        for name in (*manifest.files, MANIFEST):
            shutil.copyfile(kept / name, scratch / name)
        publish(scratch, target)
    return Built(open_bundle(target), is_new=True, tuned=None)


def _keep(slot: store.Slot, bundle: Bundle, keys: store.Key) -> None:
    """Keep a new bundle; one without measured gas is not kept, so that the next build on a machine with Anvil measures it."""
    if bundle.manifest.measurements.verify_gas is None:
        return
    with slot.making() as scratch, store.hold(keys) as dear:
        made = dear.found()
        for name in (*bundle.manifest.files, MANIFEST):
            same = made / name if made else None
            if same and same.is_file() and sha256_file(same) == bundle.manifest.files.get(name):
                os.link(same, scratch / name)  # a proving key is large, and inside the store nobody writes into a file
            else:
                shutil.copyfile(bundle.file(name), scratch / name)


def _target(order: Order, model_id: Hex32) -> Path:
    return order.out / f"{order.title}-{model_id[2 : 2 + _ID_DIGITS]}"


def _build(
    task: Task, bench: Bench, slot: store.Slot, calibration: Sequence[Row], held_out: Sequence[Row], progress: Progress
) -> Built:
    order, model = task.order, task.model
    ranking = search(
        model,
        task.batches,
        objective=order.objective,
        bounds=_bounds(order),
        visibility=order.visibility,
        margin=order.margin,
        progress=progress,
    )
    with scratch_directory(order.out) as scratch:
        tuned = tune(task, ranking, bench, scratch, progress)
        made = tuned.made
        fidelity = _compared(task, made, calibration, CALIBRATION, progress)
        unseen = _compared(task, made, held_out, HELD_OUT, progress) if held_out else None
        commitment = commitment_of(task.single, made.circuit, made.verifier)
        target = _target(order, commitment.model_id)
        if target.exists():
            return Built(open_bundle(target), is_new=False, tuned=tuned)
        manifest = Manifest(
            format=FORMAT,
            name=order.title,
            model_id=commitment.model_id,
            commitment=commitment,
            circuit=made.circuit,
            settings=made.ranked.candidate.summary,
            fidelity=fidelity,
            held_out=unseen,
            measurements=made.measurements,
            setup=made.srs.setup,
            versions=_versions(made.verifier.code),
            files={name: sha256_file(made.folder / name) for name in made.files},
        )
        (made.folder / MANIFEST).write_text(manifest.to_json())
        publish(made.folder, target)
    bundle = open_bundle(target)
    _keep(slot, bundle, keys_key(model, made.ranked.candidate.document, made.srs))
    return Built(bundle, is_new=True, tuned=tuned)


def _bounds(order: Order) -> Bounds:
    """What is asked for and what no chain and no machine would take."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Bounds(
        max_error=order.max_error,
        max_logrows=order.max_logrows,
        max_gas=min(order.limits.transaction_gas, order.max_gas or order.limits.transaction_gas),
        max_prove_seconds=order.max_prove_seconds,
        max_memory_bytes=min(machine, order.max_memory or machine),
        max_runtime_bytes=min(order.limits.runtime_bytes, order.max_bytecode or order.limits.runtime_bytes),
    )


def _compared(task: Task, made: Made, rows: Sequence[Row], which: str, progress: Progress) -> Fidelity:
    fidelity = measure(task.single, made.circuit, made.keys, rows, which, progress)
    allowed = task.order.max_error
    if allowed is not None and fidelity.max_abs_error > allowed:
        raise FidelityTooLow(got=fidelity.max_abs_error, allowed=allowed, rows=which)
    return fidelity


def _versions(verifier: Artifact) -> Versions:
    return Versions(
        proofbridge=importlib.metadata.version("proofbridge"),
        ezkl=importlib.metadata.version("ezkl"),
        solc=verifier.solc,
        evm=verifier.evm,
    )
