"""What later events are read by: the grades of proof systems, and the proof system and circuit of each model."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import circuit_of
from bridge.core.grade import Grade
from bridge.core.word import Hex32, to_bytes
from bridge.database.index import bindings, models, routes


@dataclass(slots=True)
class Known:
    """As of one block; it grows with the events that are read."""

    grades: dict[str, Grade] = field(default_factory=dict)
    """By proof system."""
    systems: dict[str, str] = field(default_factory=dict)
    """The proof system of each model."""
    circuits: dict[str, Circuit] = field(default_factory=dict)
    """Of each model that is bound."""

    def grade(self, model_id: Hex32) -> Grade:
        """What stands behind the results of a model. Raises ValueError where nothing does."""
        try:
            return self.grades[self.systems[model_id]]
        except KeyError:
            raise ValueError(f"nobody registered model {model_id}, or its proof system has no verifier") from None


def known_at(connection: Connection, chain_id: int, block_number: int) -> Known:
    """Out of the tables, up to a block."""
    known = Known()
    for row in connection.execute(
        select(routes).where(routes.c.chain_id == chain_id, routes.c.block_number <= block_number)
    ):
        known.grades[row.proof_system] = Grade(row.grade)
    chosen = select(models.c.model_id, models.c.proof_system)
    for row in connection.execute(chosen.where(models.c.chain_id == chain_id, models.c.block_number <= block_number)):
        known.systems[row.model_id] = row.proof_system
    ordered = (
        select(bindings.c.model_id, bindings.c.circuit)
        .where(bindings.c.chain_id == chain_id, bindings.c.block_number <= block_number)
        .order_by(bindings.c.block_number, bindings.c.log_index)
    )
    for row in connection.execute(ordered):
        known.circuits[row.model_id] = read_circuit(row.circuit)
    return known


def circuit_text(circuit: Circuit) -> str:
    """A circuit as the table of bindings holds it."""
    document = {
        "settings_hash": circuit.settings_hash,
        "visibility": circuit.input_visibility.label,
        "rows": circuit.rows,
        "inputs": [[tensor.elements, tensor.scale] for tensor in circuit.inputs],
        "outputs": [[tensor.elements, tensor.scale] for tensor in circuit.outputs],
    }
    return json.dumps(document, separators=(",", ":"))


def read_circuit(text: str) -> Circuit:
    """The circuit that a row of the table of bindings holds."""
    document: dict[str, Any] = json.loads(text)
    visibility = Visibility[document["visibility"].upper()]
    tensors = document["inputs"], document["outputs"]
    return circuit_of((to_bytes(document["settings_hash"]), visibility, document["rows"], *tensors))
