"""proofbridge prove, submit, infer, results: from an input row to a record, and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bridge import verbs
from bridge.cli import options
from bridge.cli.screen import Screen, numbers, short
from bridge.core.bundle import Bundle
from bridge.core.inference import VerifiedInference
from bridge.core.proof import read_proof
from bridge.core.rows import Row
from bridge.core.storage import write_atomic
from bridge.engine.child import DEFAULT_TIMEOUT_SECONDS
from bridge.errors import OptionInvalid
from bridge.query.results import Filter
from bridge.relay.submit import Submission
from bridge.verbs import BatchInference, Inference


def prove(
    directory: options.BundleDir,
    input: options.InputFile,
    out: Annotated[Path, typer.Option("--out", help="Where the proof goes.")] = Path("proof.json"),
    row: options.RowNumber = None,
    timeout: options.Timeout = DEFAULT_TIMEOUT_SECONDS,
    as_json: options.Json = False,
) -> None:
    """Prove one row and check the proof locally. Example: proofbridge prove bundles/digits-… --input row.json."""
    screen = Screen(as_json=as_json)
    bundle = verbs.show_model(directory)
    chosen = _rows(bundle, input, row or 1)[0]
    with screen.working() as progress:
        proof = verbs.prove(bundle, chosen, timeout=timeout, progress=progress)
    write_atomic(out, proof.to_json())
    outputs = verbs.outputs_of(bundle, proof)
    if as_json:
        screen.document(
            {
                "proof": out,
                "model_id": proof.model_id,
                "outputs": outputs,
                "instances": proof.instances,
                "prove_seconds": proof.seconds,
                "peak_memory_bytes": proof.peak_memory_bytes,
            }
        )
        return
    screen.facts(
        f"Proved and checked in {proof.seconds:.2f} s",
        {"model id": proof.model_id, "output": numbers(outputs), "proof": out},
    )


@options.pays_on_chain
def submit(
    directory: options.BundleDir,
    target: options.Target,
    proof_file: Annotated[Path, typer.Argument(metavar="PROOF.json", help="What `prove` wrote.")],
    confirmations: options.Confirmations = 1,
    as_json: options.Json = False,
) -> None:
    """Record a proof on a chain; again finds the record. Example: proofbridge submit bundles/digits-… proof.json."""
    screen = Screen(as_json=as_json)
    bundle = verbs.show_model(directory)
    proof = read_proof(proof_file)
    connection = target()
    with screen.working() as progress:
        done = verbs.submit(bundle, proof, connection, confirmations=confirmations, progress=progress)
    if as_json:
        document = {_key_name(bundle): done.key, **_submission(done), "model_id": bundle.model_id}
        screen.document({**document, "outputs": verbs.outputs_of(bundle, proof)})
        return
    screen.facts(
        "Recorded" if done.is_new else "It was recorded before; nothing was sent",
        {
            _key_name(bundle).replace("_", " "): done.key,
            "transaction": done.tx_hash,
            "block": done.block_number,
            "gas": f"{done.gas_used:,}",
        },
    )


@options.pays_on_chain
def infer(
    directory: options.BundleDir,
    target: options.Target,
    input: options.InputFile,
    row: options.RowNumber = None,
    each: Annotated[bool, typer.Option("--each", help="Of a batch: give each row a record of its own, too.")] = False,
    timeout: options.Timeout = DEFAULT_TIMEOUT_SECONDS,
    confirmations: options.Confirmations = 1,
    as_json: options.Json = False,
) -> None:
    """Prove every row of a file, submit, and wait. Example: proofbridge infer bundles/digits-… --input rows.csv."""
    screen = Screen(as_json=as_json)
    bundle = verbs.show_model(directory)
    chosen = _rows(bundle, input, row)
    connection = target()
    if bundle.manifest.circuit.rows > 1:
        with screen.working() as progress:
            batches = [
                verbs.infer_batch(
                    bundle,
                    chosen[at : at + bundle.manifest.circuit.rows],
                    connection,
                    each=each,
                    confirmations=confirmations,
                    timeout=timeout,
                    progress=progress,
                )
                for at in range(0, len(chosen), bundle.manifest.circuit.rows)
            ]
        _show_batches(screen, bundle, batches)
        return
    with screen.working() as progress:
        done = [
            verbs.infer(bundle, item, connection, confirmations=confirmations, timeout=timeout, progress=progress)
            for item in chosen
        ]
    if as_json:
        screen.document(done[0] if len(done) == 1 else {"inferences": done})
        return
    columns = {
        "inference id": "left",
        "output": "left",
        "prove s": "right",
        "gas": "right",
        "grade": "left",
        "block": "right",
    }
    screen.table(
        f"{bundle.manifest.name} on {connection.preset.title}", columns, [_inference_row(item) for item in done]
    )


@options.reads_chain
def open_input(
    directory: options.BundleDir,
    target: options.Target,
    input: options.InputFile,
    row: options.RowNumber = None,
    as_json: options.Json = False,
) -> None:
    """Show a hidden input to a contract. Example: proofbridge open bundles/score-… --input row.json."""
    screen = Screen(as_json=as_json)
    bundle = verbs.show_model(directory)
    chosen = _rows(bundle, input, row or 1)[0]
    connection = target()
    with screen.working() as progress:
        opened = verbs.open_input(bundle, chosen, connection, progress=progress)
    if as_json:
        screen.document(opened)
        return
    screen.facts(
        "The ledger holds this input" if opened.grade is not None else "The ledger holds no record of this input",
        {
            "inference id": opened.inference_id,
            "grade": "none" if opened.grade is None else opened.grade.label,
            "output": numbers(opened.outputs),
            "hash": ", ".join(opened.input_hashes),
            "gas to check": f"{opened.gas:,}",
        },
    )


@options.reads_chain
def results(
    target: options.Target,
    model: Annotated[str | None, typer.Argument(help="A model's id, the start of it, or its name.")] = None,
    min_grade: Annotated[str, typer.Option("--min-grade", help="Claimed, Signed, Attested or Proven.")] = "Claimed",
    finality: Annotated[str, typer.Option("--finality", help="At least mined, safe or final.")] = "mined",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the newest so many.")] = None,
    as_json: options.Json = False,
) -> None:
    """Verified results, read back from the chain. Example: proofbridge results digits --min-grade Proven --json."""
    screen = Screen(as_json=as_json)
    chosen_grade, chosen_finality = options.grade(min_grade), options.finality(finality)
    connection = target()
    model_id = verbs.find_model(connection, model) if model is not None else None
    found = verbs.results(connection, Filter(model_id, chosen_grade, chosen_finality, limit))
    if as_json:
        screen.document(found)
        return
    names = {entry.model_id: entry.name for entry in connection.book().models.values()}
    columns = {
        "model": "left",
        "inference id": "left",
        "output": "left",
        "grade": "left",
        "finality": "left",
        "block": "right",
        "time (UTC)": "left",
    }
    rows = [_result_row(record, names.get(record.model_id, short(record.model_id))) for record in found]
    screen.table(f"{len(found)} verified results on {connection.preset.title}", columns, rows)


def _rows(bundle: Bundle, path: Path, number: int | None) -> tuple[Row, ...]:
    rows = verbs.read_input(bundle, path)
    if number is None:
        return rows
    if number > len(rows):
        raise OptionInvalid(option="--row", got=str(number), expected=f"1 to {len(rows)}, the rows of {path}")
    return (rows[number - 1],)


def _submission(done: Submission) -> dict[str, object]:
    return {
        "tx_hash": done.tx_hash,
        "block_number": done.block_number,
        "gas_used": done.gas_used,
        "is_new": done.is_new,
    }


def _key_name(bundle: Bundle) -> str:
    return "inference_id" if bundle.manifest.circuit.rows == 1 else "root"


def _show_batches(screen: Screen, bundle: Bundle, batches: Sequence[BatchInference]) -> None:
    if screen.as_json:
        screen.document(batches[0] if len(batches) == 1 else {"batches": batches})
        return
    columns = {"root": "left", "row": "right", "inference id": "left", "output": "left", "gas": "right"}
    lines = [
        [short(batch.root), str(number), short(row.inference_id), numbers(row.outputs), f"{share:,}"]
        for batch in batches
        for share in [batch.gas_used // len(batch.rows)]
        for number, row in enumerate(batch.rows, start=1)
    ]
    screen.table(f"{bundle.manifest.name}, {bundle.manifest.circuit.rows} rows to a proof", columns, lines)
    padding = sum(batch.padding for batch in batches)
    if padding:
        screen.text(f"The last batch is filled with {padding} copies of its last row.")


def _inference_row(item: Inference) -> list[str]:
    return [
        item.inference_id,
        numbers(item.outputs),
        f"{item.seconds['prove']:.2f}",
        f"{item.gas_used:,}",
        item.grade.label,
        str(item.block_number),
    ]


def _result_row(record: VerifiedInference, name: str) -> list[str]:
    when = dt.datetime.fromtimestamp(record.block_time, dt.UTC)
    return [
        name,
        short(record.inference_id),
        numbers(record.outputs),
        record.grade.label,
        record.finality.label,
        str(record.block_number),
        f"{when:%Y-%m-%d %H:%M:%S}",
    ]
