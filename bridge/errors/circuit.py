"""A model that does not become a circuit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors.root import BridgeError


class CircuitError(BridgeError):
    """A model that does not become a circuit."""


@dataclass(eq=False)
class CircuitTooLarge(CircuitError):
    """No setting brings the circuit under the largest row count allowed."""

    path: Path
    smallest_logrows: int
    allowed_logrows: int

    @property
    def what(self) -> str:
        return (
            f"the smallest circuit found for {self.path} needs 2^{self.smallest_logrows} rows, "
            f"more than the 2^{self.allowed_logrows} allowed"
        )

    @property
    def fix(self) -> str:
        return "Use a smaller model, or raise --max-logrows if memory and time allow it"


@dataclass(eq=False)
class BatchRefused(CircuitError):
    """The model cannot be run over many rows at once."""

    path: Path
    size: int
    reason: str

    @property
    def what(self) -> str:
        return f"{self.path} does not run over {self.size} rows at once: {self.reason}"

    @property
    def fix(self) -> str:
        return "Export the model with a batch axis, first in every input and output, or build it without --batch"


@dataclass(eq=False)
class CircuitRefused(CircuitError):
    """ezkl read the model but every setting tried was refused."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"no circuit setting works for {self.path}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Scale the inputs to smaller numbers, or simplify the model"


@dataclass(eq=False)
class FidelityTooLow(CircuitError):
    """The circuit differs from the float model by more than was asked for."""

    got: float
    allowed: float
    rows: str = "calibration"
    """Which rows it differs on."""

    @property
    def what(self) -> str:
        return (
            f"the best circuit differs from onnxruntime by {self.got:g} on the {self.rows} rows, "
            f"more than --max-error {self.allowed:g}"
        )

    @property
    def fix(self) -> str:
        return "Allow a larger --max-error, or scale the model's numbers so that fixed point holds them better"


@dataclass(eq=False)
class NoRowFits(CircuitError):
    """The finished circuit was to be compared with the float model on rows of which it takes none."""

    which: str
    rows: int
    reason: str

    @property
    def what(self) -> str:
        return f"the circuit takes none of the {self.rows} {self.which} rows: {self.reason}"

    @property
    def fix(self) -> str:
        return f"Give a --sample that covers the {self.which} rows, or others with --held-out"


@dataclass(eq=False)
class BudgetExceeded(CircuitError):
    """The finished circuit was measured and costs more than was allowed."""

    measure: str
    option: str
    got: float
    allowed: float

    @property
    def what(self) -> str:
        return f"the best circuit found takes {self.got:g} {self.measure}, more than {self.option} {self.allowed:g}"

    @property
    def fix(self) -> str:
        return f"Raise {self.option}, or choose the --objective that makes this small"
