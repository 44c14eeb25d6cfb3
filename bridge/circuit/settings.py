"""The settings of a circuit: which numbers it computes with, how they are laid out, and ezkl's document of both.

ezkl's default (base 16384, two legs, two columns) forces 2^15 rows through its range-check table whatever the model is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from math import ceil, log2, prod
from typing import Any

from bridge.core.manifest import Settings

RESERVED_ROWS = 9
"""Rows of a column that ezkl keeps for blinding and as a pad, and halo2's last row."""
MIN_LOGROWS = 6
MARGIN = 2.0
"""How many times as far as the sample a circuit reaches at least, unless something else is asked for; ezkl's own margin."""

_KEEPS_SCALE = 1
_LETS_GROW = 10


class Objective(StrEnum):
    """What the search makes small."""

    GAS = "gas"
    LATENCY = "latency"
    BALANCED = "balanced"


@dataclass(frozen=True, slots=True, order=True)
class Numbers:
    """The fixed-point numbers of a circuit: they decide its outputs, and the rest of the settings does not."""

    input_scale: int
    """Bits after the binary point."""
    param_scale: int
    multiplier: int
    """A number is cut back to its scale once that has grown by more than this factor; 1 is at once."""

    @property
    def label(self) -> str:
        """Short, for progress and tables."""
        scale = (
            f"{self.input_scale}" if self.input_scale == self.param_scale else f"{self.input_scale}/{self.param_scale}"
        )
        return f"scale {scale}" if self.multiplier == _KEEPS_SCALE else f"scale {scale} and growing"


SCALES = (13, 12, 11, 10, 9, 8, 7)
"""Bits after the binary point, finest first; ezkl itself never tries more than 13."""
NUMBERS = tuple(Numbers(scale, scale, multiplier) for scale in SCALES for multiplier in (_LETS_GROW, _KEEPS_SCALE))


@dataclass(frozen=True, slots=True)
class Layout:
    """How numbers are cut into digits and laid out in columns."""

    decomp_base: int
    decomp_legs: int
    num_inner_cols: int = 1
    freivalds: bool = False
    """Whether products of matrices are checked on a random combination (Freivalds): fewer rows where the matrices are large, more
    columns always."""

    @property
    def reach(self) -> int:
        """The digits hold numbers below it."""
        return int(self.decomp_base**self.decomp_legs)

    def filling(self, logrows: int) -> Layout:
        """The same with the largest base whose digits fit into a column of 2**logrows rows."""
        most = min(capacity(logrows), int(WIDE.reach ** (1 / self.decomp_legs)))
        return replace(self, decomp_base=max(self.decomp_base, most))

    @property
    def label(self) -> str:
        """Short, for progress and tables."""
        plain = f"base {self.decomp_base}, legs {self.decomp_legs}, columns {self.num_inner_cols}"
        return f"{plain}, Freivalds" if self.freivalds else plain


WIDE = Layout(16384, 4)
"""Reaches 2^56, which is further than any number of a circuit: where they are looked at before it is laid out."""


@dataclass(frozen=True)
class Candidate:
    """ezkl's own settings of one choice, canonical."""

    numbers: Numbers
    layout: Layout
    document: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Candidate:
        """Settings as ezkl writes them."""
        run = document["run_args"]
        return cls(
            Numbers(run["input_scale"], run["param_scale"], run["scale_rebase_multiplier"]),
            Layout(run["decomp_base"], run["decomp_legs"], run["num_inner_cols"], not run["disable_freivalds"]),
            canonical(document),
        )

    @cached_property
    def parsed(self) -> dict[str, Any]:
        """The document; not to be changed."""
        document: dict[str, Any] = json.loads(self.document)
        return document

    @property
    def logrows(self) -> int:
        """The circuit has 2**logrows rows."""
        return int(self.parsed["run_args"]["logrows"])

    @property
    def lookup_range(self) -> tuple[int, int]:
        """The inputs that the tables of lookups hold."""
        low, high = self.parsed["run_args"]["lookup_range"]
        return low, high

    @property
    def label(self) -> str:
        """Short, for progress and tables."""
        return f"{self.numbers.label}, {self.layout.label}, 2^{self.logrows} rows"

    @property
    def instances(self) -> int:
        """Public words of a proof."""
        document = self.parsed
        shown: int = sum(map(prod, document["model_instance_shapes"]))
        hashed: int = sum(document["module_sizes"]["poseidon"][1])
        return shown + hashed

    @property
    def least_logrows(self) -> int:
        """What instances, hashes and dynamic tables need at least: they do not spread over more columns."""
        document = self.parsed
        dynamic = document["total_dynamic_col_size"] + document["total_shuffle_col_size"]
        hashed = document["module_sizes"]["poseidon"][0]
        return max(MIN_LOGROWS, *(logrows_of(rows) for rows in (self.instances, dynamic, hashed)))

    @property
    def roomy_logrows(self) -> int:
        """Rows enough for every table and for all cells, without more columns than were asked for."""
        document = self.parsed
        low, high = self.lookup_range
        tables = [high - low + 1 if document["required_lookups"] else 1]
        tables += [end - start + 1 for start, end in document["required_range_checks"]]
        cells = -(-document["total_assignments"] // self.layout.num_inner_cols)
        return max(self.least_logrows, *(logrows_of(rows) for rows in (*tables, cells, document["total_const_size"])))

    def with_columns(self, num_inner_cols: int) -> Candidate:
        """About the same in so many columns; ezkl may need a few cells more."""
        changed = self._changed(num_inner_cols=num_inner_cols)
        return replace(changed, layout=replace(self.layout, num_inner_cols=num_inner_cols))

    def with_least_digits(self) -> Candidate:
        """What it would be if digits took no table: a bound, and not a circuit."""
        digits = [0, self.layout.decomp_base - 1]
        checks = [[0, 1] if check == digits else check for check in self.parsed["required_range_checks"]]
        return replace(self, document=canonical({**self.parsed, "required_range_checks": checks}))

    def with_rows(self, logrows: int) -> Candidate:
        """The same in 2**logrows rows; what does not fit goes into further columns."""
        return self._changed(logrows=logrows)

    def with_lookups(self, low: int, high: int) -> Candidate:
        """The same with tables that hold the inputs from `low` to `high`."""
        return self._changed(lookup_range=[low, high])

    def filled(self) -> Candidate:
        """The same with tables of lookups as long as the columns that they have: what lies beyond a table cannot be proved, and
        the rows are there anyway.
        """
        low, high = self.lookup_range
        if high == low:
            return self
        rows = capacity(self.logrows)
        columns = -(-(high - low + 1) // rows)
        factor = (rows * columns - 1) / (high - low)
        return self.with_lookups(int(low * factor), int(high * factor))

    def _changed(self, **run_args: Any) -> Candidate:
        document = {**self.parsed, "run_args": {**self.parsed["run_args"], **run_args}}
        return replace(self, document=canonical(document))

    @property
    def summary(self) -> Settings:
        """The choices by name."""
        return Settings(
            logrows=self.logrows,
            decomp_base=self.layout.decomp_base,
            decomp_legs=self.layout.decomp_legs,
            num_inner_cols=self.layout.num_inner_cols,
            freivalds=self.layout.freivalds,
            input_scale=self.numbers.input_scale,
            param_scale=self.numbers.param_scale,
            rebase_multiplier=self.numbers.multiplier,
            lookup_range=self.lookup_range,
            rows_used=self.parsed["num_rows"],
        )


def capacity(logrows: int) -> int:
    """How many cells a column of 2**logrows rows holds."""
    return int(2**logrows) - RESERVED_ROWS


def logrows_of(cells: int) -> int:
    """The least logrows whose columns hold so many cells."""
    return ceil(log2(cells + RESERVED_ROWS))


def canonical(document: Mapping[str, Any]) -> str:
    """ezkl's settings as the same text for the same settings: no timestamp, sets in order."""
    stable = {**document, "timestamp": 0}
    for name in ("required_lookups", "required_range_checks"):
        stable[name] = sorted(document[name], key=lambda item: json.dumps(item, sort_keys=True))
    return json.dumps(stable, sort_keys=True, separators=(",", ":"))
