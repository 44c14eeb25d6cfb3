"""Verified inferences by id: every sighting of a statement on the chain, joined to one answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import BindParameter, Connection, Double, Row, String, bindparam, cast, func, literal, select, union_all

from bridge.core.batch import paths
from bridge.core.grade import Grade
from bridge.core.inference import BatchPlace
from bridge.core.word import Hex32, hex_bytes
from bridge.database.index import batches, request_steps, requests, verifications
from bridge.database.schema import jobs
from bridge.errors import InferenceUnknown
from bridge.query.answers.call import ContractCall, LogPlace, confirming, log_place
from bridge.query.answers.face import Face, ModelVersion, Tensor
from bridge.query.answers.horizon import Horizon
from bridge.query.answers.wire import Account, Bytes, FinalityLabel, GradeLabel, Id, answer

FaceOf = Callable[[Hex32], Face]
"""How a model is shown, by its id; whoever calls keeps what it has read."""


@answer
class Sighting:
    """One time that the statement was verified on the chain."""

    block_number: int
    log_index: int
    row: int
    """Of a batch, the first is 1; 0 where it is none."""
    block_time: int
    tx_hash: Id
    caller: Account
    """Who called the contract."""
    submitter: Account
    """Who sent the transaction."""
    gas_used: int
    """Gas of the whole transaction."""
    stored: bool
    """Whether the ledger wrote its record then."""
    root: Id | None
    """Of the batch that it was a row of."""
    finality: FinalityLabel


@answer
class Inference:
    """One statement that a contract checked a proof of: this model maps this input to this output."""

    inference_id: Id
    chain_id: int
    model_id: Id
    model_name: str | None
    """For people; null where the server has no bundle of the model."""
    versions: tuple[ModelVersion, ...]
    """Of which lines the model is which version."""
    input_commitment: Id
    inputs: tuple[Tensor, ...] | None
    """Null where the input is not public, or was not in the calldata."""
    output: Bytes
    """The output instances as 32-byte words."""
    outputs: tuple[Tensor, ...] | None
    """The same as numbers; null where no verifier is bound to the model."""
    grade: GradeLabel
    """How well it is assured."""
    finality: FinalityLabel
    """How sure it is that it stays on the chain."""
    recorded: bool
    """Whether the ledger holds it under its own id, so that contracts can read it."""
    batch: BatchPlace | None
    """Where it stands in a batch that the ledger holds: contracts can read it by that as well."""
    prover: Account
    """Who sent the proof first."""
    tx_hash: Id
    block_number: int
    block_time: int
    """Seconds since 1970 (UTC)."""
    gas_used: int
    """Gas of the whole transaction that verified it first."""
    gas_share: int
    """The same, shared by the rows of its batch."""
    request_id: Id | None
    """The request at the desk that it fulfilled."""
    asked_at: float | None
    """When it was asked for, at the desk or of the relayer of this server."""
    seconds_to_proof: float | None
    """From then to the block that verified it."""
    call: ContractCall | None
    """The call that confirms it on the chain; null where the ledger verified and kept nothing: then the event does."""
    event: LogPlace
    """The event that told of it first."""
    sightings: tuple[Sighting, ...]
    """Every time that it was verified, the first first."""


_CHAIN: BindParameter[int] = bindparam("chain_id")
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_ROOTS: BindParameter[list[str]] = bindparam("roots", expanding=True)

SIGHTINGS = (
    select(verifications)
    .where(verifications.c.chain_id == _CHAIN, verifications.c.inference_id.in_(_IDS))
    .order_by(
        verifications.c.inference_id, verifications.c.block_number, verifications.c.log_index, verifications.c.row
    )
)
_ROWS = (
    select(verifications.c.root, verifications.c.inference_id, batches.c.rows)
    .join(batches, (batches.c.chain_id == verifications.c.chain_id) & (batches.c.root == verifications.c.root))
    .where(verifications.c.chain_id == _CHAIN, verifications.c.root.in_(_ROOTS))
    .order_by(verifications.c.root, verifications.c.row)
)
_ASKED = union_all(
    select(jobs.c.inference_id, literal(None, String).label("request_id"), func.min(jobs.c.created_at).label("at"))
    .where(jobs.c.chain_id == _CHAIN, jobs.c.inference_id.in_(_IDS))
    .group_by(jobs.c.inference_id),
    select(request_steps.c.inference_id, requests.c.request_id, cast(requests.c.block_time, Double))
    .join(
        requests,
        (requests.c.chain_id == request_steps.c.chain_id) & (requests.c.request_id == request_steps.c.request_id),
    )
    .where(
        request_steps.c.chain_id == _CHAIN,
        request_steps.c.kind == "fulfilled",
        request_steps.c.inference_id.in_(_IDS),
    ),
)


def inference(connection: Connection, now: Horizon, face_of: FaceOf, inference_id: Hex32) -> Inference:
    """One by its id. Raises `InferenceUnknown`."""
    found = inferences(connection, now, face_of, [inference_id])
    if not found:
        raise InferenceUnknown(inference_id=inference_id, chain_id=now.chain_id)
    return found[0]


def inferences(connection: Connection, now: Horizon, face_of: FaceOf, ids: Sequence[Hex32]) -> tuple[Inference, ...]:
    """Those of so many ids, in their order; one that is not there is left out."""
    if not ids:
        return ()
    seen = connection.execute(SIGHTINGS, {"chain_id": now.chain_id, "ids": ids}).all()
    by_id = {key: list(rows) for key, rows in groupby(seen, key=lambda row: row.inference_id)}
    places = _batch_places(connection, now.chain_id, {row.root for row in seen if row.root is not None})
    asked = _asked(connection, now.chain_id, ids)
    return tuple(_joined(now, face_of, by_id[each], places, asked.get(each)) for each in ids if each in by_id)


def _joined(
    now: Horizon,
    face_of: FaceOf,
    seen: Sequence[Row[Any]],
    places: Mapping[tuple[Hex32, int], tuple[BatchPlace, int]],
    asked: tuple[Hex32 | None, float] | None,
) -> Inference:
    first = seen[0]
    stored = next((row for row in seen if row.stored and not row.row), None)
    place, rows = next(
        (places[row.root, row.row] for row in seen if (row.root, row.row) in places), (None, max(1, first.row))
    )
    face = face_of(first.model_id)
    grade = Grade((stored or first).grade)
    request_id, asked_at = asked or (None, None)
    shared = rows if first.row else 1
    return Inference(
        inference_id=first.inference_id,
        chain_id=now.chain_id,
        model_id=first.model_id,
        model_name=face.name,
        versions=face.versions,
        input_commitment=first.input_commitment,
        inputs=face.tensors("input", _numbers(next((row.inputs for row in seen if row.inputs is not None), None))),
        output=hex_bytes(first.output),
        outputs=face.tensors("output", _numbers(first.outputs)),
        grade=grade,
        finality=now.finality(first.block_number),
        recorded=stored is not None,
        batch=place,
        prover=first.submitter,
        tx_hash=first.tx_hash,
        block_number=first.block_number,
        block_time=first.block_time,
        gas_used=first.gas_used,
        gas_share=first.gas_used // shared,
        request_id=request_id,
        asked_at=asked_at,
        seconds_to_proof=None if asked_at is None else max(0.0, first.block_time - asked_at),
        call=confirming(
            now.ledger,
            first.model_id,
            first.input_commitment,
            first.output,
            grade,
            recorded=stored is not None,
            batch=place,
        ),
        event=log_place(now.ledger, first.tx_hash, first.block_number, first.log_index, first.row),
        sightings=tuple(_sighting(now, row) for row in seen),
    )


def _sighting(now: Horizon, row: Row[Any]) -> Sighting:
    return Sighting(
        row.block_number,
        row.log_index,
        row.row,
        row.block_time,
        row.tx_hash,
        row.caller,
        row.submitter,
        row.gas_used,
        row.stored,
        row.root,
        now.finality(row.block_number),
    )


def _batch_places(
    connection: Connection, chain_id: int, roots: set[Hex32]
) -> dict[tuple[Hex32, int], tuple[BatchPlace, int]]:
    """The place of each row of these batches, and how many rows its batch has; of batches whose rows are all known."""
    if not roots:
        return {}
    found = connection.execute(_ROWS, {"chain_id": chain_id, "roots": list(roots)})
    places: dict[tuple[Hex32, int], tuple[BatchPlace, int]] = {}
    for root, rows in groupby(found, key=lambda row: row.root):
        listed = list(rows)
        if len(listed) != listed[0].rows:
            continue
        for number, path in enumerate(paths([row.inference_id for row in listed]), start=1):
            places[root, number] = BatchPlace(root, number, path), len(listed)
    return places


def _asked(connection: Connection, chain_id: int, ids: Sequence[Hex32]) -> dict[Hex32, tuple[Hex32 | None, float]]:
    """When each was asked for, and by which request of the desk if it was one."""
    asked: dict[Hex32, tuple[Hex32 | None, float]] = {}
    for identity, request_id, at in connection.execute(_ASKED, {"chain_id": chain_id, "ids": ids}):
        known = asked.get(identity)
        if known is None or (request_id is not None and (known[0] is None or at < known[1])):
            asked[identity] = request_id, at  # the desk's first request goes before what the relayer notes of it
    return asked


def _numbers(text: str | None) -> list[float] | None:
    return None if text is None else orjson.loads(text)
