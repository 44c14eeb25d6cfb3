"""The public shape of a circuit, exactly as `contracts/src/Circuit.sol` hashes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from bridge.core.tensor import CircuitTensor
from bridge.core.word import Hex32


class Visibility(IntEnum):
    """Who sees the input: everyone, everyone its hash, nobody."""

    PUBLIC = 0
    HASHED = 1
    PRIVATE = 2

    @property
    def label(self) -> str:
        """The name as ezkl and the command line write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Circuit:
    """What a contract must know to read the instances of a proof."""

    settings_hash: Hex32
    """sha256 of the canonical ezkl settings."""
    input_visibility: Visibility
    rows: int
    """How many inputs a proof is of, one after another in every tensor; 1 if it is no batch, and on a chain perhaps 0."""
    inputs: tuple[CircuitTensor, ...]
    outputs: tuple[CircuitTensor, ...]

    @property
    def row(self) -> Circuit:
        """The same circuit as one row of a batch sees it: what goes in and comes out of the model at a time."""
        inputs, outputs = (
            tuple(tensor.row_of(max(1, self.rows)) for tensor in tensors) for tensors in (self.inputs, self.outputs)
        )
        return replace(self, rows=1, inputs=inputs, outputs=outputs)

    @property
    def input_instances(self) -> int:
        """Leading instances that commit to the input: every element, one hash per tensor, or none."""
        match self.input_visibility:
            case Visibility.PUBLIC:
                return sum(tensor.elements for tensor in self.inputs)
            case Visibility.HASHED:
                return len(self.inputs)
            case Visibility.PRIVATE:
                return 0

    @property
    def output_instances(self) -> int:
        """The instances after those: every element of every output."""
        return sum(tensor.elements for tensor in self.outputs)
