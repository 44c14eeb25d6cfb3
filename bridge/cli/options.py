"""Options that several commands share, with the same words everywhere."""

from __future__ import annotations

import functools
import getpass
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.circuit.settings import Objective
from bridge.connection import DEPLOYMENTS, Connection, connect
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.errors import AccountRefused, OptionInvalid

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]
Chain = Annotated[str | None, typer.Option("--chain", help="A chain preset (see: proofbridge chains).")]
RpcUrl = Annotated[
    str | None, typer.Option("--rpc", envvar="PROOFBRIDGE_RPC", show_envvar=True, help="URL of a JSON-RPC node.")
]
ChainId = Annotated[int | None, typer.Option("--chain-id", help="The chain id the node must have.")]
AccountSpec = Annotated[
    str | None,
    typer.Option(
        "--account",
        envvar="PROOFBRIDGE_ACCOUNT",
        show_envvar=True,
        help="A keystore's name, env:VARIABLE, web3signer:URL#ADDRESS, clef:URL#ADDRESS, aws-kms:KEY, gcp-kms:VERSION, or unlocked "
        "(local chains; the default there).",
    ),
]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", help="File with the keystore's password (else PROOFBRIDGE_PASSWORD).")
]
MaxFee = Annotated[float | None, typer.Option("--max-fee-gwei", min=0, help="Cap on the fee of one gas.")]
Deployments = Annotated[
    Path, typer.Option("--deployments", envvar="PROOFBRIDGE_DEPLOYMENTS", help="Folder of the deployment books.")
]
BundleDir = Annotated[Path, typer.Argument(metavar="DIR", help="A bundle, or a folder that holds one.")]
ObjectiveChoice = Annotated[Objective, typer.Option("--objective", help="What the search makes small.")]
Margin = Annotated[
    float,
    typer.Option(
        "--margin",
        min=1,
        help="How many times as far as the sample the circuit reaches at least. Rows beyond are refused.",
    ),
]
InputFile = Annotated[Path, typer.Option("--input", help="Rows: .json, .npz, .npy or .csv.")]
RowNumber = Annotated[int | None, typer.Option("--row", min=1, help="Only this row of the file (1 is the first).")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, max=604_800, help="Seconds that proving may take.")]
Confirmations = Annotated[int, typer.Option("--confirmations", min=1, help="Blocks to wait for, the first its own.")]

Target = Callable[[], Connection]
"""Opens the connection that the options describe, when the command is ready for it."""


def reads_chain(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which chain to read; it is called with `target`."""
    return _given(_reader, command)


def pays_on_chain(command: Callable[..., None]) -> Callable[..., None]:
    """The same with the options that say who pays."""
    return _given(_payer, command)


def _reader(
    chain: Chain = None, rpc: RpcUrl = None, chain_id: ChainId = None, deployments: Deployments = DEPLOYMENTS
) -> Target:
    return lambda: connect(chain, rpc=rpc, chain_id=chain_id, deployments=deployments)


def _payer(
    chain: Chain = None,
    rpc: RpcUrl = None,
    chain_id: ChainId = None,
    account: AccountSpec = None,
    password_file: PasswordFile = None,
    max_fee_gwei: MaxFee = None,
    deployments: Deployments = DEPLOYMENTS,
) -> Target:
    return lambda: connect(
        chain,
        rpc=rpc,
        chain_id=chain_id,
        account=account,
        password=password(account or "", password_file),
        max_fee_gwei=max_fee_gwei,
        deployments=deployments,
    )


def with_password(connection: Connection, file: Path | None) -> Connection:
    """The same for accounts that are opened later."""
    return replace(connection, password=password("a keystore", file))


def _given(maker: Callable[..., Target], command: Callable[..., None]) -> Callable[..., None]:
    """`command` with the parameters of `maker` in place of its `target`; typer reads them off the signature."""
    own = inspect.signature(command, eval_str=True).parameters
    shared = inspect.signature(maker, eval_str=True).parameters

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        chosen = {name: arguments.pop(name) for name in shared}
        command(target=maker(**chosen), **arguments)

    first = [item for item in own.values() if item.name not in {"target", "as_json"}]
    listed = [*first, *shared.values(), own["as_json"]]
    keyword = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in listed]
    run.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    return run


def password(name: str, file: Path | None) -> Callable[[], str]:
    """Where a password comes from: a file, PROOFBRIDGE_PASSWORD, or a prompt. Never from an argument."""

    def ask() -> str:
        if file is not None:
            try:
                return file.read_text().rstrip("\n")
            except OSError as error:
                raise AccountRefused(name=name, reason=f"cannot read {file}: {error.strerror}") from None
            except UnicodeDecodeError:
                raise AccountRefused(name=name, reason=f"the password in {file} is not UTF-8 text") from None
        from_environment = os.environ.get("PROOFBRIDGE_PASSWORD")
        if from_environment is not None:
            return from_environment
        if not sys.stdin.isatty():
            raise AccountRefused(name=name, reason="it needs a password and there is no terminal to ask at")
        return getpass.getpass(f"Password of {name}: ")

    return ask


def grade(text: str) -> Grade:
    """The value of --min-grade. Raises `OptionInvalid`."""
    try:
        return Grade.parse(text)
    except ValueError as error:
        raise OptionInvalid(option="--min-grade", got=text, expected=str(error)) from None


def finality(text: str) -> Finality:
    """The value of --finality. Raises `OptionInvalid`."""
    try:
        return Finality.parse(text)
    except ValueError as error:
        raise OptionInvalid(option="--finality", got=text, expected=str(error)) from None
