"""What a run of the circuit benchmark says: medians over the models, a Markdown table, plots."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict
from pathlib import Path

from bridge.bench.circuits import Comparison, Report, Side
from bridge.core.storage import write_atomic
from bridge.toolchain.plot import new_figure, save

JSON = "circuits.json"
MARKDOWN = "circuits.md"
PLOT = "circuits.svg"


def speedups(report: Report) -> list[float]:
    """How many times as fast our proof is, for each model that both could prove."""
    return [default.prove_seconds / ours.prove_seconds for ours, default in _pairs(report)]


def gas_shares(report: Report) -> list[float]:
    """Our gas, as a share of the default's."""
    return [ours.verify_gas / default.verify_gas for ours, default in _pairs(report)]


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """JSON, Markdown and a plot in a folder. Raises `ExtraMissing` without matplotlib, `NotWritable`, `DiskFull`."""
    write_atomic(folder / JSON, json.dumps(asdict(report), indent=2) + "\n")
    _plot(report, folder / PLOT)
    write_atomic(folder / MARKDOWN, markdown(report))
    return folder / JSON, folder / MARKDOWN, folder / PLOT


def markdown(report: Report) -> str:
    """The report for people."""
    machine = report.machine
    pairs = _pairs(report)
    lines = [
        "# Circuits: ours beside ezkl's default",
        "",
        (
            f"Written by `proofbridge bench circuits`. {machine.processor}, {machine.cores} cores, "
            f"{machine.memory_bytes / 2**30:.0f} GiB, {machine.system}; Python {machine.python}, proofbridge {machine.proofbridge}, "
            f"ezkl {machine.ezkl}, solc {machine.solc}. Objective `{report.objective}`; our circuits reach "
            f"{report.margin:g} times as far as the sample at least, ezkl's default 2 times. Medians of {report.rounds} proofs each, "
            "in turns. Gas is that of a transaction that calls the verifier alone on a local chain."
        ),
        "",
    ]
    if pairs:
        faster, gas = speedups(report), gas_shares(report)
        exact = sum(ours.max_abs_error <= default.max_abs_error for ours, default in pairs)
        costs = [each.search_seconds / each.default_seconds for each in report.models if each.default and each.ours]
        same = sum(ours == default for ours, default in pairs)
        lines += [
            (
                f"- Proofs: {statistics.median(faster):.1f} times as fast in the median, {min(faster):.2f} at least, "
                f"{max(faster):.0f} at most."
            ),
            f"- Gas: {1 - statistics.median(gas):.1%} less in the median, {1 - max(gas):.1%} at least.",
            f"- Error: equal or smaller for {exact} of {len(pairs)} models.",
            (
                f"- Search, with the proofs of the best candidates: {statistics.median(costs):.1f} times what ezkl takes to calibrate "
                f"its default and make its keys in the median, {max(costs):.1f} at most."
            ),
            f"- The search found nothing better than ezkl's own circuit for {same} of {len(pairs)} models.",
            (
                f"- Verified on a chain with a limit of 24,576 bytes: {sum(each.ours is not None for each in report.models)} of "
                f"{len(report.models)} models."
            ),
            "",
        ]
        lines += [f"![proving time and gas]({PLOT})", ""]
    lines += [*_table(report.models), ""]
    notes = [f"- {each.model}: {each.refusal}" for each in report.models if each.refusal]
    return "\n".join([*lines, *(["Left out:", "", *notes, ""] if notes else [])])


_COLUMNS = (
    ("model", "---"),
    ("settings", "---"),
    ("prove s", "--:"),
    ("default", "--:"),
    ("times", "--:"),
    ("witness s", "--:"),
    ("default", "--:"),
    ("gas", "--:"),
    ("default", "--:"),
    ("share", "--:"),
    ("error", "--:"),
    ("default", "--:"),
    ("proof bytes", "--:"),
    ("default", "--:"),
    ("code bytes", "--:"),
    ("default", "--:"),
    ("key MB", "--:"),
    ("default", "--:"),
    ("memory MB", "--:"),
    ("default", "--:"),
    ("search s", "--:"),
    ("calibrate and setup s", "--:"),
)


def _table(models: tuple[Comparison, ...]) -> list[str]:
    head = [f"| {' | '.join(name for name, _ in _COLUMNS)} |", f"| {' | '.join(rule for _, rule in _COLUMNS)} |"]
    return head + [f"| {' | '.join(_row(each))} |" for each in models]


def _row(each: Comparison) -> list[str]:
    ours, default = each.ours, each.default
    if ours is None:
        return [each.model, *[""] * (len(_COLUMNS) - 1)]

    def both(name: str, form: str, unit: float = 1) -> list[str]:
        return ["" if side is None else format(getattr(side, name) / unit, form) for side in (ours, default)]

    return [
        each.model,
        ours.settings,
        *both("prove_seconds", ".2f"),
        "" if default is None else f"{default.prove_seconds / ours.prove_seconds:.1f}",
        *both("witness_seconds", ".2f"),
        *both("verify_gas", ",.0f"),
        "" if default is None else f"{ours.verify_gas / default.verify_gas:.3f}",
        *both("max_abs_error", ".2g"),
        *both("proof_bytes", ",.0f"),
        *both("runtime_bytes", ",.0f"),
        *both("key_bytes", ",.1f", 1e6),
        *both("peak_memory_bytes", ",.0f", 1e6),
        f"{each.search_seconds:.1f}",
        f"{each.default_seconds:.1f}",
    ]


def _pairs(report: Report) -> list[tuple[Side, Side]]:
    return [(each.ours, each.default) for each in report.models if each.ours and each.default]


def _plot(report: Report, path: Path) -> None:
    models = [each for each in report.models if each.ours and each.default]
    if not models:
        return
    places = range(len(models))
    figure = new_figure(10, 0.4 * len(models) + 1.5)
    for axes, name, title, log in zip(
        figure.subplots(1, 2, sharey=True),
        ("prove_seconds", "verify_gas"),
        ("proving time (s)", "gas of a verification"),
        (True, False),
        strict=True,
    ):
        for place, each in zip(places, models, strict=True):
            ours, default = getattr(each.ours, name), getattr(each.default, name)
            axes.plot([ours, default], [place, place], color="lightgrey", zorder=1)
            axes.scatter(default, place, color="tab:red", zorder=2, label="ezkl's default" if place == 0 else None)
            axes.scatter(ours, place, color="tab:green", zorder=3, label="proofbridge" if place == 0 else None)
        axes.set(title=title, yticks=list(places), yticklabels=[each.model for each in models])
        if log:
            axes.set_xscale("log")
        axes.grid(axis="x", alpha=0.3)
    figure.axes[0].invert_yaxis()
    figure.axes[0].legend()
    save(figure, path)
