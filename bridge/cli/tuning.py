"""How a circuit's settings were found, shown: a table, a document, a plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.text import Text

from bridge.circuit.order import Code
from bridge.circuit.ranking import Ranked
from bridge.circuit.tune import Attempt, Tuned
from bridge.cli.screen import Screen
from bridge.toolchain.plot import new_figure, save

_DEFAULT = "ezkl's default"


def document(tuned: Tuned | None) -> dict[str, Any] | None:
    """For programs; None where the bundle of an earlier build was taken."""
    if tuned is None:
        return None
    return {
        "default": None if tuned.default is None else _expected(tuned.default),
        "tried": [
            {
                **_expected(attempt.ranked),
                "verifier": _verifier(attempt).value,
                "measured": attempt.measured,
                "refusal": attempt.refusal,
                "chosen": attempt.chosen,
            }
            for attempt in tuned.attempts
        ],
    }


def table(screen: Screen, tuned: Tuned) -> None:
    """What was tried, what won and why."""
    columns = {"settings": "left", "max error": "right", "expected s": "right", "expected gas": "right"}
    columns |= {"prove s": "right", "gas": "right", "verifier bytes": "right", "": "left"}
    rows: list[list[str | Text]] = [_row(attempt) for attempt in tuned.attempts]
    screen.table("Settings that were tried", columns, rows)
    if tuned.default is not None:
        cost, chosen = tuned.default.cost, tuned.made.cost
        screen.text(
            f"{_DEFAULT}: error {tuned.default.fidelity.max_abs_error:.3g}, about {cost.seconds:.2g} s and {cost.gas:,.0f} gas; "
            f"the chosen circuit is expected to be {cost.seconds / chosen.seconds:.1f} times as fast "
            f"at {chosen.gas / cost.gas:.0%} of the gas."
        )


def plot(path: Path, tuned: Tuned) -> None:
    """Gas against proving time, the chosen point marked; the ending of `path` says which kind of file.

    Raises `ExtraMissing`, `DiskFull`, `NotWritable`.
    """
    figure = new_figure(9, 5)
    axes = figure.subplots()
    axes.set(xlabel="proving time (s, estimated)", ylabel="gas of a verification")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    for number, attempt in enumerate(tuned.attempts, start=1):
        cost, measured = attempt.ranked.cost, attempt.measured
        at = cost.seconds, (measured.verify_gas if measured else None) or cost.gas
        face = "tab:green" if attempt.chosen else "tab:blue" if measured else "none"
        marker, area = ("*", 220) if attempt.chosen else ("o", 60)
        label = f"{number}: {_label(attempt)}{' (chosen)' if attempt.chosen else ''}"
        axes.scatter(*at, marker=marker, s=area, facecolors=face, edgecolors="tab:blue", zorder=3, label=label)
        axes.annotate(f"{number}", at, xytext=(7, 5), textcoords="offset points")
    if tuned.default is not None:
        cost = tuned.default.cost
        axes.scatter(cost.seconds, cost.gas, marker="x", color="tab:red", zorder=4, label=f"{_DEFAULT} (estimated)")
    figure.legend(loc="outside lower center", fontsize=7)
    axes.set_title("What was tried: filled points were proved, the star was chosen")
    save(figure, path)


def _expected(ranked: Ranked) -> dict[str, Any]:
    return {
        "settings": ranked.candidate.summary,
        "max_abs_error": ranked.fidelity.max_abs_error,
        "expected": ranked.cost,
    }


def _verifier(attempt: Attempt) -> Code:
    return Code.SHARED if attempt.is_shared else Code.OWN


def _label(attempt: Attempt) -> str:
    return attempt.ranked.candidate.label + (", shared verifier" if attempt.is_shared else "")


def _row(attempt: Attempt) -> list[str | Text]:
    ranked, measured = attempt.ranked, attempt.measured
    gas = "" if measured is None or measured.verify_gas is None else f"{measured.verify_gas:,}"
    told = attempt.refusal or ("" if measured else "could not win")
    return [
        _label(attempt),
        f"{ranked.fidelity.max_abs_error:.3g}",
        f"{ranked.cost.seconds:.2f}",
        f"{ranked.cost.gas:,.0f}",
        "" if measured is None else f"{measured.prove_seconds:.2f}",
        gas,
        "" if measured is None else f"{measured.verifier_runtime_bytes:,}",
        Text("chosen", style="green") if attempt.chosen else told,
    ]
