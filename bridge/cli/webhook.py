"""proofbridge webhook: who is told of what is verified, and whether they heard."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import typer

from bridge.chain.preset import preset
from bridge.cli import options
from bridge.cli.relay import Database
from bridge.cli.screen import Screen, short
from bridge.core.word import parse_hex32
from bridge.database.engine import default_url, opened
from bridge.errors import OptionInvalid
from bridge.webhooks.delivery import Attempt, Deliveries, Delivery
from bridge.webhooks.post import Post
from bridge.webhooks.subscription import Subscription, Subscriptions, Wish

app = typer.Typer(help="Tell a URL of what is verified, signed, and of what is taken back.", no_args_is_help=True)

OWNER = "the command line"
"""Whose webhooks these are, beside those that keys of the API own."""
_SECONDS = "%Y-%m-%d %H:%M:%S"

Identity = Annotated[str, typer.Argument(metavar="ID", help="Of a webhook; see: proofbridge webhook list")]


@app.command("new", epilog="Example: proofbridge webhook new https://example.org/hook --chain sepolia --finality final")
def new(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are posted to.")],
    chain: options.Chain = None,
    chain_id: options.ChainId = None,
    model: Annotated[str | None, typer.Option("--model", help="Only of the model with this id.")] = None,
    min_grade: Annotated[
        str, typer.Option("--min-grade", help="Claimed, Signed, Attested or Proven, at least.")
    ] = "Claimed",
    finality: Annotated[
        str, typer.Option("--finality", help="mined, safe or final: not before it is as sure.")
    ] = "mined",
    private: Annotated[
        bool, typer.Option("--private", help="It may be plain http:// or in a private network: it is yours.")
    ] = False,
    database: Database = None,
    as_json: options.Json = False,
) -> None:
    """Tell a URL of every inference that is verified from now on. The secret that messages are signed with is shown once."""
    wish = Wish(_chain_id(chain, chain_id), _model(model), options.grade(min_grade), options.finality(finality))
    with opened(database or default_url()) as engine:
        made = Subscriptions(engine, Post(may_be_private=private)).add(OWNER, url, wish)
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document({**_document(made), "secret": made.secret})
        return
    screen.facts("Webhook", {"id": made.id, "secret": made.secret})
    screen.text("The secret is not shown again. `proofbridge serve` sends the messages.")


@app.command("list", epilog="Example: proofbridge webhook list")
def list_(
    ended: Annotated[bool, typer.Option("--ended", help="Those that ended, too.")] = False,
    database: Database = None,
    as_json: options.Json = False,
) -> None:
    """Who is told, and of what."""
    with opened(database or default_url()) as engine:
        known = Subscriptions(engine, Post()).all(ended=ended)
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document({"webhooks": [_document(each) for each in known]})
        return
    columns = {
        "id": "left",
        "url": "left",
        "chain": "right",
        "model": "left",
        "grade": "left",
        "finality": "left",
        "ended": "left",
    }
    rows = [
        [
            each.id,
            each.url,
            str(each.wish.chain_id),
            short(each.wish.model_id or "any"),
            each.wish.min_grade.label,
            each.wish.min_finality.label,
            each.ended or "",
        ]
        for each in known
    ]
    screen.table("Webhooks", columns, rows)


@app.command("remove", epilog="Example: proofbridge webhook remove 0123456789abcdef0123456789abcdef")
def remove(identity: Identity, database: Database = None, as_json: options.Json = False) -> None:
    """Tell it nothing any more. The log of what it was told stays."""
    with opened(database or default_url()) as engine:
        ended = Subscriptions(engine, Post()).end(identity, "removed by the command line")
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document(_document(ended))
        return
    screen.text(f"Webhook {ended.id} ended.")


@app.command("log", epilog="Example: proofbridge webhook log 0123456789abcdef0123456789abcdef")
def log(
    identity: Identity,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="The newest so many.")] = 20,
    database: Database = None,
    as_json: options.Json = False,
) -> None:
    """What a webhook was told, the newest first, with every try."""
    with opened(database or default_url()) as engine:
        Subscriptions(engine, Post()).get(identity)
        deliveries = Deliveries(engine, lambda _connection, _news: None)
        told = [(each, deliveries.attempts(each)) for each in deliveries.log(identity, limit=limit)]
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document({"messages": [_message(delivery, tries) for delivery, tries in told]})
        return
    columns = {
        "message": "right",
        "kind": "left",
        "inference": "left",
        "state": "left",
        "tries": "right",
        "last try": "left",
        "said": "left",
    }
    rows = [
        [
            str(delivery.number),
            delivery.kind,
            short(delivery.inference_id),
            delivery.state,
            str(len(tries)),
            _time(tries[-1].at) if tries else "",
            tries[-1].said or str(tries[-1].status) if tries else "",
        ]
        for delivery, tries in told
    ]
    screen.table(f"Messages of {identity}", columns, rows)


@app.command("resend", epilog="Example: proofbridge webhook resend 0123456789abcdef0123456789abcdef 42")
def resend(
    identity: Identity,
    number: Annotated[int, typer.Argument(metavar="MESSAGE", help="Its number in the log.")],
    database: Database = None,
    as_json: options.Json = False,
) -> None:
    """Send a message once more, by the same message id."""
    with opened(database or default_url()) as engine:
        Subscriptions(engine, Post()).get(identity)
        delivery = Deliveries(engine, lambda _connection, _news: None).again(identity, number)
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document(_message(delivery, ()))
        return
    screen.text(f"Message {number} is due again.")


def _chain_id(chain: str | None, chain_id: int | None) -> int:
    known = preset(chain or "anvil", chain_id).chain_id if chain or chain_id is None else chain_id
    if known is None:
        raise OptionInvalid(option="--chain-id", got="nothing", expected=f"the chain id of {chain}")
    return known


def _model(text: str | None) -> Any:
    try:
        return None if text is None else parse_hex32(text)
    except ValueError as error:
        raise OptionInvalid(option="--model", got=str(text), expected=str(error)) from None


def _document(told: Subscription) -> dict[str, Any]:
    """Without the secret."""
    return {
        "id": told.id,
        "owner": told.owner,
        "url": told.url,
        "chain_id": told.wish.chain_id,
        "model_id": told.wish.model_id,
        "min_grade": told.wish.min_grade.label,
        "min_finality": told.wish.min_finality.label,
        "created_at": told.created_at,
        "ended_at": told.ended_at,
        "ended": told.ended,
    }


def _message(delivery: Delivery, tries: tuple[Attempt, ...]) -> dict[str, Any]:
    return {
        "message_id": delivery.message_id,
        "number": delivery.number,
        "kind": delivery.kind,
        "inference_id": delivery.inference_id,
        "state": delivery.state,
        "due_at": delivery.due_at,
        "tries": tries,
    }


def _time(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime(_SECONDS)
