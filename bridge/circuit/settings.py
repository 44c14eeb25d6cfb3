"""The choice of a circuit's settings: a small search, guided by what rows and columns cost.

ezkl's default (base 16384, two legs, two columns) forces 2^15 rows through its range-check table whatever the model is. The
search keeps the scale that the error bound needs and then looks for the layout that is cheapest for the objective. It
measures what is quick to measure (calibration and a forward pass) and estimates what is not (proving and gas).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, log2, sqrt
from typing import Any

from bridge.core.manifest import Settings

_BLINDING_ROWS = 6
_MIN_LOGROWS = 6
_FILLED = 0.75
"""The share of its cells that a circuit of several columns fills at least (0.78 was seen, with eight columns)."""


class Objective(StrEnum):
    """What the search makes small."""

    GAS = "gas"
    LATENCY = "latency"
    BALANCED = "balanced"


@dataclass(frozen=True, slots=True)
class Layout:
    """How numbers are cut into digits and laid out in columns."""

    decomp_base: int
    decomp_legs: int
    num_inner_cols: int
    freivalds: bool = False
    """Whether products of matrices are checked on a random combination (Freivalds): fewer rows where the matrices are large, more
    columns always."""

    @property
    def label(self) -> str:
        """Short, for progress and tables."""
        plain = f"base {self.decomp_base}, legs {self.decomp_legs}, columns {self.num_inner_cols}"
        return f"{plain}, Freivalds" if self.freivalds else plain


@dataclass(frozen=True, slots=True)
class Candidate:
    """A calibrated choice. `document` is ezkl's own settings, canonical."""

    layout: Layout
    scale: int
    document: str
    logrows: int

    @property
    def summary(self) -> Settings:
        """The choices by name."""
        document = json.loads(self.document)
        run = document["run_args"]
        return Settings(
            logrows=run["logrows"],
            decomp_base=run["decomp_base"],
            decomp_legs=run["decomp_legs"],
            num_inner_cols=run["num_inner_cols"],
            freivalds=not run["disable_freivalds"],
            input_scale=run["input_scale"],
            param_scale=run["param_scale"],
            lookup_range=(run["lookup_range"][0], run["lookup_range"][1]),
            rows_used=document["num_rows"],
        )


FIRST_LAYOUT = Layout(128, 4, 1)
"""Reaches 2^28 in magnitude with a table of 128 rows: the smallest circuit for most small models."""

WIDE_LAYOUT = Layout(16384, 3, 2)
"""Reaches 2^42, for models whose numbers are larger than that."""

LAYOUTS = (
    FIRST_LAYOUT,
    Layout(128, 4, 2),
    Layout(256, 4, 1),
    Layout(256, 4, 2),
    Layout(1024, 3, 1),
    Layout(1024, 3, 2),
    Layout(128, 4, 4),
    Layout(256, 4, 8),
    Layout(16384, 2, 1),
    WIDE_LAYOUT,
)

SCALES = (13, 11, 10, 8, 7)
"""Bits after the binary point, finest first; ezkl itself never tries more than 13."""


def canonical(document: dict[str, Any]) -> str:
    """ezkl's settings as the same text for the same settings: no timestamp, sets in order."""
    stable = {**document, "timestamp": 0}
    for name in ("required_lookups", "required_range_checks"):
        stable[name] = sorted(document[name], key=lambda item: json.dumps(item, sort_keys=True))
    return json.dumps(stable, sort_keys=True, separators=(",", ":"))


def relative_cost(objective: Objective, candidate: Candidate) -> float:
    """An estimate to rank candidates by; only ratios mean something."""
    return _cost(objective, candidate.logrows, candidate.layout)


def optimistic_cost(objective: Objective, layout: Layout, known: Candidate) -> float:
    """Less than a layout can cost, from what another one of the same model needed: a reason not to try it.

    A table of `base` rows needs its space and ezkl's blinding rows; the cells of the circuit spread over the columns, and fewer
    digits a number can save no more than their share. More digits need not cost more, and a row of many columns is not full.
    """
    columns, digits = known.layout.num_inner_cols, known.layout.decomp_legs
    used = known.summary.rows_used * columns * min(1, layout.decomp_legs / digits)
    if layout.num_inner_cols < columns:
        used *= _FILLED
    rows = max(layout.decomp_base + _BLINDING_ROWS, used / layout.num_inner_cols)
    return _cost(objective, max(ceil(log2(rows)), _MIN_LOGROWS), layout)


def _cost(objective: Objective, logrows: int, layout: Layout) -> float:
    """Proving time grows with rows times columns of the whole circuit, verification gas with the columns.

    The constants are read off measurements of one to two columns at 2^8 to 2^15 rows on two cores (0.07 s and 543k gas, 0.10 s
    and 413k gas, …), and those of Freivalds from a batch of 128 rows at 2^15 (3.7 s and 1 424k gas with it, 2.2 s and 1 229k
    without).
    """
    seconds = float(1 << logrows) * (3 + layout.num_inner_cols) * (1.7 if layout.freivalds else 1)
    gas = 285_000 + 128_000 * layout.num_inner_cols + (195_000 if layout.freivalds else 0)
    match objective:
        case Objective.GAS:
            return gas + seconds * 1e-6
        case Objective.LATENCY:
            return seconds + gas * 1e-6
        case Objective.BALANCED:
            return sqrt(seconds) * gas
