"""proofbridge bench: measurements that anybody can make again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.bench import report as reporting
from bridge.bench.batches import SIZES, BatchCost, bench_batches
from bridge.bench.circuits import Comparison, Report, bench_circuits, this_machine
from bridge.circuit.settings import MARGIN, Objective
from bridge.cli import options
from bridge.cli.screen import Screen, jsonable
from bridge.errors import OptionInvalid

app = typer.Typer(help="Measure it on this machine.", no_args_is_help=True)


@app.command("circuits", epilog="Example: proofbridge bench circuits models --out docs/benchmarks")
def circuits(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder for each model: network.onnx, input.json.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Where JSON, Markdown and plot go.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Only this model; can be given again.")] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Proofs of each circuit; the median counts.")] = 3,
    objective: options.ObjectiveChoice = Objective.BALANCED,
    margin: options.Margin = MARGIN,
    as_json: options.Json = False,
) -> None:
    """Our circuit of each model beside the one that ezkl makes by itself."""
    screen = Screen(as_json=as_json)
    measured: list[Comparison] = []
    with screen.working() as progress:
        for each in bench_circuits(
            folder, only=tuple(only or ()), rounds=rounds, objective=objective, margin=margin, progress=progress
        ):
            measured.append(each)
            progress(f"{each.model}: {_told(each)}")
            report = Report(this_machine(), objective.value, margin, rounds, tuple(measured))
            if out is not None:
                reporting.write(report, out)  # anew after each model: a run of an hour may be stopped
    if not measured:
        raise OptionInvalid(option="FOLDER", got=str(folder), expected="a folder with <model>/network.onnx in it")
    if as_json:
        screen.document(report)
        return
    columns = {"model": "left", "prove s": "right", "default ": "right", "times": "right", "gas": "right"}
    columns |= {"default": "right", "share": "right", "max error": "right", "default  ": "right"}
    screen.table("Our circuits beside ezkl's default", columns, [_row(each) for each in measured])
    if out is not None:
        screen.text(f"Written to {out}.")


@app.command("batches", epilog="Example: proofbridge bench batches model.onnx --sample rows.json --rows 1 --rows 32")
def batches(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="The model.")],
    sample: Annotated[Path, typer.Option("--sample", help="Its rows; repeated until they fill a batch.")],
    rows: Annotated[
        list[int] | None, typer.Option("--rows", min=1, help="A size of a batch; can be given again.")
    ] = None,
    objective: options.ObjectiveChoice = Objective.BALANCED,
    as_json: options.Json = False,
) -> None:
    """The gas of an inference by the size of its batch: built, deployed, proved and recorded on a local chain."""
    screen = Screen(as_json=as_json)
    measured: list[BatchCost] = []
    with screen.working() as progress:
        for each in bench_batches(model, sample, sizes=tuple(rows or SIZES), objective=objective, progress=progress):
            measured.append(each)
            progress(f"{each.rows} rows: {each.gas_each:,.0f} gas each")
    if as_json:
        screen.document([{**jsonable(each), "gas_each": each.gas_each} for each in measured])
        return
    columns = dict.fromkeys(("rows", "circuit", "prove s", "verify gas", "record gas", "gas each"), "right")
    table = [
        [
            f"{each.rows}",
            f"2^{each.logrows}",
            f"{each.prove_seconds:.2f}",
            "" if each.verify_gas is None else f"{each.verify_gas:,}",
            f"{each.record_gas:,}",
            f"{each.gas_each:,.0f}",
        ]
        for each in measured
    ]
    screen.table("Gas of an inference by the size of its batch", columns, table)


def _told(each: Comparison) -> str:
    if each.ours is None or each.default is None:
        return each.refusal or ""
    faster = each.default.prove_seconds / each.ours.prove_seconds
    return f"{faster:.1f} times as fast, {each.ours.verify_gas / each.default.verify_gas:.0%} of the gas"


def _row(each: Comparison) -> list[str]:
    ours, default = each.ours, each.default
    if ours is None:
        return [each.model, each.refusal or "", *[""] * 7]
    if default is None:
        return [
            each.model,
            f"{ours.prove_seconds:.2f}",
            "",
            "",
            f"{ours.verify_gas:,}",
            "",
            "",
            f"{ours.max_abs_error:.2g}",
            "",
        ]
    return [
        each.model,
        f"{ours.prove_seconds:.2f}",
        f"{default.prove_seconds:.2f}",
        f"{default.prove_seconds / ours.prove_seconds:.1f}",
        f"{ours.verify_gas:,}",
        f"{default.verify_gas:,}",
        f"{ours.verify_gas / default.verify_gas:.3f}",
        f"{ours.max_abs_error:.2g}",
        f"{default.max_abs_error:.2g}",
    ]
