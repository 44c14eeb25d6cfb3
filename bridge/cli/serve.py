"""proofbridge serve and apikey: verified results over HTTP, and who may ask for more of them."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bridge import indexing, telling
from bridge.api.app import openapi_document
from bridge.api.keys import ApiKey, list_keys, new_key, revoke
from bridge.api.serving import serve as answer_requests
from bridge.api.settings import Settings
from bridge.cli import options
from bridge.cli.events import log_events
from bridge.cli.index import wait_of
from bridge.cli.relay import Database, Store
from bridge.cli.screen import Screen
from bridge.cli.stopping import until_stopped
from bridge.database.engine import default_url, opened, reading, writing
from bridge.errors import ChainNotFollowed
from bridge.query.answers.horizon import followed
from bridge.relay.artifacts import default_store

app = typer.Typer(help="Keys for what costs the operator gas: POST /v1/infer.", no_args_is_help=True)


@options.reads_chain
def serve(
    target: options.Target,
    host: Annotated[str, typer.Option("--host", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 is any free one.")] = 8000,
    database: Database = None,
    store: Store = None,
    model: Annotated[
        list[Path] | None,
        typer.Option("--model", help="A bundle: names its model, and takes inferences of it. Once for each model."),
    ] = None,
    cors_origin: Annotated[
        list[str] | None, typer.Option("--cors-origin", help="Origin of a web page that may ask, or *. Once for each.")
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            "--rate", help="Requests of one API key or address, as 600/minute; each worker counts for itself."
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes.")] = 1,
    most_subscribers: Annotated[
        int, typer.Option("--subscribers", min=1, help="Streams that are open at once, of one worker.")
    ] = 5_000,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Follow the chain, too; else `proofbridge index` does.")
    ] = True,
    webhooks: Annotated[
        bool, typer.Option("--webhooks/--no-webhooks", help="Send webhooks; of several servers one does.")
    ] = True,
    private_webhooks: Annotated[
        bool,
        typer.Option("--private-webhooks", help="Webhooks may lead into private networks: all receivers are yours."),
    ] = False,
    openapi: Annotated[
        bool, typer.Option("--openapi", help="Print the description of the API (OpenAPI 3.1) and serve nothing.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Answer questions about verified results over HTTP. Example: proofbridge serve --chain sepolia --port 8000 --workers 2."""
    if openapi:
        sys.stdout.write(openapi_document())
        return
    url = database or default_url()
    connection = target() if follow else None
    settings = Settings(
        url,
        connection.rpc.chain_id if connection else _chain_of(url, target),
        tuple(model or ()),
        store or default_store(),
        tuple(cors_origin or ()),
        rate,
        most_subscribers,
        private_webhooks=private_webhooks,
    )
    log_events(as_json=as_json)
    screen = Screen(as_json=as_json)

    def told(address: str) -> None:
        if as_json:
            screen.document({"url": address, "chain_id": settings.chain_id, "openapi": f"{address}/openapi.json"})
        else:
            screen.text(f"Answers for chain {settings.chain_id} at {address}, described at {address}/openapi.json")
        sys.stdout.flush()

    beside: list[Callable[[threading.Event], object]] = []
    if connection is not None:
        beside.append(
            lambda stop: indexing.follow(connection, indexing.Plan(database=url, wait=wait_of(connection)), stop)
        )
    if webhooks:
        beside.append(lambda stop: telling.tell(telling.Plan(url, private_webhooks), stop))
    with until_stopped() as stop, _running(beside, stop):
        answer_requests(settings, host, port, workers, told)


@app.command("new", epilog="Example: proofbridge apikey new 'the risk desk'")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, for people.")],
    database: Database = None,
    as_json: options.Json = False,
) -> None:
    """Make a key. It is shown this once; only its hash is kept."""
    with opened(database or default_url()) as engine, writing(engine) as connection:
        made, whole = new_key(connection, name)
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document({"id": made.id, "name": made.name, "key": whole})
        return
    screen.text(f"Key {made.id} of {made.name}. It is shown only now:")
    screen.out.print(whole, markup=False)


@app.command("list", epilog="Example: proofbridge apikey list")
def keys(database: Database = None, as_json: options.Json = False) -> None:
    """Every key that there ever was, without its secret."""
    with opened(database or default_url()) as engine, reading(engine) as connection:
        found = list_keys(connection)
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document({"keys": found})
        return
    rows = [[key.id, key.name, _time(key.created_at), _ended(key)] for key in found]
    screen.table("API keys", dict.fromkeys(("key", "of", "since", "revoked"), "left"), rows)


@app.command("revoke", epilog="Example: proofbridge apikey revoke 0123456789ab")
def end(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its id, as `list` shows it.")],
    database: Database = None,
    as_json: options.Json = False,
) -> None:
    """End a key. Servers that run take it for some seconds still."""
    with opened(database or default_url()) as engine, writing(engine) as connection:
        ended = revoke(connection, key_id)
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document(ended)
        return
    screen.text(f"Key {ended.id} of {ended.name} is revoked since {_ended(ended)}.")


@contextmanager
def _running(works: Sequence[Callable[[threading.Event], object]], stop: threading.Event) -> Iterator[None]:
    """Work in threads of this process for the length of a block."""
    with ThreadPoolExecutor(max(1, len(works)), thread_name_prefix="beside") as pool:
        running = [pool.submit(_work, work, stop) for work in works]
        try:
            yield
        finally:
            stop.set()
    for each in running:
        each.result()


def _work(work: Callable[[threading.Event], object], stop: threading.Event) -> None:
    """Whatever ends early ends the server, too: answers that grow old without a word are worse than none."""
    try:
        work(stop)
    finally:
        if not stop.is_set():
            os.kill(os.getpid(), signal.SIGTERM)


def _chain_of(url: str, target: options.Target) -> int:
    """The chain that is answered for: the only one of the database, so that no node is needed; else the one that was named."""
    with opened(url) as engine, reading(engine) as connection:
        found = followed(connection)
    if len(found) == 1:
        return found[0]
    chain_id = target().rpc.chain_id
    if found and chain_id not in found:
        raise ChainNotFollowed(chain=f"chain {chain_id}", found=found)
    return chain_id


def _ended(key: ApiKey) -> str:
    return "" if key.revoked_at is None else _time(key.revoked_at)


def _time(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
