"""Where inferences are asked for: the models that are taken, and the relayer's journal that they go into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, with_config
from sqlalchemy import Engine

from bridge.api.keys import ApiKey
from bridge.api.parameters import LARGEST, HexId
from bridge.circuit import srs
from bridge.core.bundle import Bundle
from bridge.core.rows import check_range, parse_row
from bridge.core.word import Hex32
from bridge.errors import JobUnknown, ModelNotServed
from bridge.query.answers.wire import Id, answer
from bridge.relay.artifacts import Artifacts
from bridge.relay.job import Job, Request
from bridge.relay.journal import Journal


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True))
@dataclass(frozen=True, slots=True)
class InferOrder:
    """An inference that is wanted."""

    model: HexId
    """One that this server has the bundle of."""
    inputs: Annotated[dict[str, Any], Field(examples=[{"x": [[0.5, -1.0, 2.0]]}])]
    """One row: for each input its numbers, nested as its shape or flat."""
    deadline: Annotated[int, Field(ge=0, le=LARGEST, strict=True)] | None = None
    """Seconds since 1970 (UTC) after which it is not wanted any more; the nearest comes first."""


@answer
class JobStep:
    """A state that a job has been in."""

    state: str
    at: float
    """Seconds since 1970 (UTC)."""
    note: str


@answer
class JobAnswer:
    """An inference that was asked for, and how far it has come."""

    id: str
    model_id: Id
    state: str
    """requested, witnessed, proved, checked, signed, sent, mined, final, or failed."""
    is_over: bool
    """Whether nothing more will happen."""
    reason: str | None
    """The name of the error that it failed with."""
    evidence: str | None
    """What that error said."""
    inference_id: Id | None
    """Once it is proved; ask for it at /v1/inferences when it is mined."""
    tx_hash: Id | None
    block_number: int | None
    deadline: float | None
    created_at: float
    changed_at: float
    history: tuple[JobStep, ...]
    """Every state, the first first."""


_ORDER = TypeAdapter(InferOrder)
ORDER_SCHEMA = _ORDER.json_schema(ref_template="#/components/schemas/{model}")


class Counter:
    """Where inferences are asked for: the models that are taken, and the journal that they go into."""

    def __init__(self, engine: Engine, chain_id: int, store: str, bundles: Sequence[Bundle]) -> None:
        """Keeps what provers need of each bundle. Raises members of `StorageError`, `SetupError`."""
        self._chain_id = chain_id
        self._journal = Journal(engine)
        self._store = Artifacts(store)
        self._served = {
            bundle.model_id: (bundle, self._store.put_bundle(bundle, srs.find(bundle.manifest.setup).path))
            for bundle in bundles
        }

    def ask(self, key: ApiKey, idempotency_key: str, order: InferOrder) -> JobAnswer:
        """Write it down; asked for again with the same key it is the same job. Raises `ModelNotServed`, members of
        `InputError`, `IdempotencyConflict`.
        """
        model_id = Hex32(order.model)
        if model_id not in self._served:
            raise ModelNotServed(model_id=model_id, served=tuple(self._served))
        bundle, digest = self._served[model_id]
        tensors = bundle.manifest.circuit.row.inputs
        row = parse_row(orjson.dumps(order.inputs), "inputs", [tensor.spec for tensor in tensors])
        check_range(row, tensors)
        wanted = Request(self._chain_id, model_id, digest, self._store.put_row(row, tensors), order.deadline)
        return self._told(self._journal.request(_own(key, idempotency_key), wanted))

    def job(self, key: ApiKey, job_id: str) -> JobAnswer:
        """A job of the same key. Raises `JobUnknown`, for those of others as well."""
        job = self._journal.job(job_id)
        if not job.idempotency_key.startswith(_own(key, "")):
            raise JobUnknown(job_id=job_id)
        return self._told(job)

    def _told(self, job: Job) -> JobAnswer:
        history = tuple(JobStep(state.value, at, note) for state, at, note in self._journal.history(job))
        return JobAnswer(
            job.id,
            job.request.model_id,
            job.state.value,
            job.state.is_over,
            job.reason,
            job.evidence,
            job.inference_id,
            job.tx_hash,
            job.block_number,
            job.request.deadline,
            job.created_at,
            job.changed_at,
            history,
        )


def _own(key: ApiKey, idempotency_key: str) -> str:
    return f"api/{key.id}/{idempotency_key}"
