"""The manifest of a bundle: what was built, from what, by which versions, and the sha256 of every file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from pydantic import ConfigDict, TypeAdapter, with_config

from bridge.core.circuit import Circuit
from bridge.core.commitment import ModelCommitment
from bridge.core.word import Hex32

FORMAT = 2
"""Of the manifest: another number wherever a field comes or goes."""

_STRICT = ConfigDict(extra="forbid")


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Settings:
    """The choices that shape a circuit; `settings.json` holds all of them in ezkl's own form."""

    logrows: int
    """The circuit has 2**logrows rows."""
    decomp_base: int
    decomp_legs: int
    """Numbers are range-checked as `legs` digits of `base`."""
    num_inner_cols: int
    freivalds: bool
    """Whether products of matrices are checked on a random combination."""
    input_scale: int
    param_scale: int
    rebase_multiplier: int
    """A number is cut back to its scale once that has grown by more than this factor."""
    lookup_range: tuple[int, int]
    rows_used: int

    @property
    def label(self) -> str:
        """The four choices of the search, short."""
        return (
            f"base {self.decomp_base}, legs {self.decomp_legs}, columns {self.num_inner_cols}, scale {self.input_scale}"
        )


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class OutputFidelity:
    """One output of the circuit against the float model's. Errors are absolute, in the unit of the output."""

    name: str
    elements: int
    """Numbers that were compared: those of one row, times the rows."""
    max_abs_error: float
    mean_abs_error: float
    p99_abs_error: float
    """The smallest error seen that at least 99 of 100 errors do not exceed."""
    largest_output: float
    """Largest magnitude of a float output over the same rows."""
    equal_labels: float | None
    """Share of labels that agree, from 0 to 1. The label of a row of scores is the place of the largest along the last axis, of
    equals the first; of an output of integers or booleans every element is one. None where the last axis holds one number.
    """


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Fidelity:
    """The circuit's outputs against the float model's, over a set of rows."""

    reference: str
    """The runtime that ran the float model, and its version."""
    rows: int
    """Rows that were compared."""
    refused: int
    """Rows that were left out: proving refuses them, because they or numbers inside the circuit are out of range."""
    outputs: tuple[OutputFidelity, ...]

    @property
    def max_abs_error(self) -> float:
        """Over all outputs."""
        return max((output.max_abs_error for output in self.outputs), default=0.0)

    @property
    def mean_abs_error(self) -> float:
        """Over all numbers of all outputs."""
        elements = sum(output.elements for output in self.outputs)
        # Exact until the end: of one output it is that output's mean, to the last bit.
        total = sum((Fraction(output.mean_abs_error) * output.elements for output in self.outputs), Fraction(0))
        return float(total / elements) if elements else 0.0

    @property
    def largest_output(self) -> float:
        """Over all outputs."""
        return max((output.largest_output for output in self.outputs), default=0.0)


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Measurements:
    """What one real proof of the first sample row cost on the machine that built the bundle."""

    prove_seconds: float
    peak_memory_bytes: int
    proof_bytes: int
    verifier_runtime_bytes: int
    verifier_initcode_bytes: int
    verify_gas: int | None
    """Gas of a transaction that calls the verifier alone; None where no local chain could measure it."""


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Setup:
    """The trusted setup inside the key."""

    kind: str
    """`ceremony` or `development`."""
    name: str
    logrows: int
    sha256: str


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Versions:
    """The tools that built the bundle; all but the first decide its bytes."""

    proofbridge: str
    ezkl: str
    solc: str
    evm: str


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Manifest:
    """See the module. `commitment.model_id` names the bundle."""

    format: int
    name: str
    model_id: Hex32
    commitment: ModelCommitment
    circuit: Circuit
    settings: Settings
    fidelity: Fidelity
    """Over the rows that set the ranges inside the circuit."""
    held_out: Fidelity | None
    """Over rows that no choice was made on; None where there were none."""
    measurements: Measurements
    setup: Setup
    versions: Versions
    files: dict[str, str]
    """sha256 of every other file of the bundle, by name."""

    def to_json(self) -> str:
        """The text of manifest.json."""
        return _ADAPTER.dump_json(self, indent=2).decode() + "\n"


_ADAPTER = TypeAdapter(Manifest)


@dataclass(frozen=True, slots=True)
class _Format:
    format: int


_FORMAT = TypeAdapter(_Format)


def parse_manifest(raw: bytes) -> Manifest:
    """Checked entry. Raises ValueError (pydantic's ValidationError is one)."""
    told = _FORMAT.validate_json(raw).format  # before the fields, which are others in another format
    if told != FORMAT:
        raise ValueError(f"format {told}, this version of proofbridge reads {FORMAT}: build the model again")
    return _ADAPTER.validate_json(raw)
