"""proofbridge request, refund: an inference asked for and paid at the desk, and the fee taken back."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from bridge import verbs
from bridge.cli import amount, options
from bridge.cli.screen import Screen
from bridge.core.request import NATIVE, Offer, PaidRequest, RequestState
from bridge.core.word import Hex32, parse_address, parse_hex32
from bridge.errors import OptionInvalid

_POLL_SECONDS = 0.5
_WEI = 10**18

RequestId = Annotated[str, typer.Argument(metavar="REQUEST", help="Its id, as `request` prints it.")]


@options.pays_on_chain
def request(
    directory: options.BundleDir,
    target: options.Target,
    input: options.InputFile,
    fee: Annotated[float, typer.Option("--fee", min=0, help="What it is worth, in ether.")],
    row: options.RowNumber = None,
    within: Annotated[str, typer.Option("--within", help="How long anybody may fulfil it: 30m, 2h, 1d.")] = "1h",
    claim_for: Annotated[str, typer.Option("--claim-for", help="How long a claim holds.")] = "10m",
    bond: Annotated[float, typer.Option("--bond", min=0, help="What a claimer deposits, in ether.")] = 0.0,
    callback: Annotated[str | None, typer.Option("--callback", help="Contract that is told of the output.")] = None,
    callback_gas: Annotated[int, typer.Option("--callback-gas", min=0, help="With how much gas.")] = 0,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for its end.")] = 0.0,
    as_json: options.Json = False,
) -> None:
    """Ask at the desk for an inference, for a fee. Example: proofbridge request bundles/digits-… --input row.json --fee 0.01."""
    screen = Screen(as_json=as_json)
    bundle = verbs.show_model(directory)
    rows = verbs.read_input(bundle, input)
    number = row or 1
    if number > len(rows):
        raise OptionInvalid(option="--row", got=str(number), expected=f"a number from 1 to {len(rows)}")
    seconds, connection = amount.seconds("--within", within), target()
    offer = Offer(
        fee=round(fee * _WEI),
        deadline=int(max(time.time(), verbs.chain_time(connection)) + seconds),
        bond=round(bond * _WEI),
        claim_seconds=int(amount.seconds("--claim-for", claim_for)),
        callback=NATIVE if callback is None else _address("--callback", callback),
        callback_gas=callback_gas,
    )
    with screen.working() as progress:
        request_id, receipt = verbs.ask(bundle, rows[number - 1], connection, offer, progress=progress)
        held = verbs.paid_request(connection, request_id)
        if wait:
            progress("waiting for its end")
        until = time.monotonic() + wait
        while held.state in {RequestState.OPEN, RequestState.CLAIMED} and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
            held = verbs.paid_request(connection, request_id)
    if as_json:
        screen.document({**_document(held), "tx_hash": receipt.tx_hash, "block_number": receipt.block_number})
        return
    _facts(screen, "Asked for", held)


@options.pays_on_chain
def refund(request_id: RequestId, target: options.Target, as_json: options.Json = False) -> None:
    """Send the fee of a request back that nobody fulfilled in time. Example: proofbridge refund 0x12…ef --chain sepolia."""
    screen = Screen(as_json=as_json)
    try:
        known = parse_hex32(request_id)
    except ValueError as error:
        raise OptionInvalid(option="REQUEST", got=request_id, expected="0x and 64 hex digits") from error
    connection = target()
    with screen.working() as progress:
        progress("sending the fee back")
        receipt = verbs.refund(connection, known)
    held = verbs.paid_request(connection, known)
    if as_json:
        screen.document({**_document(held), "tx_hash": receipt.tx_hash, "block_number": receipt.block_number})
        return
    _facts(screen, "Refunded", held)


def _address(option: str, text: str) -> Any:
    try:
        return parse_address(text)
    except ValueError as error:
        raise OptionInvalid(option=option, got=text, expected="0x and 40 hex digits") from error


def _document(held: PaidRequest) -> dict[str, Any]:
    return {
        "request_id": held.request_id,
        "model_id": held.model_id,
        "input_commitment": held.input_commitment,
        "state": held.state.label,
        "requester": held.requester,
        "claimer": None if held.claimer == NATIVE else held.claimer,
        "fee_wei": held.fee,
        "bond_wei": held.bond,
        "deadline": held.deadline,
        "end": held.end,
    }


def _facts(screen: Screen, title: str, held: PaidRequest) -> None:
    claimer: Hex32 | str = "nobody" if held.claimer == NATIVE else held.claimer
    screen.facts(
        title,
        {
            "request": held.request_id,
            "model id": held.model_id,
            "state": held.state.label,
            "fee": f"{held.fee / _WEI:g} ether",
            "bond": f"{held.bond / _WEI:g} ether",
            "claimed by": claimer,
        },
    )
