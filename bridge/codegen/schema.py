"""What a reader of a model's words has to know: one row's inputs and outputs, in the order of the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.codegen.identifier import Identifier, distinct, identifier, shown
from bridge.core.circuit import Visibility
from bridge.core.manifest import Manifest
from bridge.core.tensor import CircuitTensor
from bridge.core.word import Hex32


@dataclass(frozen=True, slots=True)
class Field:
    """One tensor among the words of its side."""

    name: Identifier
    tensor: CircuitTensor
    start: int
    """The place of its first word; the first of all is 0."""

    @property
    def words(self) -> int:
        """How many of them are its own."""
        return self.tensor.elements

    @property
    def end(self) -> int:
        """The place behind its last word."""
        return self.start + self.words

    @property
    def about(self) -> str:
        """The tensor in words, for a comment."""
        shape = ", ".join(map(str, self.tensor.shape)) or "one number"
        return f"{shown(self.tensor.name)}: {shown(self.tensor.dtype)[1:-1]} [{shape}], at scale {self.tensor.scale}"


@dataclass(frozen=True, slots=True)
class Schema:
    """Make one with `schema_of`."""

    name: Identifier
    title: str
    """The model's name for a comment."""
    model_id: Hex32
    visibility: Visibility
    rows: int
    """That a proof is of; a record is of one row wherever a batch is told apart."""
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]

    @property
    def input_words(self) -> int:
        """Of one row."""
        return _words(self.inputs)

    @property
    def output_words(self) -> int:
        """Of one row."""
        return _words(self.outputs)


def schema_of(manifest: Manifest) -> Schema:
    """The schema of a bundle's model. Tensors without elements have no words and are left out."""
    row = manifest.circuit.row
    return Schema(
        identifier(manifest.name, "model"),
        shown(manifest.name),
        manifest.model_id,
        row.input_visibility,
        manifest.circuit.rows,
        fields_of(row.inputs, "input"),
        fields_of(row.outputs, "output"),
    )


def fields_of(tensors: Sequence[CircuitTensor], side: str) -> tuple[Field, ...]:
    """The tensors of a side, named and placed; `side` names those without a usable name."""
    named, start = [], 0
    names = distinct([tensor.name for tensor in tensors], side)
    for name, tensor in zip(names, tensors, strict=True):
        if tensor.elements:
            named.append(Field(name, tensor, start))
        start += tensor.elements
    return tuple(named)


def _words(fields: Sequence[Field]) -> int:
    return fields[-1].end if fields else 0
