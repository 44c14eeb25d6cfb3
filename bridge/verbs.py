"""The verbs: what the command line does, callable and typed. This is where the rooms are joined."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.audit.replay import Replay, replay
from bridge.audit.tamper import Attempt, tamper
from bridge.chain import desk
from bridge.chain.answer import Receipt
from bridge.chain.contract import CoreContracts, core_abis
from bridge.circuit import build as circuit_build
from bridge.circuit import srs
from bridge.circuit.build import Built
from bridge.circuit.order import Order
from bridge.circuit.tune import Bench
from bridge.codegen import languages, solidity
from bridge.codegen.languages import Language
from bridge.codegen.schema import schema_of
from bridge.connection import Connection
from bridge.core.bundle import Bundle, Keys, open_bundle
from bridge.core.circuit import Visibility
from bridge.core.commitment import circuit_words, domain, inference_id, input_commitment, packed, unpacked
from bridge.core.grade import Grade
from bridge.core.inference import VerifiedInference
from bridge.core.poseidon import input_hashes
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.core.request import Offer, PaidRequest
from bridge.core.rows import Row, check_range, in_batches, read_rows, row_json, stack
from bridge.core.tensor import decode
from bridge.core.word import Address, Hex32, hex32, hex_bytes, parse_hex32, to_bytes
from bridge.deploy.artifact import carried
from bridge.deploy.core import CoreDeployment
from bridge.deploy.core import deploy_core as put_core
from bridge.deploy.explorer import Patience, Published, open_explorer, publish
from bridge.deploy.gas import measure_verify_gas
from bridge.deploy.model import ModelDeployment, adapter_of, bound_verifier
from bridge.deploy.model import deploy_model as put_model
from bridge.deploy.source import SourceBundle, bundle_sources
from bridge.deploy.verify import Verification
from bridge.deploy.verify import verify_deployment as compare
from bridge.engine.child import DEFAULT_TIMEOUT_SECONDS
from bridge.errors import (
    ExplorerRefused,
    InputNotHashed,
    NotDeployed,
    ProofInvalid,
    ProofOfAnotherModel,
    RequestUnknown,
    ToolMissing,
)
from bridge.prover import prove as prover
from bridge.prover.commit import commit
from bridge.query.results import Filter
from bridge.query.results import results as read_results
from bridge.relay import submit as relay
from bridge.relay.submit import BatchStatement, Recordable, RowStatement, Statement, Submission
from bridge.solidity.verifier import Verifier


@dataclass(frozen=True, slots=True)
class Inference:
    """One row, proved, submitted and recorded."""

    inference_id: Hex32
    model_id: Hex32
    tx_hash: Hex32
    block_number: int
    gas_used: int
    outputs: tuple[tuple[float, ...], ...]
    """Numbers, one tuple for each output tensor."""
    grade: Grade
    seconds: dict[str, float]
    """Wall time by stage: prove, submit."""
    is_new: bool


@dataclass(frozen=True, slots=True)
class RowInference:
    """One row of a batch."""

    inference_id: Hex32
    outputs: tuple[tuple[float, ...], ...]
    """Numbers, one tuple for each output tensor."""
    path: tuple[Hex32, ...]
    """For `isVerifiedInBatch` and `storeFromBatch`: the siblings from the row's leaf to the root."""
    tx_hash: Hex32 | None
    """The transaction that gave the row a record of its own; None where it has none but the root."""


@dataclass(frozen=True, slots=True)
class BatchInference:
    """Many rows, proved at once and recorded under one root."""

    root: Hex32
    model_id: Hex32
    tx_hash: Hex32
    block_number: int
    gas_used: int
    """Of the transaction that recorded the root."""
    rows: tuple[RowInference, ...]
    """Those that were asked for."""
    padding: int
    """Copies of the last row that fill the batch."""
    grade: Grade
    seconds: dict[str, float]
    """Wall time by stage: prove, submit."""
    is_new: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """A hidden input, held against what a ledger has recorded."""

    inference_id: Hex32
    """Of this input and the output that the circuit gives for it."""
    input_hashes: tuple[Hex32, ...]
    """One for each input tensor."""
    words: tuple[Hex32, ...]
    """The input's instances: what a contract hands to `InputOpening`."""
    outputs: tuple[tuple[float, ...], ...]
    grade: Grade | None
    """Of the record; None where the ledger has none of this input."""
    gas: int
    """What a contract would pay to have it checked."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of every source that was handed in."""

    published: tuple[Published, ...]
    refused: tuple[ExplorerRefused, ...]
    """Those that the service does not accept; a refusal of one does not hold up the others."""


def build_model(order: Order, progress: Progress = silent) -> Built:
    """Turn an ONNX model into a bundle, measured with a real proof and, where Anvil is at hand, a real transaction."""

    def prove_row(keys: Keys, model_id: Hex32, row: Row, setup: Path) -> Proof:
        return prover.prove(keys, model_id, row, setup, progress=progress)

    def verify_gas(verifier: Verifier, proof: Proof) -> int | None:
        try:
            return measure_verify_gas(verifier, proof, progress)
        except ToolMissing:
            return None  # a bundle can be built without a chain; the manifest says that the gas is unknown

    return circuit_build.build(order, Bench(prove_row, verify_gas), progress)


def show_model(directory: Path) -> Bundle:
    """Open a bundle and check every byte of it."""
    return open_bundle(directory)


def write_readers(
    bundle: Bundle, out: Path, chosen: Iterable[Language] = Language, *, import_from: str = solidity.IMPORT_FROM
) -> dict[Language, Path]:
    """Write source code that reads the model's outputs, a file for each language; twice writes the same.

    `import_from` is where Solidity finds `contracts/src`. Raises `DiskFull`, `NotWritable`.
    """
    return languages.write(schema_of(bundle.manifest), out, chosen, import_from)


def deploy_core(
    connection: Connection, *, guardian: Address | None = None, progress: Progress = silent
) -> CoreDeployment:
    """Put the core contracts on a chain; twice does nothing. A `guardian` may stop the verifiers, one way; without one it is
    that of the book, or nobody.
    """
    return put_core(connection.wallet(), connection.deployments, guardian=guardian, progress=progress)


def deploy_model(
    bundle: Bundle,
    connection: Connection,
    *,
    uri: str = "",
    metadata: bool = False,
    carry: bool = False,
    progress: Progress = silent,
) -> ModelDeployment:
    """Deploy a model's verifier, register it, bind it; with `metadata` say on the chain how to read it. Twice does nothing.

    The artifact of a shared verifier is stored on the chain, unless the proofs are to `carry` it.
    """
    wallet, folder = connection.wallet(), connection.deployments
    return put_model(bundle, wallet, folder, uri=uri, metadata=metadata, carry=carry, progress=progress)


def verify_deployment(connection: Connection, progress: Progress = silent) -> Verification:
    """Compare every contract and model of the book with the chain and with its source; see `Verification.require`."""
    return compare(connection.rpc, connection.deployments, connection.book(), progress)


def sources(connection: Connection, progress: Progress = silent) -> tuple[SourceBundle, ...]:
    """What explorers need to verify each contract of the book; every source is proven by its address first."""
    return bundle_sources(connection.deployments, connection.book(), progress)


def publish_sources(
    connection: Connection,
    to: str,
    *,
    url: str | None = None,
    patience: Patience | None = None,
    progress: Progress = silent,
) -> Publication:
    """Hand every source to `sourcify` or `etherscan` and wait for the verdicts; twice does nothing."""
    explorer = open_explorer(to, url)
    published, refused = [], []
    for bundle in sources(connection, progress):
        try:
            published.append(publish(bundle, explorer, patience, progress))
        except ExplorerRefused as error:
            refused.append(error)
    return Publication(tuple(published), tuple(refused))


def read_input(bundle: Bundle, path: Path) -> tuple[Row, ...]:
    """The rows of a file, checked against a bundle's inputs and calibrated ranges."""
    tensors = bundle.manifest.circuit.row.inputs
    rows = read_rows(path, [tensor.spec for tensor in tensors])
    for row in rows:
        check_range(row, tensors)
    return rows


def prove(bundle: Bundle, row: Row, *, timeout: float = DEFAULT_TIMEOUT_SECONDS, progress: Progress = silent) -> Proof:
    """Prove one row and check the proof here. `timeout` is in seconds. A bundle over many rows takes a whole `stack` of them."""
    check_range(row, bundle.manifest.circuit.inputs)
    setup = srs.for_proving(bundle.manifest, progress)
    return prover.prove(bundle.keys, bundle.model_id, row, setup, timeout=timeout, progress=progress)


def outputs_of(bundle: Bundle, proof: Proof) -> tuple[tuple[float, ...], ...]:
    """The numbers that a proof's output instances stand for."""
    circuit = bundle.manifest.circuit
    return decode(proof.words[circuit.input_instances :], circuit.outputs)


def submit(
    bundle: Bundle,
    proof: Proof,
    connection: Connection,
    *,
    confirmations: int = 1,
    check: bool = True,
    progress: Progress = silent,
) -> Submission:
    """Record a proof in the ledger, or find the record. `check=False` is for a proof that this process just checked."""
    said = statement_of(bundle, proof, connection.core())
    if check:
        prover.check(bundle.keys, proof, srs.for_proving(bundle.manifest, progress), progress=progress)
    return _record(bundle, said, connection, confirmations, progress)


def infer(
    bundle: Bundle,
    row: Row,
    connection: Connection,
    *,
    confirmations: int = 1,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    progress: Progress = silent,
) -> Inference:
    """Prove one row, submit it, and wait for `confirmations` blocks."""
    started = time.monotonic()
    proof = prove(bundle, row, timeout=timeout, progress=progress)
    proved = time.monotonic()
    submission = submit(bundle, proof, connection, confirmations=confirmations, check=False, progress=progress)
    return Inference(
        inference_id=submission.key,
        model_id=bundle.model_id,
        tx_hash=submission.tx_hash,
        block_number=submission.block_number,
        gas_used=submission.gas_used,
        outputs=outputs_of(bundle, proof),
        grade=_grade(bundle, connection.core()),
        seconds={"prove": proved - started, "prove_alone": proof.seconds, "submit": time.monotonic() - proved},
        is_new=submission.is_new,
    )


def infer_batch(
    bundle: Bundle,
    rows: Sequence[Row],
    connection: Connection,
    *,
    each: bool = False,
    confirmations: int = 1,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    progress: Progress = silent,
) -> BatchInference:
    """Prove up to a batch of rows at once and record their root; `each` row gets a record of its own as well.

    What the rows lack of a whole batch are copies of the last one. Raises ValueError for more rows than the circuit has.
    """
    size = bundle.manifest.circuit.rows
    if not 1 <= len(rows) <= size:
        raise ValueError(f"{len(rows)} rows for a circuit over {size}")
    started = time.monotonic()
    proof = prove(bundle, stack(in_batches(rows, size)[0]), timeout=timeout, progress=progress)
    proved = time.monotonic()
    core, circuit = connection.core(), bundle.manifest.circuit
    said = relay.batch_statement(proof.followed_by(carried(bundle, core)), circuit, core)
    done = _record(bundle, said, connection, confirmations, progress)
    batch = said.batch
    told = []
    for row in batch.rows[: len(rows)]:
        own = None
        if each:
            own = _record(bundle, RowStatement(batch, row), connection, confirmations, progress).tx_hash
        outputs = decode(unpacked(to_bytes(row.output)), circuit.row.outputs)
        told.append(RowInference(row.inference_id, outputs, row.path, own))
    return BatchInference(
        root=batch.root,
        model_id=bundle.model_id,
        tx_hash=done.tx_hash,
        block_number=done.block_number,
        gas_used=done.gas_used,
        rows=tuple(told),
        padding=size - len(rows),
        grade=_grade(bundle, core),
        seconds={"prove": proved - started, "prove_alone": proof.seconds, "submit": time.monotonic() - proved},
        is_new=done.is_new,
    )


def open_input(bundle: Bundle, row: Row, connection: Connection, *, progress: Progress = silent) -> Opening:
    """Show a hidden input: whether the ledger holds a record of it, checked by a contract. Raises `InputNotHashed`."""
    circuit, core = bundle.manifest.circuit, connection.core()
    if circuit.input_visibility is not Visibility.HASHED:
        raise InputNotHashed(model_id=bundle.model_id, visibility=circuit.input_visibility.label)
    check_range(row, circuit.inputs)
    inputs, outputs = prover.run_circuit(bundle.keys, row, progress=progress)
    hashes = input_hashes(inputs, circuit.inputs)
    commitment = input_commitment(domain(core.rpc.chain_id, core.ledger.address), hashes)
    recorded_as = inference_id(bundle.model_id, commitment, packed(outputs))
    number, words = int(bundle.model_id, 16), circuit_words(circuit)
    progress("asking the contract")
    arguments = (core.ledger.address, number, words, inputs, packed(outputs), int(Grade.CLAIMED))
    (is_recorded,) = core.opening.read("isVerified", *arguments)
    call = {"to": core.opening.address, "data": hex_bytes(core.opening.abi.call("isVerified", *arguments))}
    return Opening(
        inference_id=recorded_as,
        input_hashes=tuple(map(hex32, hashes)),
        words=tuple(map(hex32, inputs)),
        outputs=decode(outputs, circuit.outputs),
        grade=_grade_of_record(core, recorded_as) if is_recorded else None,
        gas=core.rpc.estimate_gas(call, label="isVerified", abis=core_abis()),
    )


def ask(
    bundle: Bundle, row: Row, connection: Connection, offer: Offer, *, progress: Progress = silent
) -> tuple[Hex32, Receipt]:
    """Ask at the desk for the inference of one row, and pay for it. Each call is a request of its own.

    Raises members of `InputError`, `ChainError`, `AccountError`.
    """
    core = connection.core()
    commitment = commit(bundle, row, domain(core.rpc.chain_id, core.ledger.address), progress=progress)
    specs = [tensor.spec for tensor in bundle.manifest.circuit.row.inputs]
    progress("asking at the desk")
    return desk.ask(connection.wallet(), core.desk, bundle.model_id, commitment, row_json(row, specs), offer)


def chain_time(connection: Connection) -> int:
    """Of the newest block, in seconds since 1970: what a contract takes for now, or a little before."""
    block = connection.rpc.block()
    return 0 if block is None else block.timestamp


def paid_request(connection: Connection, request_id: Hex32) -> PaidRequest:
    """A request as the desk keeps it. Raises `RequestUnknown`, members of `ChainError`."""
    found = desk.request_of(connection.core().desk, request_id)
    if found is None:
        raise RequestUnknown(request_id=request_id)
    return found


def refund(connection: Connection, request_id: Hex32) -> Receipt:
    """Have the fee of a request sent back that nobody fulfilled in time. Anybody may. Raises members of `ChainError`."""
    paid_request(connection, request_id)
    return desk.refund(connection.wallet(), connection.core().desk, request_id)


def results(connection: Connection, chosen: Filter | None = None) -> tuple[VerifiedInference, ...]:
    """Verified inferences read back from the chain, oldest first."""
    return read_results(connection.core(), chosen or Filter(), span=connection.preset.log_range)


def find_model(connection: Connection, text: str) -> Hex32:
    """The id of a model by id, start of an id, or name in the book. Raises `NotDeployed`."""
    entry = connection.book().find_model(text)
    if entry is not None:
        return entry.model_id
    try:
        return parse_hex32(text)
    except ValueError:
        command = "proofbridge deploy model DIR"
        raise NotDeployed(thing=f"a model {text!r}", chain_id=connection.rpc.chain_id, command=command) from None


def fire_tampered(bundle: Bundle, proof: Proof, connection: Connection) -> Sequence[Attempt]:
    """Mutate a proof and its statement in every way the kit knows; the contracts must refuse each."""
    core = connection.core()
    return tamper(proof.followed_by(carried(bundle, core)), bundle.manifest.circuit, core)


def replay_result(bundle: Bundle, row: Row, record: VerifiedInference) -> Replay:
    """onnxruntime's answer beside the chain's."""
    return replay(bundle, row, record)


def statement_of(bundle: Bundle, proof: Proof, core: CoreContracts) -> Statement | BatchStatement:
    """What a proof says on a chain, of one row or of a batch. Raises `ProofOfAnotherModel`, `ProofInvalid`."""
    if proof.model_id != bundle.model_id:
        raise ProofOfAnotherModel(expected=bundle.model_id, got=proof.model_id)
    circuit = bundle.manifest.circuit
    say = relay.statement if circuit.rows == 1 else relay.batch_statement
    try:
        return say(proof.followed_by(carried(bundle, core)), circuit, core)
    except ValueError as error:
        raise ProofInvalid(model_id=bundle.model_id, reason=str(error)) from None


def _record(
    bundle: Bundle, said: Recordable, connection: Connection, confirmations: int, progress: Progress
) -> Submission:
    """Hand it to the ledger of a chain on which the model is bound. Raises `NotDeployed`."""
    core = connection.core()
    if bound_verifier(adapter_of(bundle, core), bundle.model_id) is None:
        raise NotDeployed(
            thing=f"model {bundle.model_id}",
            chain_id=connection.rpc.chain_id,
            command=f"proofbridge deploy model {bundle.path}",
        )
    return relay.submit(said, connection.wallet(), core, confirmations=confirmations, progress=progress)


def _grade(bundle: Bundle, core: CoreContracts) -> Grade:
    """What records of a model are given."""
    return Grade(core.ledger.read("gradeOf", int(bundle.model_id, 16))[0])


def _grade_of_record(core: CoreContracts, key: Hex32) -> Grade:
    ((_, _, _, grade),) = core.ledger.read("recordOf", to_bytes(key))
    return Grade(grade)
