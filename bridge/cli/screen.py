"""What the user sees: one JSON document or readable text on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bridge.core.progress import Progress
from bridge.errors import BridgeError

_SHORT_DIGITS = 10


class Screen:
    """One command's output."""

    def __init__(self, *, as_json: bool) -> None:
        """`as_json` keeps standard output for the document."""
        self.as_json = as_json
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    @contextmanager
    def working(self) -> Iterator[Progress]:
        """A progress line that is replaced as stages pass, or one line a stage where nobody watches."""
        started = time.monotonic()
        if not self.err.is_terminal:
            yield lambda stage: self.err.print(f"[{time.monotonic() - started:6.1f} s] {stage}", markup=False)
            return
        with self.err.status("starting") as status:
            yield lambda stage: status.update(f"[dim]{time.monotonic() - started:6.1f} s[/dim]  {stage}")

    def document(self, value: Any) -> None:
        """The JSON document of the command: at once, also where the command goes on and a program reads."""
        print(json.dumps(jsonable(value), indent=2), flush=True)

    def verdict(self, value: Mapping[str, Any], error: BridgeError | None) -> None:
        """End a command that shows its findings whether or not they are good; `document` was not called.

        For people the error is raised after what they have read; for programs it is part of the one document.
        """
        if not self.as_json:
            if error is not None:
                raise error
            return
        self.document({**value, **(_document(error) if error is not None else {})})
        if error is not None:
            sys.exit(1)

    def text(self, line: str = "") -> None:
        """One line for people."""
        self.out.print(line)

    def facts(self, title: str, pairs: Mapping[str, object]) -> None:
        """A short list of names and values."""
        self.out.print(f"[bold]{escape(title)}[/bold]")
        width = max(map(len, pairs), default=0)
        for name, value in pairs.items():
            self.out.print(f"  {name:<{width}}  {value}", markup=False)

    def table(self, title: str, columns: Mapping[str, str], rows: Sequence[Sequence[str | Text]]) -> None:
        """A table; `columns` maps headings to `left` or `right`. A plain cell is shown as it is: it may be a stranger's."""
        table = Table(title=escape(title), title_justify="left", title_style="bold", header_style="bold")
        for heading, side in columns.items():
            table.add_column(heading, justify="right" if side == "right" else "left", no_wrap=False)
        for row in rows:
            table.add_row(*(escape(cell) if isinstance(cell, str) else cell for cell in row))
        # A table is as wide as it needs to be where nobody watches (a file, a pipe).
        width = self.out.width if self.out.is_terminal else max(self.out.width, 150)
        Console(highlight=False, width=width).print(table)


def fail(error: BridgeError) -> None:
    """A named error: one line for people, a document for programs."""
    if "--json" in sys.argv:
        print(json.dumps(jsonable(_document(error)), indent=2), flush=True)
        return
    line = " ".join(f"{type(error).__name__}: {error}".split())
    Console(stderr=True, highlight=False, soft_wrap=True).print(line, style="red", markup=False)


def _document(error: BridgeError) -> dict[str, Any]:
    """A named error for programs."""
    detail: dict[str, Any] = {}
    if is_dataclass(error):
        detail = {item.name: getattr(error, item.name) for item in fields(error)}
    return {"error": {"name": type(error).__name__, "what": error.what, "fix": error.fix, "detail": detail}}


def jsonable(value: Any) -> Any:
    """Records as plain JSON: enums by their label, paths as text."""
    if isinstance(value, Enum):
        return getattr(value, "label", value.value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, BridgeError):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: jsonable(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    return value


def short(word: str) -> str:
    """The start of a long hash, enough to find it again."""
    return f"{word[:_SHORT_DIGITS]}…" if len(word) > _SHORT_DIGITS + 1 else word


def numbers(outputs: tuple[tuple[float, ...], ...]) -> str:
    """Outputs in one cell: a number, or for many the place of the largest and its value."""
    cells = []
    for tensor in outputs:
        if len(tensor) == 1:
            cells.append(f"{tensor[0]:.6g}")
        else:
            top = max(range(len(tensor)), key=tensor.__getitem__)
            cells.append(f"argmax {top} ({tensor[top]:.6g})")
    return ", ".join(cells)
