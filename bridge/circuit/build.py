"""model.onnx and a sample become a bundle: settings, circuit, keys, verifier, measurements, manifest.

Everything is made in a scratch directory that takes the bundle's name only when it is whole, so an interrupted build leaves
nothing. The bundle is named by the model id: building the same thing twice finds the first.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.circuit import srs as trusted_setup
from bridge.circuit.batch import batched
from bridge.circuit.model import Model, read_model
from bridge.circuit.search import Choice, search, settings_document
from bridge.circuit.settings import Objective
from bridge.circuit.srs import SrsFile
from bridge.core.bundle import (
    CIRCUIT,
    FILES,
    MANIFEST,
    MODEL,
    PROVING_KEY,
    SETTINGS,
    VERIFIER_CREATION,
    VERIFIER_INPUT,
    VERIFIER_RUNTIME,
    VERIFIER_SOURCE,
    VERIFYING_KEY,
    Bundle,
    Keys,
    open_bundle,
)
from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import EZKL_PROOF_SYSTEM, ModelCommitment, circuit_hash, proof_system_id
from bridge.core.manifest import FORMAT, Manifest, Measurements, Versions
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.core.rows import Row, in_batches, read_rows, stack
from bridge.core.storage import publish, scratch_directory, sha256_file
from bridge.core.tensor import CircuitTensor, TensorSpec
from bridge.core.word import Hex32
from bridge.engine.child import Call, run
from bridge.errors import BudgetExceeded, CircuitRefused, OptionInvalid
from bridge.solidity import evm as evm_versions
from bridge.solidity.artifact import Artifact
from bridge.solidity.limits import ETHEREUM, Limits
from bridge.solidity.verifier import compile_verifier

DEFAULT_MAX_LOGROWS = 18
_ID_DIGITS = 12
_NAME = re.compile(r"[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,99}")
"""It is the start of the bundle directory's name."""
_NAMELESS = frozenset({"model", "network"})


@dataclass(frozen=True, slots=True)
class Bench:
    """How a finished circuit is measured; handed in by the room above, because proving and chains are next door."""

    prove: Callable[[Keys, Hex32, Row, Path], Proof]
    verify_gas: Callable[[Artifact, Proof], int | None]


@dataclass(frozen=True, slots=True)
class Order:
    """What to build. Paths are read, never changed."""

    model: Path
    sample: Path
    out: Path
    """The folder in which the bundle directory appears."""
    name: str | None = None
    """What people call the model; the file's name, or that of its folder where the file's says nothing."""
    objective: Objective = Objective.BALANCED
    max_error: float | None = None
    """Largest absolute error against onnxruntime."""
    max_gas: int | None = None
    """Gas of a verification transaction."""
    max_prove_seconds: float | None = None
    visibility: Visibility = Visibility.PUBLIC
    evm: str = evm_versions.UNIVERSAL
    max_logrows: int = DEFAULT_MAX_LOGROWS
    srs: Path | None = None
    limits: Limits = ETHEREUM
    batch: int = 1
    """Rows that one proof covers."""

    @property
    def title(self) -> str:
        """The name to use."""
        if self.name:
            return self.name
        stem = self.model.stem
        return self.model.resolve().parent.name if stem in _NAMELESS else stem


@dataclass(frozen=True, slots=True)
class Built:
    """A finished bundle and how it came about."""

    bundle: Bundle
    is_new: bool
    """False where the same content had been built before."""
    choice: Choice


def build(order: Order, bench: Bench, progress: Progress = silent) -> Built:
    """Build a bundle. Raises members of `InputError`, `CircuitError`, `SetupError`, `SolidityError`, `EngineError` and
    `StorageError`, each before anything is left behind.
    """
    if not _NAME.fullmatch(order.title):
        raise OptionInvalid(option="--name", got=order.title, expected="a name without slashes that starts with no dot")
    if order.batch > 1 and order.visibility is not Visibility.PUBLIC:
        expected = f"1 for an input that is {order.visibility.label}: rows that are not shown cannot be told apart"
        raise OptionInvalid(option="--batch", got=str(order.batch), expected=expected)
    evm_versions.check_version(order.evm)
    progress("reading the model and its sample")
    single = read_model(order.model)
    sample = read_rows(order.sample, single.inputs)
    with tempfile.TemporaryDirectory(prefix="proofbridge-") as folder:
        model = batched(single, order.batch, sample, Path(folder))
        rows = [stack(batch) for batch in in_batches(sample, order.batch)]
        return _build(order, bench, single, model, rows, progress)


def _build(order: Order, bench: Bench, single: Model, model: Model, rows: Sequence[Row], progress: Progress) -> Built:
    """`single` is what was given; `model` and `rows` are over a whole batch."""
    choice = search(
        model,
        rows,
        objective=order.objective,
        max_error=order.max_error,
        visibility=order.visibility,
        max_logrows=order.max_logrows,
        progress=progress,
    )
    srs = trusted_setup.resolve(choice.candidate.logrows, given=order.srs, progress=progress)
    with scratch_directory(order.out) as scratch:
        shutil.copyfile(single.path, scratch / MODEL)
        keys = _make_keys(scratch, model, choice, srs, progress)
        verifier = compile_verifier((scratch / VERIFIER_SOURCE).read_text(), order.evm, progress)
        order.limits.check_code("the generated verifier", verifier.creation, verifier.runtime)
        (scratch / VERIFIER_INPUT).write_text(verifier.standard_json)
        (scratch / VERIFIER_CREATION).write_text(verifier.creation.hex())
        (scratch / VERIFIER_RUNTIME).write_text(verifier.runtime.hex())
        circuit = _circuit(scratch, model, rows, choice, order.visibility)
        commitment = ModelCommitment(
            model_hash=Hex32("0x" + single.sha256),
            circuit_hash=circuit_hash(circuit),
            vk_hash=verifier.runtime_hash,
            proof_system=proof_system_id(EZKL_PROOF_SYSTEM),
        )
        target = order.out / f"{order.title}-{commitment.model_id[2 : 2 + _ID_DIGITS]}"
        if target.exists():
            return Built(open_bundle(target), is_new=False, choice=choice)
        proof = bench.prove(keys, commitment.model_id, rows[0], srs.path)
        measurements = Measurements(
            prove_seconds=proof.seconds,
            peak_memory_bytes=proof.peak_memory_bytes,
            proof_bytes=(len(proof.proof) - 2) // 2,
            verifier_runtime_bytes=len(verifier.runtime),
            verifier_initcode_bytes=len(verifier.creation),
            verify_gas=bench.verify_gas(verifier, proof),
        )
        _check_budget(order, measurements)
        manifest = Manifest(
            format=FORMAT,
            name=order.title,
            model_id=commitment.model_id,
            commitment=commitment,
            circuit=circuit,
            settings=choice.candidate.summary,
            fidelity=choice.fidelity,
            measurements=measurements,
            setup=srs.setup,
            versions=_versions(verifier),
            files={name: sha256_file(scratch / name) for name in FILES},
        )
        (scratch / MANIFEST).write_text(manifest.to_json())
        publish(scratch, target)
    return Built(open_bundle(target), is_new=True, choice=choice)


def _check_budget(order: Order, measured: Measurements) -> None:
    gas, seconds = measured.verify_gas, measured.prove_seconds
    if gas is not None:
        order.limits.check_gas("a verification", gas)
        if order.max_gas is not None and gas > order.max_gas:
            raise BudgetExceeded(measure="gas", option="--max-gas", got=gas, allowed=order.max_gas)
    if order.max_prove_seconds is not None and seconds > order.max_prove_seconds:
        allowed = order.max_prove_seconds
        raise BudgetExceeded(measure="s to prove", option="--max-prove-seconds", got=seconds, allowed=allowed)


def _make_keys(scratch: Path, model: Model, choice: Choice, srs: SrsFile, progress: Progress) -> Keys:
    (scratch / SETTINGS).write_text(choice.candidate.document)
    at = {name: str(scratch / name) for name in (SETTINGS, CIRCUIT, PROVING_KEY, VERIFYING_KEY, VERIFIER_SOURCE)}
    key = {"vk": at[VERIFYING_KEY], "srs": str(srs.path)}
    run(
        [
            Call(
                "compile_circuit",
                "compiling the circuit",
                {"model": str(model.path), "circuit": at[CIRCUIT], "settings": at[SETTINGS]},
            ),
            Call(
                "setup",
                f"making the keys (2^{choice.candidate.logrows} rows)",
                {**key, "circuit": at[CIRCUIT], "pk": at[PROVING_KEY]},
            ),
            Call(
                "solidity_verifier",
                "generating the Solidity verifier",
                {**key, "settings": at[SETTINGS], "output": at[VERIFIER_SOURCE]},
            ),
        ],
        writes=scratch,
        progress=progress,
    )
    return Keys.inside(scratch)


def _circuit(scratch: Path, model: Model, rows: Sequence[Row], choice: Choice, visibility: Visibility) -> Circuit:
    document = settings_document(choice.candidate)
    shapes = document["model_instance_shapes"]
    outputs = [tuple(shape) for shape in shapes[len(shapes) - len(model.outputs) :]]
    return Circuit(
        settings_hash=Hex32("0x" + sha256_file(scratch / SETTINGS)),
        input_visibility=visibility,
        rows=model.rows,
        inputs=_inputs(model, rows, document),
        outputs=tuple(
            CircuitTensor(spec.name, shape, spec.dtype, scale)
            for spec, shape, scale in zip(model.outputs, outputs, document["model_output_scales"], strict=True)
        ),
    )


def _inputs(model: Model, rows: Sequence[Row], document: dict[str, Any]) -> tuple[CircuitTensor, ...]:
    scales = document["model_input_scales"]
    if len(scales) != len(model.inputs):
        raise CircuitRefused(
            path=model.path, reason=f"ezkl sees {len(scales)} inputs, the graph has {len(model.inputs)}"
        )
    columns = zip(*rows, strict=True)
    return tuple(
        _calibrated(spec, scale, column) for spec, scale, column in zip(model.inputs, scales, columns, strict=True)
    )


def _calibrated(spec: TensorSpec, scale: int, column: Sequence[Any]) -> CircuitTensor:
    """The tensor with the range that its calibration covers: as far again as the sample reaches from zero.

    ezkl doubles every range that it saw (its lookup_safety_margin is 2); this is the same margin on the input.
    """
    low = min(float(array.min()) for array in column)
    high = max(float(array.max()) for array in column)
    reach = max(abs(low), abs(high))
    return CircuitTensor(spec.name, spec.shape, spec.dtype, scale, low - reach, high + reach)


def _versions(verifier: Artifact) -> Versions:
    return Versions(
        proofbridge=importlib.metadata.version("proofbridge"),
        ezkl=importlib.metadata.version("ezkl"),
        solc=verifier.solc,
        evm=verifier.evm,
    )
