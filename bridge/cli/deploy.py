"""proofbridge deploy: contracts and models onto a chain."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge import verbs
from bridge.cli import options
from bridge.cli.screen import Screen, jsonable
from bridge.core.word import Address, parse_address
from bridge.deploy.core import NOBODY
from bridge.errors import OptionInvalid

app = typer.Typer(help="Put contracts and models on a chain; twice does nothing.", no_args_is_help=True)


@app.command("core", epilog="Example: proofbridge deploy core --chain sepolia --account alice")
@options.pays_on_chain
def core(
    target: options.Target,
    guardian: Annotated[
        str | None,
        typer.Option("--guardian", help="An account that may stop the verifiers, one way; nobody if not given."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Deploy registry, verifiers, ledger and index: without a guardian at the same addresses on every chain, for everyone."""
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
    as_json: options.Json = False,
) -> None:
    """Deploy a model's verifier, register its commitment, and bind the two."""
    screen = Screen(as_json=as_json)
    bundle = verbs.show_model(directory)
    connection = target()
    with screen.working() as progress:
        done = verbs.deploy_model(bundle, connection, uri=uri, progress=progress)
    if as_json:
        screen.document(
            {
                "model_id": done.entry.model_id,
                "chain_id": connection.rpc.chain_id,
                "verifier": done.entry.verifier,
                "is_new": done.is_new,
                "gas_used": done.gas_used,
            }
        )
        return
    screen.facts(
        f"{done.entry.name} on {connection.preset.title}",
        {"model id": done.entry.model_id, "verifier": done.entry.verifier.address, "gas": f"{done.gas_used:,}"},
    )
    if not done.is_new:
        screen.text("It was deployed before; nothing was sent.")


def _account(text: str | None) -> Address:
    try:
        return NOBODY if text is None else parse_address(text)
    except ValueError:
        raise OptionInvalid(option="--guardian", got=text or "", expected="an account (0x and 40 hex digits)") from None
