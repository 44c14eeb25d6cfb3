"""proofbridge model: build a bundle, show one."""

from __future__ import annotations

import re
from math import floor
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge import verbs
from bridge.chain.preset import limits_of
from bridge.circuit.fidelity import CALIBRATION, HELD_OUT
from bridge.circuit.order import DEFAULT_MAX_LOGROWS, Code, Order
from bridge.circuit.settings import MARGIN, Objective
from bridge.cli import amount, options, tuning
from bridge.cli.screen import Screen
from bridge.codegen.languages import Language
from bridge.codegen.solidity import IMPORT_FROM
from bridge.core.bundle import Bundle
from bridge.core.circuit import Visibility
from bridge.core.manifest import Fidelity, Manifest
from bridge.errors import OptionInvalid
from bridge.solidity.evm import UNIVERSAL
from bridge.solidity.limits import ETHEREUM

_IMPORT = re.compile(r"[A-Za-z0-9@._/-]*/")
"""It becomes part of a source file."""

app = typer.Typer(help="Build provable models and look at them.", no_args_is_help=True)


@app.command("build", epilog="Example: proofbridge model build model.onnx --sample rows.json --out bundles")
def build(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="The model.")],
    sample: Annotated[Path, typer.Option("--sample", help="Rows that set the ranges: .json, .npz, .npy or .csv.")],
    out: Annotated[Path, typer.Option("--out", help="The folder that receives the bundle directory.")] = Path(
        "bundles"
    ),
    name: Annotated[str | None, typer.Option("--name", help="What to call it; else the file's name.")] = None,
    objective: options.ObjectiveChoice = Objective.BALANCED,
    margin: options.Margin = MARGIN,
    max_error: Annotated[
        float | None, typer.Option("--max-error", min=0, help="Largest absolute error against onnxruntime.")
    ] = None,
    max_gas: Annotated[int | None, typer.Option("--max-gas", min=1, help="Gas that a verification may take.")] = None,
    max_prove_seconds: Annotated[
        float | None, typer.Option("--max-prove-seconds", min=0, help="Seconds that a proof may take here.")
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(
            "--held-out",
            help="Rows to measure the finished circuit on; else every fifth sample row, of ten or more, is kept for that.",
        ),
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option("--max-memory", help="Memory that the prover may take: 2G, 500M. [default: the machine's]"),
    ] = None,
    max_bytecode: Annotated[
        int | None, typer.Option("--max-bytecode", min=1, help="Bytes of code that the verifier may have.")
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, max=4096, help="Rows that one proof covers.")] = 1,
    input_visibility: Annotated[
        str, typer.Option("--input-visibility", help="public, hashed or private.")
    ] = Visibility.PUBLIC.label,
    verifier: Annotated[
        Code, typer.Option("--verifier", help="Code of the model's own, or shared; auto shares where no own code fits.")
    ] = Code.AUTO,
    chain: Annotated[
        str | None,
        typer.Option("--chain", help="A preset whose limits the verifier has to fit. [default: Ethereum's limits]"),
    ] = None,
    max_logrows: Annotated[
        int, typer.Option("--max-logrows", min=1, max=26, help="Largest circuit allowed, as a power of two of rows.")
    ] = DEFAULT_MAX_LOGROWS,
    evm_version: Annotated[
        str, typer.Option("--evm-version", help="EVM version the verifier is compiled for; part of its identity.")
    ] = UNIVERSAL,
    srs: Annotated[Path | None, typer.Option("--srs", help="A trusted setup file to use.")] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw what was tried, gas against proving time: .svg, .png or .pdf.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Turn an ONNX model and a sample into a bundle: circuit, keys, Solidity verifier, measurements."""
    screen = Screen(as_json=as_json)
    order = Order(
        model=model,
        sample=sample,
        out=out,
        name=name,
        objective=objective,
        margin=margin,
        max_error=max_error,
        max_gas=max_gas,
        max_prove_seconds=max_prove_seconds,
        max_memory=None if max_memory is None else amount.size("--max-memory", max_memory),
        max_bytecode=max_bytecode,
        visibility=_visibility(input_visibility),
        verifier=verifier,
        limits=ETHEREUM if chain is None else limits_of(chain),
        evm=evm_version,
        max_logrows=max_logrows,
        srs=srs,
        batch=batch,
        held_out=held_out,
    )
    with screen.working() as progress:
        built = verbs.build_model(order, progress)
    if plot is not None and built.tuned is not None:
        tuning.plot(plot, built.tuned)
    if as_json:
        screen.document({**summary(built.bundle), "is_new": built.is_new, "tuning": tuning.document(built.tuned)})
        return
    if built.tuned is not None:
        tuning.table(screen, built.tuned)
    _print(screen, built.bundle)
    if plot is not None and built.tuned is None:
        screen.text(
            f"{plot} was not drawn: an earlier build was taken and nothing was tried (see: proofbridge cache --help)."
        )
    if not built.is_new:
        screen.text("It had been built before; nothing was changed, and its errors are those that were measured then.")
    if built.bundle.manifest.setup.kind == "development":
        screen.text(
            "[yellow]Its trusted setup was made on this machine: whoever made it can forge proofs. "
            "It can be deployed to a local chain only (see: proofbridge srs --help).[/yellow]"
        )


@app.command("show", epilog="Example: proofbridge model show bundles/digits-1a2b3c4d5e6f")
def show(directory: options.BundleDir, as_json: options.Json = False) -> None:
    """Check every byte of a bundle and say what it is."""
    screen = Screen(as_json=as_json)
    bundle = verbs.show_model(directory)
    if as_json:
        screen.document({**summary(bundle), "circuit": bundle.manifest.circuit, "versions": bundle.manifest.versions})
        return
    _print(screen, bundle)


@app.command("codegen", epilog="Example: proofbridge model codegen bundles/digits-1a2b3c4d5e6f --out src/generated")
def codegen(
    directory: options.BundleDir,
    out: Annotated[Path, typer.Option("--out", help="The folder that receives the files.")],
    language: Annotated[
        list[Language] | None, typer.Option("--language", help="Only these; may be given again. [default: all]")
    ] = None,
    import_from: Annotated[
        str,
        typer.Option(
            "--import-from", help="Where Solidity finds proofbridge's contracts: a path, or a remapping's name."
        ),
    ] = IMPORT_FROM,
    as_json: options.Json = False,
) -> None:
    """Write typed readers of a model's outputs: a Solidity library, a Python and a TypeScript module."""
    screen = Screen(as_json=as_json)
    if not _IMPORT.fullmatch(import_from):
        raise OptionInvalid(
            option="--import-from", got=import_from, expected="a path or a remapping that ends with a slash"
        )
    bundle = verbs.show_model(directory)
    written = verbs.write_readers(bundle, out, language or Language, import_from=import_from)
    if as_json:
        files = {chosen.value: path for chosen, path in written.items()}
        screen.document({"model_id": bundle.model_id, "name": bundle.manifest.name, "files": files})
        return
    screen.facts(f"Readers of {bundle.manifest.name}", {chosen.value: str(path) for chosen, path in written.items()})


def summary(bundle: Bundle) -> dict[str, Any]:
    """The flat facts of a bundle, with the names that programs rely on."""
    manifest = bundle.manifest
    return {
        "model_id": manifest.model_id,
        "name": manifest.name,
        "onnx_sha256": manifest.commitment.model_hash.removeprefix("0x"),
        "logrows": manifest.settings.logrows,
        "rows": manifest.settings.rows_used,
        "batch": manifest.circuit.rows,
        "settings": manifest.settings,
        "proof_bytes": manifest.measurements.proof_bytes,
        "prove_seconds": manifest.measurements.prove_seconds,
        "peak_memory_bytes": manifest.measurements.peak_memory_bytes,
        "verifier": (Code.SHARED if bundle.is_shared else Code.OWN).value,
        "verifier_runtime_bytes": manifest.measurements.verifier_runtime_bytes,
        "verify_gas": manifest.measurements.verify_gas,
        "max_abs_error": manifest.fidelity.max_abs_error,
        "mean_abs_error": manifest.fidelity.mean_abs_error,
        "fidelity": {
            CALIBRATION: _figures(manifest.fidelity),
            "held_out": None if manifest.held_out is None else _figures(manifest.held_out),
        },
        "srs": manifest.setup,
        "manifest_sha256": bundle.manifest_sha256,
        "bundle": bundle.path,
    }


def _figures(fidelity: Fidelity) -> dict[str, Any]:
    return {
        "reference": fidelity.reference,
        "rows": fidelity.rows,
        "refused": fidelity.refused,
        "max_abs_error": fidelity.max_abs_error,
        "mean_abs_error": fidelity.mean_abs_error,
        "largest_output": fidelity.largest_output,
        "outputs": fidelity.outputs,
    }


def _print(screen: Screen, bundle: Bundle) -> None:
    manifest, measured = bundle.manifest, bundle.manifest.measurements
    gas = "not measured (no Anvil)" if measured.verify_gas is None else f"{measured.verify_gas:,}"
    code = f"{measured.verifier_runtime_bytes:,} bytes, EVM {manifest.versions.evm}"
    if bundle.is_shared:
        code += f"; shared, with an artifact of {len(bundle.vka):,} bytes, which that gas carries"
    screen.facts(
        f"{manifest.name}",
        {
            "model id": manifest.model_id,
            "onnx sha256": manifest.commitment.model_hash.removeprefix("0x"),
            "inputs": ", ".join(f"{item.name} {list(item.shape)}" for item in manifest.circuit.inputs),
            "outputs": ", ".join(f"{item.name} {list(item.shape)}" for item in manifest.circuit.outputs),
            "circuit": f"2^{manifest.settings.logrows} rows; {manifest.settings.label}",
            "error": (
                f"{_errors(manifest.fidelity, CALIBRATION)} against {manifest.fidelity.reference} "
                f"(largest output {manifest.fidelity.largest_output:.4g})"
            ),
            "held-out error": "not measured" if manifest.held_out is None else _errors(manifest.held_out, HELD_OUT),
            "proving": f"{measured.prove_seconds:.2f} s, {measured.peak_memory_bytes / 2**20:.0f} MiB here",
            "proof": f"{measured.proof_bytes:,} bytes",
            "verification gas": gas,
            "verifier code": code,
            "trusted setup": f"{manifest.setup.name} ({manifest.setup.kind}), 2^{manifest.setup.logrows}",
            "manifest sha256": bundle.manifest_sha256,
            "bundle": bundle.path,
        },
    )
    _print_outputs(screen, manifest)


def _errors(fidelity: Fidelity, which: str) -> str:
    refused = f"; {fidelity.refused} more refused" if fidelity.refused else ""
    errors = f"max {fidelity.max_abs_error:.3g}, mean {fidelity.mean_abs_error:.3g}"
    return f"{errors} over {fidelity.rows} {which} rows{refused}"


def _print_outputs(screen: Screen, manifest: Manifest) -> None:
    """A table where the one line does not say it all: of several outputs, and of outputs with labels."""
    sets = [(CALIBRATION, manifest.fidelity)]
    sets += [(HELD_OUT, manifest.held_out)] if manifest.held_out is not None else []
    rows = [
        [
            output.name,
            which,
            f"{output.max_abs_error:.3g}",
            f"{output.mean_abs_error:.3g}",
            f"{output.p99_abs_error:.3g}",
            f"{output.largest_output:.4g}",
            # Cut off and not rounded: 100 % are all of them.
            "" if output.equal_labels is None else f"{floor(10_000 * output.equal_labels) / 100:g} %",
        ]
        for which, fidelity in sets
        for output in fidelity.outputs
    ]
    if len(manifest.fidelity.outputs) == 1 and not any(row[-1] for row in rows):
        return
    columns = {"output": "left", "rows": "left"}
    columns |= dict.fromkeys(("max error", "mean", "99 of 100", "largest output", "equal labels"), "right")
    screen.table("Circuit against float model", columns, rows)


def _visibility(text: str) -> Visibility:
    try:
        return Visibility[text.upper()]
    except KeyError:
        raise OptionInvalid(option="--input-visibility", got=text, expected="public, hashed or private") from None
