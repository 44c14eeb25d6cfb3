"""proofbridge deploy: contracts and models onto a chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from bridge import verbs
from bridge.cli import options
from bridge.cli.screen import Screen, jsonable, short
from bridge.core.word import Address, parse_address
from bridge.deploy.artifact import Storing
from bridge.deploy.explorer import KEY_VARIABLE, Patience
from bridge.deploy.source import write_bundle
from bridge.deploy.verify import Check
from bridge.errors import OptionInvalid

app = typer.Typer(help="Put contracts and models on a chain; twice does nothing.", no_args_is_help=True)


@app.command("core", epilog="Example: proofbridge deploy core --chain sepolia --account alice")
@options.pays_on_chain
def core(
    target: options.Target,
    guardian: Annotated[
        str | None,
        typer.Option(
            "--guardian", help="An account that may stop the verifiers, one way (else that of the book, or nobody)."
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Deploy registry, verifiers, ledger, index and desk: without a guardian at the same addresses on every chain, for everyone."""
    screen = Screen(as_json=as_json)
    connection = target()
    with screen.working() as progress:
        done = verbs.deploy_core(connection, guardian=_account(guardian), progress=progress)
    if as_json:
        contracts = {name: {**jsonable(item), "is_new": name in done.new} for name, item in done.book.contracts.items()}
        screen.document({"chain_id": done.book.chain_id, "contracts": contracts, "gas_used": done.gas_used})
        return
    rows = [
        [name, item.address, "deployed" if name in done.new else "was there", str(item.block_number)]
        for name, item in done.book.contracts.items()
    ]
    columns = {"contract": "left", "address": "left", "": "left", "block": "right"}
    screen.table(f"Core contracts on {connection.preset.title}", columns, rows)
    screen.text(f"{done.gas_used:,} gas" if done.new else "Everything was deployed before; nothing was sent.")


@app.command("model", epilog="Example: proofbridge deploy model bundles/digits-1a2b3c4d5e6f --chain anvil")
@options.pays_on_chain
def model(
    directory: options.BundleDir,
    target: options.Target,
    uri: Annotated[str, typer.Option("--uri", help="Where people can read about the model (IPFS, HTTPS).")] = "",
    metadata: Annotated[
        bool, typer.Option("--metadata", help="Also deploy its ERC-8084 metadata for explorers.")
    ] = False,
    carry: Annotated[
        bool,
        typer.Option("--carry", help="Leave the artifact of a shared verifier to the proofs, and off the chain."),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Deploy a model's verifier, register its commitment, and bind the two."""
    screen = Screen(as_json=as_json)
    bundle = verbs.show_model(directory)
    connection = target()
    with screen.working() as progress:
        done = verbs.deploy_model(bundle, connection, uri=uri, metadata=metadata, carry=carry, progress=progress)
    if as_json:
        screen.document(
            {
                "model_id": done.entry.model_id,
                "chain_id": connection.rpc.chain_id,
                "verifier": done.entry.verifier,
                "metadata": done.entry.metadata,
                "artifact": _artifact(done.artifact),
                "is_new": done.is_new,
                "gas_used": done.gas_used,
            }
        )
        return
    screen.facts(
        f"{done.entry.name} on {connection.preset.title}",
        {"model id": done.entry.model_id, "verifier": done.entry.verifier.address, "gas": f"{done.gas_used:,}"},
    )
    if done.artifact is not None:
        screen.text(_storing(done.artifact))
    if not done.is_new:
        screen.text("It was deployed before; nothing was sent.")


def _artifact(storing: Storing | None) -> dict[str, Any] | None:
    return None if storing is None else {**jsonable(storing), "pays_back_with": storing.pays_back_with}


def _storing(storing: Storing) -> str:
    """Where the artifact is, and after how many verifications that has paid."""
    told = (
        f"Its verifier is shared by many models; the artifact that makes it check this one is {storing.size:,} bytes. "
    )
    if storing.address is None:
        return (
            told + "Every proof carries it. Stored as code, which anybody may do once with `deploy model` and without "
            f"--carry where a contract has the room, it would save about {storing.saving:,} gas each time."
        )
    told += (
        f"It is stored as the code of {storing.address}, so that a verification takes about {storing.saving:,} gas less"
    )
    return (
        f"{told}."
        if storing.gas is None
        else f"{told}; storing took {storing.gas:,}, paid back by {storing.pays_back_with} verifications."
    )


@app.command("verify", epilog="Example: proofbridge deploy verify --chain sepolia")
@options.reads_chain
def verify(target: options.Target, as_json: options.Json = False) -> None:
    """Compare every contract and model of the book with the chain and with its source, believing nothing in the book."""
    screen = Screen(as_json=as_json)
    connection = target()
    with screen.working() as progress:
        done = verbs.verify_deployment(connection, progress)
    if not as_json:
        columns = dict.fromkeys(("contract", "what", "expected", "got", "ok"), "left")
        screen.table(f"Deployment on {connection.preset.title}", columns, [_row(check) for check in done.checks])
    checks = [{**jsonable(check), "ok": check.ok} for check in done.checks]
    screen.verdict({"chain_id": done.chain_id, "ok": done.ok, "checks": checks}, done.difference)
    if not as_json:
        screen.text(f"All {len(done.checks)} rows agree with the book.")


@app.command("source", epilog="Example: proofbridge deploy source --chain sepolia --out sources")
@options.reads_chain
def source(
    target: options.Target,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the documents (else beside the book).")] = None,
    as_json: options.Json = False,
) -> None:
    """Write one document a contract with everything that an explorer needs to verify its source."""
    screen = Screen(as_json=as_json)
    connection = target()
    with screen.working() as progress:
        bundles = verbs.sources(connection, progress)
    folder = out or connection.deployments / f"{connection.rpc.chain_id}"
    files = {bundle.contract: write_bundle(folder, bundle) for bundle in bundles}
    if as_json:
        found = [
            {"contract": bundle.contract, "address": bundle.address, "file": files[bundle.contract]}
            for bundle in bundles
        ]
        screen.document({"chain_id": connection.rpc.chain_id, "sources": found})
        return
    screen.facts(f"Sources of {connection.preset.title}", files)


@app.command("publish", epilog="Example: proofbridge deploy publish --chain sepolia --to sourcify")
@options.reads_chain
def publish(
    target: options.Target,
    to: Annotated[
        str, typer.Option("--to", help=f"sourcify, or etherscan (its API key in the environment as {KEY_VARIABLE}).")
    ],
    url: Annotated[str | None, typer.Option("--url", help="Another server with the same API.")] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=1, max=86_400, help="Seconds for each contract.")] = 300,
    as_json: options.Json = False,
) -> None:
    """Publish the source of every contract on an explorer, and wait until it is verified; twice does nothing."""
    screen = Screen(as_json=as_json)
    connection = target()
    with screen.working() as progress:
        done = verbs.publish_sources(connection, to, url=url, patience=Patience(total=timeout), progress=progress)
    if not as_json:
        rows = [[item.contract, item.address, item.status] for item in done.published]
        rows += [[item.contract, item.address, f"refused: {item.reason}"] for item in done.refused]
        columns = dict.fromkeys(("contract", "address", ""), "left")
        screen.table(f"Sources of {connection.preset.title} on {to}", columns, rows)
    screen.verdict(
        {
            "chain_id": connection.rpc.chain_id,
            "published": done.published,
            "refused": [
                {"contract": item.contract, "address": item.address, "reason": item.reason} for item in done.refused
            ],
        },
        done.refused[0] if done.refused else None,
    )


def _row(check: Check) -> list[str | Text]:
    """Hashes and addresses in short where they agree, whole where they do not."""
    if check.expected is None:
        return [check.contract, check.what, "-", check.got, "-"]
    if check.ok:
        return [check.contract, check.what, short(check.expected), short(check.got), Text("ok", "green")]
    return [check.contract, check.what, check.expected, check.got, Text("differs", "red")]


def _account(text: str | None) -> Address | None:
    try:
        return None if text is None else parse_address(text)
    except ValueError:
        raise OptionInvalid(option="--guardian", got=text or "", expected="an account (0x and 40 hex digits)") from None
