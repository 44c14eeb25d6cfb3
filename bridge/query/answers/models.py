"""Registered models: what is committed to, who owns it, whether it may be used still, its versions and its proof card."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from bridge.core.circuit import Visibility
from bridge.core.grade import Grade
from bridge.core.word import Hex32
from bridge.database.index import bindings, line_changes, lines, model_changes, models, routes, stops, versions
from bridge.errors import LineUnknown, ModelUnknown
from bridge.query.answers.cursor import read_cursor, write_cursor
from bridge.query.answers.face import Card, ModelVersion, TensorShape, card
from bridge.query.answers.horizon import Horizon
from bridge.query.answers.inferences import FaceOf
from bridge.query.answers.place import Page, Place, before, newest_first, walk
from bridge.query.answers.wire import Account, Bytes, FinalityLabel, GradeLabel, Id, answer


@answer
class Certificate:
    """What the model's id commits to for ever, and what on the chain checks its proofs."""

    model_hash: Id
    """sha256 of the ONNX file."""
    circuit_hash: Id
    """Of the public shape and the settings of the circuit."""
    vk_hash: Id
    """Of the verifier's code, or of what stands for it in another proof system."""
    proof_system: Bytes
    """The first four bytes of the hash of the proof system's name."""
    grade: GradeLabel | None
    """What its proofs are worth; null where proofs of this system go nowhere."""
    adapter: Account | None
    """Who checks its proofs for the ledger; null where nothing was bound yet."""
    verifier: Account | None
    """The generated contract behind it; null for a panel of signers."""


@answer
class Model:
    """One registered model."""

    model_id: Id
    chain_id: int
    name: str | None
    """For people; null where the server has no bundle of the model."""
    owner: Account
    uri: str
    """As its owner last set it. It is a stranger's text."""
    is_deprecated: bool
    """Its owner says that it is not to be used any more."""
    is_stopped: bool
    """Its verifier was stopped: no more of its proofs are taken."""
    certificate: Certificate
    versions: tuple[ModelVersion, ...]
    """Of which lines it is which version."""
    settings_hash: Id | None
    """Of the settings of the circuit: with visibility, rows, elements and scales it makes the certificate's circuit hash."""
    input_visibility: str | None
    """Who sees the input: public, hashed or private."""
    rows: int | None
    """How many rows a proof is of."""
    inputs: tuple[TensorShape, ...] | None
    outputs: tuple[TensorShape, ...] | None
    card: Card | None
    """The proof card; null where the server has no bundle of the model."""
    block_number: int
    log_index: int
    tx_hash: Id
    finality: FinalityLabel


@answer
class Line:
    """A line of versions, append-only: pin a version, or follow the newest."""

    line_id: Id
    chain_id: int
    name: str
    owner: Account
    versions: tuple[ModelVersion, ...]
    """Oldest first; `model_ids` has the model of each."""
    model_ids: tuple[Id, ...]
    block_number: int
    finality: FinalityLabel


def model(connection: Connection, now: Horizon, face_of: FaceOf, model_id: Hex32) -> Model:
    """One by its id. Raises `ModelUnknown`."""
    row = connection.execute(
        select(models).where(models.c.chain_id == now.chain_id, models.c.model_id == model_id)
    ).one_or_none()
    if row is None:
        raise ModelUnknown(model_id=model_id, chain_id=now.chain_id)
    return _model(connection, now, face_of, row)


def list_models(connection: Connection, now: Horizon, face_of: FaceOf, cursor: str | None, limit: int) -> Page[Model]:
    """All of a chain, the newest first. Raises `CursorMalformed`, `CursorOfAnotherQuery`."""
    query = "models"

    def rows_before(place: Place, count: int) -> list[Row[Any]]:
        ours = select(models).where(models.c.chain_id == now.chain_id, before(models, place))
        return list(connection.execute(ours.order_by(*newest_first(models)).limit(count)))

    found, place = walk(rows_before, lambda _: True, read_cursor(cursor, query), limit)
    told = tuple(_model(connection, now, face_of, row) for row in found)
    return Page(told, None if place is None else write_cursor(place, query))


def line(connection: Connection, now: Horizon, line_id: Hex32) -> Line:
    """One by its id. Raises `LineUnknown`."""
    ours = lines.c.chain_id == now.chain_id, lines.c.line_id == line_id
    row = connection.execute(select(lines).where(*ours)).one_or_none()
    if row is None:
        raise LineUnknown(line_id=line_id, chain_id=now.chain_id)
    appended = (
        select(versions.c.model_id, versions.c.version)
        .where(versions.c.chain_id == now.chain_id, versions.c.line_id == line_id)
        .order_by(versions.c.version)
    )
    found = connection.execute(appended).all()
    given = (
        select(line_changes.c.value)
        .where(line_changes.c.chain_id == now.chain_id, line_changes.c.line_id == line_id)
        .order_by(line_changes.c.block_number.desc(), line_changes.c.log_index.desc())
        .limit(1)
    )
    return Line(
        line_id,
        now.chain_id,
        row.name,
        connection.scalar(given) or row.owner,
        tuple(ModelVersion(line_id, row.name, each.version) for each in found),
        tuple(each.model_id for each in found),
        row.block_number,
        now.finality(row.block_number),
    )


def _model(connection: Connection, now: Horizon, face_of: FaceOf, row: Row[Any]) -> Model:
    face = face_of(row.model_id)
    changes = _changes(connection, now.chain_id, row.model_id)
    certificate = _certificate(connection, now.chain_id, row)
    shown = face.circuit.input_visibility if face.circuit else None
    return Model(
        row.model_id,
        now.chain_id,
        face.name,
        changes.get("transferred", row.owner),
        changes.get("uri", row.uri),
        "deprecated" in changes,
        "stopped" in changes or _is_stopped(connection, now.chain_id, certificate.adapter),
        certificate,
        face.versions,
        face.circuit.settings_hash if face.circuit else None,
        None if shown is None else Visibility(shown).label,
        face.circuit.rows if face.circuit else None,
        face.shapes("input"),
        face.shapes("output"),
        card(connection, row.model_id),
        row.block_number,
        row.log_index,
        row.tx_hash,
        now.finality(row.block_number),
    )


def _changes(connection: Connection, chain_id: int, model_id: Hex32) -> dict[str, str]:
    """The last value of each kind of change."""
    query = (
        select(model_changes.c.kind, model_changes.c.value)
        .where(model_changes.c.chain_id == chain_id, model_changes.c.model_id == model_id)
        .order_by(model_changes.c.block_number, model_changes.c.log_index)
    )
    return {row.kind: row.value for row in connection.execute(query)}


def _certificate(connection: Connection, chain_id: int, row: Row[Any]) -> Certificate:
    bound = connection.execute(
        select(bindings.c.adapter, bindings.c.verifier)
        .where(bindings.c.chain_id == chain_id, bindings.c.model_id == row.model_id)
        .order_by(bindings.c.block_number.desc(), bindings.c.log_index.desc())
        .limit(1)
    ).one_or_none()
    grade = connection.scalar(
        select(routes.c.grade)
        .where(routes.c.chain_id == chain_id, routes.c.proof_system == row.proof_system)
        .order_by(routes.c.block_number.desc(), routes.c.log_index.desc())
        .limit(1)
    )
    return Certificate(
        row.model_hash,
        row.circuit_hash,
        row.vk_hash,
        row.proof_system,
        None if grade is None else Grade(grade),
        bound.adapter if bound else None,
        bound.verifier if bound else None,
    )


def _is_stopped(connection: Connection, chain_id: int, adapter: str | None) -> bool:
    """Whether the whole adapter was stopped."""
    query = select(stops.c.adapter).where(stops.c.chain_id == chain_id, stops.c.adapter == adapter).limit(1)
    return adapter is not None and connection.scalar(query) is not None
