"""The main job, whole: a chain, the contracts, three real models, real proofs, records read back and compared."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bridge import verbs
from bridge.audit.replay import Replay
from bridge.audit.tamper import Attempt
from bridge.chain.anvil import local_chain
from bridge.circuit.build import Built
from bridge.circuit.order import Order
from bridge.connection import Connection, connect
from bridge.core.inference import VerifiedInference
from bridge.core.progress import Progress, silent
from bridge.core.storage import disk_errors
from bridge.query.results import Filter
from bridge.toolchain import assets
from bridge.verbs import Inference

EXAMPLES = ("breast_cancer", "diabetes", "digits")
_ROWS_EACH = 2


@dataclass(frozen=True, slots=True)
class DemoRow:
    """One inference from the input row to the record on the chain."""

    model: str
    inference: Inference
    record: VerifiedInference
    replay: Replay


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Everything that the demo did, to be shown."""

    built: tuple[Built, ...]
    rows: tuple[DemoRow, ...]
    tampered: tuple[Attempt, ...]
    core_gas: int
    model_gas: dict[str, int]
    heldout: dict[str, Path]
    """The held-out rows of each model, ready for `proofbridge infer`."""


def run_demo(out: Path, progress: Progress = silent) -> DemoReport:
    """Run the main job on a chain of its own; bundles and held-out rows stay in `out`, the chain does not.

    Raises any `BridgeError`.
    """
    with local_chain(progress=progress) as chain:
        connection = connect(rpc=chain.url, deployments=out / "deployments")
        core = verbs.deploy_core(connection, progress=progress)
        built, rows, model_gas, heldout = [], [], {}, {}
        tampered: tuple[Attempt, ...] = ()
        for name in EXAMPLES:
            example = assets.examples() / name
            heldout[name] = _keep(example / "heldout.json", out / f"{name}.heldout.json")
            build = verbs.build_model(_order(example, heldout[name], out), _named(name, progress))
            built.append(build)
            model_gas[name] = verbs.deploy_model(build.bundle, connection, progress=_named(name, progress)).gas_used
            rows += _infer(name, build, heldout[name], connection, progress)
            if not tampered:
                progress(f"{name}: firing tampered outputs and proofs at the contracts")
                row = verbs.read_input(build.bundle, heldout[name])[0]
                tampered = tuple(verbs.fire_tampered(build.bundle, verbs.prove(build.bundle, row), connection))
    return DemoReport(tuple(built), tuple(rows), tampered, core.gas_used, model_gas, heldout)


def _order(example: Path, held_out: Path, out: Path) -> Order:
    model, sample = example / "model.onnx", example / "calibration.json"
    return Order(model=model, sample=sample, out=out / "bundles", name=example.name, held_out=held_out)


def _infer(name: str, build: Built, heldout: Path, connection: Connection, progress: Progress) -> list[DemoRow]:
    """Prove and record the first held-out rows, then read them back from the chain and compare."""
    chosen = verbs.read_input(build.bundle, heldout)[:_ROWS_EACH]
    inferences = [verbs.infer(build.bundle, row, connection, progress=_named(name, progress)) for row in chosen]
    progress(f"{name}: reading the records back and comparing them with onnxruntime")
    records = {
        record.inference_id: record for record in verbs.results(connection, Filter(model_id=build.bundle.model_id))
    }
    return [
        DemoRow(
            name,
            inference,
            records[inference.inference_id],
            verbs.replay_result(build.bundle, row, records[inference.inference_id]),
        )
        for inference, row in zip(inferences, chosen, strict=True)
    ]


def _keep(source: Path, target: Path) -> Path:
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return target


def _named(name: str, progress: Progress) -> Progress:
    return lambda stage: progress(f"{name}: {stage}")
