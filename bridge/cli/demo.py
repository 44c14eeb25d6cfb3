"""proofbridge demo: the main job, whole, and what it showed."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from bridge.cli import options
from bridge.cli.screen import Screen, numbers, short
from bridge.demo import DemoReport, DemoRow, run_demo


def demo(
    out: Annotated[Path, typer.Option("--out", help="Where the bundles stay.")] = Path("proofbridge-demo"),
    as_json: options.Json = False,
) -> None:
    """Run the whole bridge on a local chain with three real models. Example: proofbridge demo."""
    screen = Screen(as_json=as_json)
    started = time.monotonic()
    with screen.working() as progress:
        report = run_demo(out, progress)
    seconds = time.monotonic() - started
    if as_json:
        screen.document({"rows": report.rows, "tampered": report.tampered, "seconds": seconds})
        return
    _print(screen, report, seconds)


def _print(screen: Screen, report: DemoReport, seconds: float) -> None:
    builds = [
        [
            built.bundle.manifest.name,
            short(built.bundle.model_id),
            f"2^{built.bundle.manifest.settings.logrows}",
            f"{built.bundle.manifest.fidelity.max_abs_error:.2g}",
            f"{built.bundle.manifest.held_out.max_abs_error:.2g}" if built.bundle.manifest.held_out else "",
            f"{built.bundle.manifest.measurements.verifier_runtime_bytes:,}",
            f"{report.model_gas[built.bundle.manifest.name]:,}",
            built.bundle.manifest.setup.name,
        ]
        for built in report.built
    ]
    columns = {
        "model": "left",
        "model id": "left",
        "rows": "right",
        "max error": "right",
        "held-out": "right",
        "verifier bytes": "right",
        "deploy gas": "right",
        "trusted setup": "left",
    }
    screen.table("Models: built, deployed, registered", columns, builds)
    columns = {
        "model": "left",
        "inference id": "left",
        "output on chain": "left",
        "onnxruntime": "left",
        "proof s": "right",
        "gas": "right",
        "grade": "left",
    }
    screen.table("Inferences: proved, submitted, read back from the chain", columns, [_row(row) for row in report.rows])
    refusals: list[list[str | Text]] = [
        [item.mutation, Text(f"refused: {item.error}", "green") if item.refused else Text("ACCEPTED", "red")]
        for item in report.tampered
    ]
    screen.table(
        f"Tampered with {report.rows[0].model}'s first result",
        {"what was changed": "left", "the contracts say": "left"},
        refusals,
    )
    if any(built.bundle.manifest.setup.kind == "development" for built in report.built):
        screen.text(
            "[yellow]The trusted setup was made on this machine, which is fine on a local chain only: "
            "whoever makes a setup alone can forge proofs.[/yellow]"
        )
    last = report.built[-1].bundle
    screen.text(f"\nDone in {seconds:.1f} s. Type next:")
    program = _program()
    screen.text(f"  {program} up")
    screen.text(escape(f"  {program} deploy model {last.path}"))
    screen.text(escape(f"  {program} infer {last.path} --input {report.heldout[last.manifest.name]}"))


def _program() -> str:
    """How this very command is typed here: by its name, or by its path where the name would not find it."""
    if shutil.which("proofbridge"):
        return "proofbridge"
    path = Path(sys.argv[0]).absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _row(row: DemoRow) -> list[str]:
    return [
        row.model,
        short(row.inference.inference_id),
        numbers(row.record.outputs),
        numbers(row.replay.expected),
        f"{row.inference.seconds['prove_alone']:.2f}",
        f"{row.record.gas_used:,}",
        row.record.grade.label,
    ]
