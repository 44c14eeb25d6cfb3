"""Answers of the API as records. A server is a stranger: every field is parsed, and what is not known here is left out.

The fields are those of `docs/openapi.json`, word for word, which a test holds against these classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, with_config

from bridge.core.circuit import Circuit, Visibility
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.tensor import CircuitTensor
from bridge.core.word import Address, Hex32, HexBytes, parse_address, parse_hex32

T = TypeVar("T")

ANSWERED = ConfigDict(extra="ignore", allow_inf_nan=False)
"""A newer server may say more."""

Id = Annotated[Hex32, AfterValidator(parse_hex32)]
Account = Annotated[Address, AfterValidator(parse_address)]
Bytes = Annotated[HexBytes, Field(pattern="^0x([0-9a-f]{2})*$")]
GradeLabel = Annotated[Grade, BeforeValidator(lambda text: Grade.parse(str(text)))]
FinalityLabel = Annotated[Finality, BeforeValidator(lambda text: Finality.parse(str(text)))]
Count = Annotated[int, Field(ge=0, lt=2**63)]
"""Blocks, seconds, places, gas."""
Wei = Annotated[int, Field(ge=0, lt=2**256)]
Path = Annotated[tuple[Id, ...], Field(max_length=64)]
"""No batch has more rows than a path of this length leads to."""


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output with its numbers."""

    name: str
    shape: tuple[int, ...]
    """Of one row."""
    numbers: tuple[float, ...]
    """All elements, the last axis first to change."""


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class BatchPlace:
    """Where a row stands in a batch that the ledger holds."""

    root: Id
    row: Count
    """The first is 1."""
    path: Path
    """The siblings from the leaf to the root."""


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where the event stands."""

    address: Account
    topic: Id
    tx_hash: Id
    block_number: Count
    log_index: Count


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call."""

    name: str
    value: str | tuple[str, ...]


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class ContractCall:
    """An eth_call, and what the server says that it answers. `confirm` makes a call of its own and not this one."""

    to: Account
    function: str
    arguments: tuple[Argument, ...]
    data: Bytes
    answers: Bytes


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Sighting:
    """One time that the statement was verified on the chain."""

    block_number: Count
    log_index: Count
    row: Count
    block_time: Count
    tx_hash: Id
    caller: Account
    submitter: Account
    gas_used: Count
    stored: bool
    root: Id | None
    finality: FinalityLabel


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A model as a version of a line."""

    line_id: Id
    line: str
    version: Count


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Inference:
    """One statement that a contract checked a proof of, as a server tells it. `confirm` says whether it is so."""

    inference_id: Id
    chain_id: Count
    model_id: Id
    model_name: str | None
    versions: tuple[ModelVersion, ...]
    input_commitment: Id
    inputs: tuple[Tensor, ...] | None
    """None where the input is not public, or the server does not have it."""
    output: Bytes
    """The output instances as 32-byte words: what generated readers read."""
    outputs: tuple[Tensor, ...] | None
    grade: GradeLabel
    finality: FinalityLabel
    recorded: bool
    """Whether the ledger holds it under its own id, so that contracts can read it."""
    batch: BatchPlace | None
    prover: Account
    tx_hash: Id
    block_number: Count
    block_time: Count
    """Seconds since 1970 (UTC)."""
    gas_used: Count
    gas_share: Count
    request_id: Id | None
    asked_at: float | None
    seconds_to_proof: float | None
    call: ContractCall | None
    event: LogPlace
    sightings: tuple[Sighting, ...]


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class TensorShape:
    """One input or output of a model."""

    name: str
    shape: tuple[int, ...]
    """Of one row."""
    dtype: str
    scale: int
    """On the chain a number is an integer over 2**scale."""
    low: float | None
    high: float | None

    def tensor(self, rows: int) -> CircuitTensor:
        """The tensor as a circuit over so many rows holds it."""
        first, *rest = self.shape or (1,)
        return CircuitTensor(self.name, (first * max(1, rows), *rest), self.dtype, self.scale)


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Certificate:
    """What the model's id commits to, and what on the chain checks its proofs."""

    model_hash: Id
    circuit_hash: Id
    vk_hash: Id
    proof_system: Bytes
    grade: GradeLabel | None
    adapter: Account | None
    verifier: Account | None


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Model:
    """One registered model."""

    model_id: Id
    chain_id: Count
    name: str | None
    owner: Account
    uri: str
    """A stranger's text."""
    is_deprecated: bool
    is_stopped: bool
    certificate: Certificate
    versions: tuple[ModelVersion, ...]
    settings_hash: Id | None
    """Part of what the circuit's hash is of; None where nothing was bound yet."""
    input_visibility: str | None
    rows: int | None
    inputs: tuple[TensorShape, ...] | None
    outputs: tuple[TensorShape, ...] | None
    block_number: Count
    log_index: Count
    tx_hash: Id
    finality: FinalityLabel

    @property
    def circuit(self) -> Circuit | None:
        """How to read its words, as the server has it; `confirm` holds it against the registry. None where it was not bound."""
        parts = self.settings_hash, self.input_visibility, self.rows, self.inputs, self.outputs
        match parts:
            case str(settings_hash), str(visibility), int(rows), tuple(inputs), tuple(outputs):
                shown = Visibility.__members__.get(visibility.upper(), Visibility.PRIVATE)
                tensors = (tuple(shape.tensor(rows) for shape in side) for side in (inputs, outputs))
                return Circuit(Hex32(settings_hash), shown, rows, *tensors)
        return None


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Line:
    """A line of versions, append-only."""

    line_id: Id
    chain_id: Count
    name: str
    owner: Account
    versions: tuple[ModelVersion, ...]
    """Oldest first; `model_ids` has the model of each."""
    model_ids: tuple[Id, ...]
    block_number: Count
    finality: FinalityLabel


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a request."""

    kind: str
    """claimed, fulfilled, refunded; told and untold: the callback was called and did not revert, or did."""
    account: Account
    inference_id: Id | None
    end: Count | None
    """The last second of a claim."""
    block_number: Count
    log_index: Count
    block_time: Count
    tx_hash: Id


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class DeskRequest:
    """Somebody's offer to pay for an inference."""

    request_id: Id
    chain_id: Count
    model_id: Id
    requester: Account
    state: str
    """open, claimed, fulfilled or refunded."""
    inference_id: Id | None
    claimer: Account | None
    input_commitment: Id
    input: Bytes
    callback: Account | None
    callback_gas: Count
    deadline: Count
    claim_seconds: Count
    token: Account | None
    """None for the chain's own coin."""
    fee: Wei
    bond: Wei
    block_number: Count
    log_index: Count
    block_time: Count
    tx_hash: Id
    finality: FinalityLabel
    steps: tuple[Step, ...]


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Status:
    """How far a server has followed its chain."""

    chain_id: Count
    ledger: Account
    first_block: Count
    block_number: Count
    """Everything up to it is in the answers."""
    block_hash: Id
    safe_number: Count | None
    final_number: Count | None
    broken_at: Count | None
    """The lowest final block that a reorganisation took all the same."""
    followed_at: float


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Day:
    """The inferences of one day (UTC)."""

    date: str
    inferences: Count
    proven: Count
    gas: Count


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Waits:
    """How long it took from asking to the block that verified, in seconds."""

    count: Count
    median: float | None
    p90: float | None
    p99: float | None


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures over the statements that were first verified in a span of time."""

    chain_id: Count
    model_id: Id | None
    since: Count
    until: Count
    inferences: Count
    proven: Count
    proven_share: float | None
    gas_per_inference: float | None
    seconds_to_proof: Waits
    days: tuple[Day, ...]


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class News:
    """One thing that subscribers are told."""

    number: Count
    kind: str
    """verified, or retracted: forget what was told of this inference at this place."""
    chain_id: Count
    inference_id: Id
    model_id: Id
    block_number: Count
    block_hash: Id
    log_index: Count
    row: Count
    at: float


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class JobStep:
    """A state that a job has been in."""

    state: str
    at: float
    note: str


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Job:
    """An inference that was asked for, and how far it has come."""

    id: str
    model_id: Id
    state: str
    is_over: bool
    reason: str | None
    evidence: str | None
    inference_id: Id | None
    tx_hash: Id | None
    block_number: Count | None
    deadline: float | None
    created_at: float
    changed_at: float
    history: tuple[JobStep, ...]


@with_config(ANSWERED)
@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of what was asked for, the newest first."""

    items: tuple[T, ...]
    next: str | None
    """The cursor of the page after this one; None on the last."""
