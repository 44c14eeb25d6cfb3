"""proofbridge: the command."""

from __future__ import annotations

import os
import sys

import typer

from bridge.cli import (
    account,
    bench,
    cache,
    chain,
    demo,
    deploy,
    doctor,
    index,
    inference,
    model,
    relay,
    request,
    serve,
    setup,
)
from bridge.cli.screen import fail
from bridge.errors import BridgeError

app = typer.Typer(
    name="proofbridge",
    help="Turn an ONNX model's inference into a result that a contract verified and anyone can audit.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,
)
app.command("demo")(demo.demo)
app.command("up")(chain.up)
app.command("down")(chain.down)
app.command("doctor")(doctor.doctor)
app.add_typer(model.app, name="model")
app.add_typer(deploy.app, name="deploy")
app.command("prove")(inference.prove)
app.command("submit")(inference.submit)
app.command("infer")(inference.infer)
app.command("results")(inference.results)
app.command("open")(inference.open_input)
app.command("request")(request.request)
app.command("refund")(request.refund)
app.add_typer(relay.app, name="relay")
app.command("worker")(relay.worker)
app.command("serve")(serve.serve)
app.add_typer(serve.app, name="apikey")
app.command(
    "index",
    epilog="Example: proofbridge index --chain sepolia --other-rpc https://… --quorum 2 --database postgresql://…",
)(index.index)
app.add_typer(setup.app, name="srs")
app.add_typer(cache.app, name="cache")
app.add_typer(bench.app, name="bench")
app.add_typer(account.app, name="account")
app.command("chains")(chain.chains)


def main() -> None:
    """Run a command; a named error is one line and exit code 1."""
    try:
        app()
    except BridgeError as error:
        if os.environ.get("PROOFBRIDGE_TRACEBACK"):
            raise
        fail(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
