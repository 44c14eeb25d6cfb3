"""proofbridge cache: what was made once and kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from bridge.cli import amount, options
from bridge.cli.screen import Screen
from bridge.core import store
from bridge.core.storage import home
from bridge.core.store import Entry

app = typer.Typer(
    help="What was made once and need not be made again: keys, bundles, trials, compilations. All of it can be pruned at any "
    "time; it is made again when it is needed. Trusted setups and tools lie beside it and are not touched: keys depend on setups.",
    no_args_is_help=True,
)


@app.command("show", epilog="Example: proofbridge cache show")
def show(as_json: options.Json = False) -> None:
    """How much is kept, of which kind, and when it was last used."""
    screen = Screen(as_json=as_json)
    entries = store.entries()
    kinds = {kind: [item for item in entries if item.kind == kind] for kind in sorted({item.kind for item in entries})}
    if as_json:
        document = {"path": home("cache"), "bytes": store.disk_bytes(entries)}
        screen.document({**document, "kinds": {kind: _kind(items) for kind, items in kinds.items()}})
        return
    columns = {"kind": "left", "entries": "right", "size": "right", "last used": "right"}
    rows = [
        [kind, str(len(items)), amount.shown(store.disk_bytes(items)), _ago(max(item.used for item in items))]
        for kind, items in kinds.items()
    ]
    screen.table(f"Kept in {home('cache')}", columns, rows)
    screen.text(f"{amount.shown(store.disk_bytes(entries))} on the disk; a file that two entries share counts once.")


@app.command("prune", epilog="Example: proofbridge cache prune --older-than 30d --max-size 5G")
def prune(
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="What was not used for so long: 90m, 12h, 30d, 2w.")
    ] = None,
    max_size: Annotated[
        str | None, typer.Option("--max-size", help="What was used longest ago, until so much is left: 500M, 5G.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that nobody is at work on.")] = False,
    as_json: options.Json = False,
) -> None:
    """Remove what was not used for long, or what is too much. What somebody is at work on stays."""
    screen = Screen(as_json=as_json)
    if not (older_than or max_size or everything):
        raise typer.BadParameter("give --older-than, --max-size or --all")
    seconds = amount.seconds("--older-than", older_than) if older_than else None
    limit = amount.size("--max-size", max_size) if max_size else None
    before = store.disk_bytes(store.entries())
    removed = store.prune(older_than=0 if everything else seconds, max_bytes=limit)
    left = store.disk_bytes(store.entries())
    if as_json:
        screen.document({"removed": len(removed), "bytes_freed": max(0, before - left), "bytes_left": left})
        return
    screen.text(
        f"{len(removed)} entries removed, {amount.shown(max(0, before - left))} freed, {amount.shown(left)} left."
    )


def _kind(items: Sequence[Entry]) -> dict[str, object]:
    used = max(item.used for item in items)
    return {"entries": len(items), "bytes": store.disk_bytes(items), "last_used": int(used)}


def _ago(used: float) -> str:
    seconds = max(0.0, time.time() - used)
    for unit, name in (("d", "days"), ("h", "hours"), ("m", "minutes")):
        if seconds >= 2 * amount.SECONDS[unit]:
            return f"{seconds / amount.SECONDS[unit]:.0f} {name} ago"
    return "just now"
