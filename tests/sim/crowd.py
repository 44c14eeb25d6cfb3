"""A database with as many verified inferences as one likes, made quickly: rows of the right form, ids and places of their own.

What a number stands for is nothing; that a page finds it through the index, and how fast, is what is measured.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, insert

from bridge.core.circuit import Circuit, Visibility
from bridge.core.tensor import CircuitTensor
from bridge.database import index
from bridge.database.engine import open_database, writing
from bridge.query.answers.face import CIRCUIT

CHAIN = 31337
MODELS = 10
INPUTS, OUTPUTS = 3, 2
SUBMITTERS = 1_000
FIRST_TIME = 1_700_000_000
A_BLOCK = 4
"""Inferences of one."""
NEEDLES = 0.0005
"""Share of inferences whose first output is above 2: what a filter has to look for."""
_LEDGER = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
_CHUNK = 50_000

_Row = tuple[object, ...]


def fill(path: Path, count: int) -> Engine:
    """The database at `path` with `count` inferences, ten models, and every index that it has. Journal and disk wait for it."""
    engine = open_database(f"sqlite:///{path}")
    last = count // A_BLOCK
    with writing(engine) as connection:
        checkpoint = {"chain_id": CHAIN, "ledger": _LEDGER, "first_block": 0, "block_number": last}
        checkpoint |= {"block_hash": name("block", last), "safe_number": last - 32, "final_number": last - 64}
        connection.execute(insert(index.chains).values(followed_at=0.0, **checkpoint))
    scores = np.random.default_rng(1).random((count, INPUTS + OUTPUTS))
    scores[:, INPUTS] += 2 * (np.random.default_rng(2).random(count) < NEEDLES)
    with sqlite3.connect(path, isolation_level=None) as raw:
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("PRAGMA cache_size = -400000")
        dropped = [
            row[0]
            for row in raw.execute(
                "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'verifications' AND sql NOT NULL"
            )
        ]
        for statement in dropped:
            raw.execute(f"DROP INDEX {statement.split()[2]}")
        raw.execute("BEGIN")
        for number in range(MODELS):
            _model(raw, number)
        columns = [column.name for column in index.verifications.columns]
        marks = ", ".join("?" * len(columns))
        for start in range(0, count, _CHUNK):
            rows = _rows(range(start, min(count, start + _CHUNK)), scores)
            raw.executemany(f"INSERT INTO verifications ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608
        raw.executemany("INSERT INTO numbers VALUES (?, ?, ?, ?, ?)", _numbers(scores))
        raw.execute("COMMIT")
        for statement in dropped:
            raw.execute(statement)
        raw.execute("ANALYZE")
    raw.close()
    return engine


def name(kind: str, number: int) -> str:
    """A hash of something."""
    return "0x" + hashlib.sha256(f"{kind} {number}".encode()).hexdigest()


def _model(raw: sqlite3.Connection, number: int) -> None:
    circuit = Circuit(
        settings_hash=name("settings", number),  # type: ignore[arg-type]
        input_visibility=Visibility.PUBLIC,
        rows=1,
        inputs=(CircuitTensor("x", (1, INPUTS), "float32", 10),),
        outputs=(CircuitTensor("score", (1, OUTPUTS), "float32", 10),),
    )
    model_id = name("model", number)
    raw.execute(
        "INSERT INTO schemas (model_id, name, circuit_hash, document) VALUES (?, ?, ?, ?)",
        (model_id, f"model {number}", name("circuit", number), CIRCUIT.dump_json(circuit).decode()),
    )
    for at in range(INPUTS + OUTPUTS):
        side, place = ("input", at) if at < INPUTS else ("output", at - INPUTS)
        key = (number * (INPUTS + OUTPUTS) + at + 1, CHAIN, model_id, side, place)
        raw.execute("INSERT INTO series (id, chain_id, model_id, side, place) VALUES (?, ?, ?, ?, ?)", key)


def _rows(numbers: range, scores: NDArray[np.float64]) -> Iterator[_Row]:
    models = [name("model", number) for number in range(MODELS)]
    accounts = [f"0x{number:040x}" for number in range(SUBMITTERS)]
    for number in numbers:
        block, log = divmod(number, A_BLOCK)
        values = scores[number].tolist()
        submitter = accounts[number * 7919 % SUBMITTERS]
        yield (
            CHAIN,
            block,
            log,
            0,
            name("inference", number),
            models[number % MODELS],
            name("input", number),
            b"\x00" * 32 * OUTPUTS,
            json.dumps(values[INPUTS:]),
            json.dumps(values[:INPUTS]),
            3,
            submitter,
            submitter,
            name("transaction", number),
            450_000,
            FIRST_TIME + 12 * block,
            1,
            None,
            1,
        )


def _numbers(scores: NDArray[np.float64]) -> Iterator[tuple[int, float, int, int, int]]:
    """In the order that they lie in."""
    for model in range(MODELS):
        mine = np.arange(model, len(scores), MODELS)
        for at in range(INPUTS + OUTPUTS):
            values = scores[mine, at]
            order = np.argsort(values, kind="stable")
            series = model * (INPUTS + OUTPUTS) + at + 1
            for value, number in zip(values[order].tolist(), mine[order].tolist(), strict=True):
                yield series, value, number // A_BLOCK, number % A_BLOCK, 0
