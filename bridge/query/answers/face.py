"""What a model is called and how its numbers are read: from the bundle where somebody handed one in, else from the chain alone."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from bridge.core.bundle import Bundle
from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import circuit_of
from bridge.core.manifest import Fidelity, Measurements, Settings, Setup, Versions
from bridge.core.tensor import CircuitTensor
from bridge.core.word import Hex32, to_bytes
from bridge.database.engine import upsert
from bridge.database.index import bindings, lines, models, schemas, versions
from bridge.errors import SchemaRefused
from bridge.query.answers.wire import Id, answer


@answer
class Tensor:
    """One input or output with its numbers."""

    name: str
    """As the model's graph has it; `output0` and so on where nobody handed in the bundle."""
    shape: tuple[int, ...]
    """Of one row."""
    numbers: tuple[float, ...]
    """All elements, the last axis first to change."""


@answer
class TensorShape:
    """One input or output of a model."""

    name: str
    shape: tuple[int, ...]
    """Of one row."""
    dtype: str
    """numpy's name of the element type."""
    scale: int
    """On the chain a number is an integer over 2**scale."""
    low: float | None
    """The smallest value that the circuit was made for (inputs only)."""
    high: float | None


@answer
class ModelVersion:
    """A model as a version of a line."""

    line_id: Id
    line: str
    """The line's name."""
    version: int
    """The first is 0."""


@answer
class Card:
    """What is known of a model's proofs: how far they are from the float model, what they cost, who made the setup."""

    fidelity: Fidelity
    """Over the rows that shaped the circuit."""
    held_out: Fidelity | None
    """Over rows that no choice was made on."""
    measurements: Measurements
    setup: Setup
    settings: Settings
    versions: Versions
    manifest_sha256: str
    """Of the bundle that says so."""


@answer
class Face:
    """How a model is shown."""

    name: str | None
    """For people; None where nobody handed in the bundle."""
    circuit: Circuit | None
    """None where no verifier was bound to it."""
    row: Circuit | None
    """The same as one row of a batch sees it."""
    versions: tuple[ModelVersion, ...]

    def tensors(self, side: str, numbers: Sequence[float] | None) -> tuple[Tensor, ...] | None:
        """The numbers of a side under their names; those of a whole batch as one statement under the batch's shapes."""
        if numbers is None or self.circuit is None or self.row is None:
            return None
        for circuit in (self.row, self.circuit):
            tensors = circuit.inputs if side == "input" else circuit.outputs
            if sum(tensor.elements for tensor in tensors) == len(numbers):
                return tuple(_shares(tensors, numbers))
        return None

    def shapes(self, side: str) -> tuple[TensorShape, ...] | None:
        """The tensors of a side."""
        if self.row is None:
            return None
        tensors = self.row.inputs if side == "input" else self.row.outputs
        return tuple(
            TensorShape(each.name, each.shape, each.dtype, each.scale, each.low, each.high) for each in tensors
        )


CIRCUIT = TypeAdapter(Circuit)
"""How a circuit stands in `schemas.document`."""
_CARD = TypeAdapter(Card)

_SCHEMA = select(schemas.c.name, schemas.c.document)
_BINDING = select(bindings.c.circuit).order_by(bindings.c.block_number.desc(), bindings.c.log_index.desc()).limit(1)
_VERSIONS = (
    select(versions.c.line_id, lines.c.name, versions.c.version)
    .join(lines, (lines.c.chain_id == versions.c.chain_id) & (lines.c.line_id == versions.c.line_id))
    .order_by(versions.c.block_number, versions.c.log_index)
)


def face(connection: Connection, chain_id: int, model_id: Hex32) -> Face:
    """How a model is shown; nothing is known of one that is not there."""
    schema = connection.execute(_SCHEMA.where(schemas.c.model_id == model_id)).one_or_none()
    bound = connection.scalar(_BINDING.where(bindings.c.chain_id == chain_id, bindings.c.model_id == model_id))
    circuit = CIRCUIT.validate_json(schema.document) if schema else _bound(bound) if bound else None
    found = connection.execute(_VERSIONS.where(versions.c.chain_id == chain_id, versions.c.model_id == model_id))
    row = circuit.row if circuit else None
    return Face(schema.name if schema else None, circuit, row, tuple(ModelVersion(*each) for each in found))


def card(connection: Connection, model_id: Hex32) -> Card | None:
    """The proof card of a model whose bundle was handed in."""
    text = connection.scalar(select(schemas.c.card).where(schemas.c.model_id == model_id))
    return None if text is None else _CARD.validate_json(text)


def enrol(connection: Connection, bundle: Bundle) -> None:
    """Keep what a bundle says of its model. Raises `SchemaRefused` where the chain has another circuit under its id.

    A model's id is a hash of its circuit's, and `open_bundle` checked both; this catches an index that was filled wrongly.
    """
    manifest = bundle.manifest
    registered = connection.scalar(select(models.c.circuit_hash).where(models.c.model_id == manifest.model_id).limit(1))
    ours = manifest.commitment.circuit_hash
    if registered is not None and registered != ours:
        raise SchemaRefused(path=bundle.path, expected=registered, got=ours)
    told = Card(
        manifest.fidelity,
        manifest.held_out,
        manifest.measurements,
        manifest.setup,
        manifest.settings,
        manifest.versions,
        bundle.manifest_sha256,
    )
    row = {
        "model_id": manifest.model_id,
        "name": manifest.name,
        "circuit_hash": ours,
        "document": CIRCUIT.dump_json(manifest.circuit).decode(),
        "card": _CARD.dump_json(told).decode(),
    }
    kept = upsert(connection, schemas).values(**row)  # several processes begin at once
    connection.execute(kept.on_conflict_do_update(index_elements=["model_id"], set_=row))


def _bound(text: str) -> Circuit:
    """The circuit as its binding on the chain has it, without names."""
    told = orjson.loads(text)
    visibility = told["visibility"]
    shown = Visibility[visibility.upper()] if isinstance(visibility, str) else Visibility(visibility)
    return circuit_of((to_bytes(told["settings_hash"]), shown, told["rows"], told["inputs"], told["outputs"]))


def _shares(tensors: Sequence[CircuitTensor], numbers: Sequence[float]) -> list[Tensor]:
    shared, start = [], 0
    for tensor in tensors:
        end = start + tensor.elements
        shared.append(Tensor(tensor.name, tensor.shape, tuple(numbers[start:end])))
        start = end
    return shared
