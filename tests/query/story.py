"""A chain's story, told straight into the tables of the index as a follower would: true ids, roots and commitments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from bridge.core import field as numbers_of
from bridge.core.batch import batch_of
from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import circuit_hash, domain, inference_id, input_commitment, packed
from bridge.core.grade import Grade
from bridge.core.tensor import CircuitTensor
from bridge.core.word import Address, Hex32, hex32, keccak256
from bridge.database import index
from bridge.database.engine import writing
from bridge.query.answers.face import CIRCUIT

CHAIN = 31337
LEDGER = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
ALICE = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
BOB = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
GENESIS = 1_700_000_000
SCALE = 10


def circuit(rows: int = 1, inputs: int = 3, outputs: int = 2) -> Circuit:
    """x and y of so many numbers a row."""
    return Circuit(
        hex32(b"s" * 32),
        Visibility.PUBLIC,
        rows,
        (CircuitTensor("x", (rows, inputs), "float32", SCALE),),
        (CircuitTensor("score", (rows, outputs), "float32", SCALE),),
    )


def word(text: str) -> Hex32:
    return hex32(keccak256(text.encode()))


@dataclass
class Story:
    """Blocks are ten seconds apart; each event is the next of its block."""

    engine: Engine
    events: dict[int, int] = field(default_factory=dict)
    circuits: dict[Hex32, Circuit] = field(default_factory=dict)
    told: set[Hex32] = field(default_factory=set)

    def chain(self, head: int, *, safe: int | None = None, final: int | None = None, broken: int | None = None) -> None:
        """Where the follower is."""
        row = {
            "chain_id": CHAIN,
            "ledger": LEDGER,
            "first_block": 1,
            "block_number": head,
            "block_hash": word(f"block {head}"),
            "safe_number": safe,
            "final_number": final,
            "broken_at": broken,
            "followed_at": float(GENESIS + 10 * head),
        }
        with writing(self.engine) as connection:
            connection.execute(delete(index.chains))
            connection.execute(insert(index.chains).values(**row))

    def model(self, name: str, block: int = 1, shape: Circuit | None = None, *, named: bool = True) -> Hex32:
        """A model that is registered, bound and, if it is `named`, known by its bundle."""
        shape = shape or circuit()
        model_id = word(f"model {name}")
        self.circuits[model_id] = shape
        place = self._place(block)
        registered = {
            "model_id": model_id,
            "owner": ALICE,
            "model_hash": word(f"onnx {name}"),
            "circuit_hash": circuit_hash(shape),
            "vk_hash": word(f"key {name}"),
            "proof_system": "0x301c92ec",
            "uri": f"ipfs://{name}",
            "tx_hash": word(f"registers {name}"),
        }
        document = {
            "settings_hash": shape.settings_hash,
            "visibility": shape.input_visibility.label,
            "rows": shape.rows,
            "inputs": [[tensor.elements, tensor.scale] for tensor in shape.inputs],
            "outputs": [[tensor.elements, tensor.scale] for tensor in shape.outputs],
        }
        binding = {"model_id": model_id, "adapter": BOB, "verifier": LEDGER, "circuit": json.dumps(document)}
        with writing(self.engine) as connection:
            connection.execute(insert(index.models).values(**place, **registered))
            connection.execute(insert(index.bindings).values(**self._place(block), **binding))
            if named:
                schema = {
                    "model_id": model_id,
                    "name": name,
                    "circuit_hash": circuit_hash(shape),
                    "document": CIRCUIT.dump_json(shape).decode(),
                }
                connection.execute(insert(index.schemas).values(**schema))
        return model_id

    def verified(
        self,
        model_id: Hex32,
        block: int,
        inputs: Sequence[float],
        outputs: Sequence[float],
        *,
        by: Address = ALICE,
        stored: bool = True,
        grade: Grade = Grade.PROVEN,
        gas: int = 400_000,
    ) -> Hex32:
        """One inference; told again it is another sighting of the same."""
        commitment = input_commitment(domain(CHAIN, LEDGER), _instances(inputs))
        output = packed(_instances(outputs))
        identity = inference_id(model_id, commitment, output)
        place = self._place(block)
        with writing(self.engine) as connection:
            self._sighting(
                connection,
                place | {"row": 0},
                model_id,
                identity,
                commitment,
                (inputs, outputs),
                by=by,
                stored=stored,
                grade=grade,
                gas=gas,
                root=None,
            )
        return identity

    def batch(self, model_id: Hex32, block: int, rows: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Hex32:
        """A batch whose rows were found in the calldata. Gives its root."""
        words = [
            *(word for inputs, _ in rows for word in _instances(inputs)),
            *(word for _, outputs in rows for word in _instances(outputs)),
        ]
        made = batch_of(model_id, self.circuits[model_id], words, domain(CHAIN, LEDGER))
        place = self._place(block)
        tx_hash = word(f"{place}")
        with writing(self.engine) as connection:
            row = {"root": made.root, "model_id": model_id, "rows": len(rows), "tx_hash": tx_hash, "opened": True}
            connection.execute(insert(index.batches).values(**place, **row))
            for number, (told, numbers) in enumerate(zip(made.rows, rows, strict=True), start=1):
                self._sighting(
                    connection,
                    place | {"row": number},
                    model_id,
                    told.inference_id,
                    told.input_commitment,
                    numbers,
                    by=ALICE,
                    stored=False,
                    grade=Grade.PROVEN,
                    gas=1_000_000,
                    root=made.root,
                )
        return made.root

    def reorganised(self, block: int) -> None:
        """Everything from a block on is gone, and subscribers are told."""
        with writing(self.engine) as connection:
            gone = connection.execute(
                select(index.verifications).where(index.verifications.c.block_number >= block)
            ).all()
            for row in gone:
                if row.is_first:
                    self._news(connection, "retracted", row._mapping)
                    self.told.discard(row.inference_id)
            for table in (index.verifications, index.numbers, index.batches):
                connection.execute(delete(table).where(table.c.block_number >= block))
            connection.execute(update(index.chains).values(block_number=block - 1))
        self.events = {number: count for number, count in self.events.items() if number < block}

    def requested(self, model_id: Hex32, block: int, *, by: Address = BOB, fee: int = 10**18) -> Hex32:
        """A request at the desk."""
        place = self._place(block)
        request_id = word(f"request {place}")
        row = {
            "request_id": request_id,
            "requester": by,
            "model_id": model_id,
            "input_commitment": word("input"),
            "input": b"\x00" * 32,
            "callback": "0x" + "0" * 40,
            "callback_gas": 0,
            "deadline": GENESIS + 10 * block + 3600,
            "claim_seconds": 600,
            "token": "0x" + "0" * 40,
            "fee": fee,
            "bond": 0,
            "block_time": GENESIS + 10 * block,
            "tx_hash": word(f"tx {request_id}"),
        }
        with writing(self.engine) as connection:
            connection.execute(insert(index.requests).values(**place, **row))
        return request_id

    def step(self, request_id: Hex32, kind: str, block: int, *, inference: Hex32 | None = None) -> None:
        """What happens to a request."""
        row = {
            "request_id": request_id,
            "kind": kind,
            "account": ALICE,
            "inference_id": inference,
            "end": None,
            "block_time": GENESIS + 10 * block,
            "tx_hash": word(f"{kind} {request_id}"),
        }
        with writing(self.engine) as connection:
            connection.execute(insert(index.request_steps).values(**self._place(block), **row))

    def _place(self, block: int) -> dict[str, Any]:
        number = self.events[block] = self.events.get(block, -1) + 1
        return {"chain_id": CHAIN, "block_number": block, "log_index": number}

    def _sighting(
        self,
        connection: Connection,
        place: dict[str, Any],
        model_id: Hex32,
        identity: Hex32,
        commitment: Hex32,
        numbers: tuple[Sequence[float], Sequence[float]],
        *,
        by: Address,
        stored: bool,
        grade: Grade,
        gas: int,
        root: Hex32 | None,
    ) -> None:
        inputs, outputs = numbers
        is_first = identity not in self.told
        row = place | {
            "inference_id": identity,
            "model_id": model_id,
            "input_commitment": commitment,
            "output": packed(_instances(outputs)),
            "outputs": json.dumps(list(outputs)),
            "inputs": json.dumps(list(inputs)),
            "grade": int(grade),
            "caller": by,
            "submitter": by,
            "tx_hash": word(f"{place['block_number']} {place['log_index']}"),
            "gas_used": gas,
            "block_time": GENESIS + 10 * place["block_number"],
            "stored": stored,
            "root": root,
            "is_first": is_first,
        }
        connection.execute(insert(index.verifications).values(**row))
        if not is_first:
            return
        self.told.add(identity)
        self._news(connection, "verified", row)
        for side, values in zip(index.SIDES, numbers, strict=True):
            for at, value in enumerate(values[: index.MOST_NUMBERS]):
                self._number(connection, place, model_id, side, at, value)

    def _number(
        self, connection: Connection, place: dict[str, Any], model_id: Hex32, side: str, at: int, value: float
    ) -> None:
        key = {"chain_id": CHAIN, "model_id": model_id, "side": side, "place": at}
        series = index.series
        mine = select(series.c.id).where(*(series.c[name] == part for name, part in key.items()))
        known = connection.scalar(mine)
        if known is None:
            known = connection.scalar(insert(series).values(**key).returning(series.c.id))
        where = {name: place[name] for name in ("block_number", "log_index", "row")}
        connection.execute(insert(index.numbers).values(series=known, value=value, **where))

    def _news(self, connection: Connection, kind: str, row: Any) -> None:
        told = {
            name: row[name] for name in ("chain_id", "inference_id", "model_id", "block_number", "log_index", "row")
        }
        block_hash = word(f"block {row['block_number']}")
        connection.execute(insert(index.feed).values(kind=kind, block_hash=block_hash, at=0.0, **told))


def _instances(values: Sequence[float]) -> list[int]:
    return [numbers_of.to_instance(round(value * 2**SCALE)) for value in values]
