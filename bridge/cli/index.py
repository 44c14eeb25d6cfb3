"""proofbridge index: what a chain's contracts said, in a database, for as long as it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from bridge import indexing
from bridge.cli import options
from bridge.cli.events import log_events
from bridge.cli.relay import Database
from bridge.cli.screen import Screen
from bridge.cli.stopping import until_stopped
from bridge.indexing import Plan, Progress, Told
from bridge.query.index import Checkpoint


@options.reads_chain
def index(
    target: options.Target,
    database: Database = None,
    other: Annotated[
        list[str] | None, typer.Option("--other-rpc", help="One more node of the chain. Once for each.")
    ] = None,
    quorum: Annotated[int, typer.Option("--quorum", min=1, help="Nodes that have to show the same.")] = 1,
    until_head: Annotated[
        bool, typer.Option("--until-head", help="End once everything up to the newest block is in the database.")
    ] = False,
    trust_again: Annotated[
        bool,
        typer.Option("--trust-again", help="Call blocks final again, after a final one went and you know why."),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Follow a chain into a database that queries are answered from, until stopped; of several processes one does."""
    log_events(as_json=as_json)
    screen, connection = Screen(as_json=as_json), target()
    given = {} if database is None else {"database": database}
    wait = 0.2 if connection.preset.is_local else 2.0
    plan = Plan(
        others=tuple(other or ()), quorum=quorum, until_head=until_head, trust_again=trust_again, wait=wait, **given
    )
    with until_stopped() as stop, _showing(screen) as told:
        progress = indexing.follow(connection, plan, stop, told=told)
    stands = indexing.checkpoint(connection, plan)
    if as_json:
        screen.document(_document(connection.rpc.chain_id, progress, stands))
        return
    if stands is None:
        screen.text(f"Nothing of {connection.preset.title} was followed yet.")
        return
    final = (
        "nothing is called final"
        if stands.final is None or stands.broken_at is not None
        else f"final to {stands.final}"
    )
    screen.text(
        f"{connection.preset.title} is followed to block {stands.number}, {final}: {progress.events} events in "
        f"{progress.blocks} blocks read, {progress.rate:.0f} a second."
    )


@contextmanager
def _showing(screen: Screen) -> Iterator[Told]:
    """A line of progress for people; programs have the document at the end, and the events on standard error."""
    if screen.as_json or not screen.err.is_terminal:
        yield lambda _: None
        return
    with screen.working() as say:
        yield lambda progress: say(_line(progress))


def _line(progress: Progress) -> str:
    step = progress.step
    behind = max(0, step.head - step.number)
    return (
        f"block {step.number} of {step.head}, {behind} behind, {progress.events} events, {progress.rate:.0f} a second"
    )


def _document(chain_id: int, progress: Progress, stands: Checkpoint | None) -> dict[str, Any]:
    return {
        "chain_id": chain_id,
        "block_number": None if stands is None else stands.number,
        "block_hash": None if stands is None else stands.hash,
        "final_number": None if stands is None else stands.final,
        "broken_at": None if stands is None else stands.broken_at,
        "head": progress.step.head,
        "blocks": progress.blocks,
        "events": progress.events,
        "events_per_second": round(progress.rate, 1),
        "reorganised": progress.reorganised,
        "seconds": round(progress.seconds, 3),
    }
