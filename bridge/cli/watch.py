"""proofbridge watch: verified results as they come, and those that a reorganisation takes back."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from bridge.cli import options
from bridge.cli.relay import Database
from bridge.cli.screen import Screen, jsonable, numbers, short
from bridge.client.client import Client
from bridge.client.record import Inference as ToldInference
from bridge.client.record import News as ToldNews
from bridge.core.word import Hex32, parse_hex32
from bridge.database.engine import default_url, opened, reading
from bridge.errors import AnswerError, ChainNotFollowed, OptionInvalid, ServerRefused
from bridge.query.answers.face import face
from bridge.query.answers.feed import News, newest, news
from bridge.query.answers.horizon import followed, horizon
from bridge.query.answers.inferences import Inference, inference

_LOOK_SECONDS = 0.2
_AT_ONCE = 100
_NOT_FOUND = 404

Told = tuple[News | ToldNews, Inference | ToldInference | None]
"""What there is to tell, and the inference as it is now; None where that went."""


def watch(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Only of the model with this id.")] = None,
    server: Annotated[
        str | None, typer.Option("--server", help="URL of a `proofbridge serve`. [default: the database, itself]")
    ] = None,
    database: Database = None,
    chain_id: options.ChainId = None,
    after: Annotated[int | None, typer.Option("--after", min=0, help="Go on after this number. [default: now]")] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="End after so many.")] = None,
    as_json: options.Json = False,
) -> None:
    """Show what is verified, as it comes, until Ctrl-C. With --json a document a line. Example: proofbridge watch --server http://127.0.0.1:8000."""
    model_id = _model(model)
    told = (
        _from_server(server, model_id, after)
        if server is not None
        else _from_database(database or default_url(), chain_id, model_id, after)
    )
    screen = Screen(as_json=as_json)
    try:
        for seen, (entry, found) in enumerate(told, start=1):
            if as_json:
                print(json.dumps({**jsonable(entry), "inference": jsonable(found)}))
            else:
                screen.out.print(_line(entry, found), markup=False)
            sys.stdout.flush()  # whoever reads from a pipe wants it now
            if seen == count:
                return
    except KeyboardInterrupt:
        return


def _from_server(url: str, model_id: Hex32 | None, after: int | None) -> Iterator[Told]:
    client = Client(url)
    for entry in client.stream(after=after, model=model_id):
        found = None
        if entry.kind == "verified":
            try:
                found = client.inferences.get(entry.inference_id)
            except ServerRefused as error:
                if error.status != _NOT_FOUND:
                    raise
        yield entry, found


def _from_database(url: str, chain_id: int | None, model_id: Hex32 | None, after: int | None) -> Iterator[Told]:
    with opened(url) as engine:
        with reading(engine) as connection:
            chain = _only(chain_id, followed(connection))
            last = newest(connection, chain) if after is None else after
        while True:
            with reading(engine) as connection:
                entries = news(connection, chain, last, _AT_ONCE)
                found = []
                for entry in entries:
                    face_of = lambda identity: face(connection, chain, identity)  # noqa: E731
                    try:
                        answer = inference(connection, horizon(connection, chain), face_of, entry.inference_id)
                    except AnswerError:
                        answer = None
                    found.append((entry, answer if entry.kind == "verified" else None))
            for entry, answer in found:
                last = entry.number
                if model_id in {None, entry.model_id}:
                    yield entry, answer
            if len(entries) < _AT_ONCE:
                time.sleep(_LOOK_SECONDS)


def _only(chain_id: int | None, known: tuple[int, ...]) -> int:
    if chain_id is None and len(known) == 1:
        return known[0]
    if chain_id is None or chain_id not in known:
        raise ChainNotFollowed(
            chain="a chain without --chain-id" if chain_id is None else f"chain {chain_id}", found=known
        )
    return chain_id


def _model(text: str | None) -> Hex32 | None:
    try:
        return None if text is None else parse_hex32(text)
    except ValueError as error:
        raise OptionInvalid(option="MODEL", got=str(text), expected=str(error)) from None


def _line(entry: News | ToldNews, found: Inference | ToldInference | None) -> str:
    at = dt.datetime.fromtimestamp(entry.at, dt.UTC).strftime("%H:%M:%S")
    words = [at, f"{entry.kind:<9}", short(entry.inference_id), f"block {entry.block_number}"]
    if found is not None:
        outputs = "?" if found.outputs is None else numbers(tuple(tensor.numbers for tensor in found.outputs))
        words += [found.model_name or short(found.model_id), outputs, found.grade.label, found.finality.label]
    return "  ".join(words)
