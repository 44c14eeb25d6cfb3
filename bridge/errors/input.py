"""What was handed in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors.root import BridgeError


class InputError(BridgeError):
    """What was handed in cannot be used."""


@dataclass(eq=False)
class NotAnOnnxModel(InputError):
    """The file is not an ONNX graph with inputs and outputs."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"{self.path} is not an ONNX model: {self.reason}"

    @property
    def fix(self) -> str:
        return "Export the model to ONNX and check it with onnx.checker.check_model"


@dataclass(eq=False)
class UnsupportedOperator(InputError):
    """ezkl has no circuit for an operator of the graph."""

    path: Path
    operator: str
    node: str
    reason: str

    @property
    def what(self) -> str:
        where = f" (node {self.node!r})" if self.node else ""
        return (
            f"{self.path} uses the operator {self.operator}{where}, which ezkl cannot put into a circuit: {self.reason}"
        )

    @property
    def fix(self) -> str:
        return f"Re-export the model without {self.operator}, for instance as a composition of simpler operators"


@dataclass(eq=False)
class UnreadableInput(InputError):
    """A file of input rows that cannot be parsed."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"cannot read input rows from {self.path}: {self.reason}"

    @property
    def fix(self) -> str:
        return 'Use .json ({"name": nested lists} or {"input_data": [...]}), .npz, .npy or .csv'


@dataclass(eq=False)
class InputShapeMismatch(InputError):
    """A tensor has another number of elements or another shape than the model takes."""

    tensor: str
    expected: tuple[int, ...]
    got: tuple[int, ...]

    @property
    def what(self) -> str:
        return f"input {self.tensor!r} has the wrong shape: expected {list(self.expected)} for each row, got {list(self.got)}"

    @property
    def fix(self) -> str:
        return "Reshape the input, or hand in whole rows of the expected shape"


@dataclass(eq=False)
class InputTypeMismatch(InputError):
    """A tensor holds values that do not fit the model's element type."""

    tensor: str
    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"input {self.tensor!r} has the wrong type: expected {self.expected}, got {self.got}"

    @property
    def fix(self) -> str:
        return f"Convert the values to {self.expected}"


@dataclass(eq=False)
class InputNotFinite(InputError):
    """NaN or infinity: no field element stands for it."""

    tensor: str
    index: int
    value: float

    @property
    def what(self) -> str:
        return f"input {self.tensor!r} holds {self.value} at element {self.index}; only finite numbers can be proven"

    @property
    def fix(self) -> str:
        return "Replace or drop the row before proving"


@dataclass(eq=False)
class InputNotHashed(InputError):
    """A model whose input is not behind a hash has none to open."""

    model_id: str
    visibility: str

    @property
    def what(self) -> str:
        return f"the input of model {self.model_id} is {self.visibility}, not hashed, so there is nothing to open"

    @property
    def fix(self) -> str:
        return "Build the model with --input-visibility hashed, or read the input of a public one from its proofs"


@dataclass(eq=False)
class InputOutOfRange(InputError):
    """A value outside the range that the circuit was calibrated for."""

    tensor: str
    index: int
    value: float
    low: float
    high: float

    @property
    def what(self) -> str:
        return (
            f"input {self.tensor!r} holds {self.value:g} at element {self.index}, outside the range "
            f"[{self.low:g}, {self.high:g}] that the circuit was calibrated for"
        )

    @property
    def fix(self) -> str:
        return "Rebuild the model with a sample that covers this value"


@dataclass(eq=False)
class OptionInvalid(InputError):
    """An option whose value makes no sense here."""

    option: str
    got: str
    expected: str

    @property
    def what(self) -> str:
        return f"{self.option} is {self.got!r}, expected {self.expected}"

    @property
    def fix(self) -> str:
        return f"Give {self.option} as {self.expected}"
