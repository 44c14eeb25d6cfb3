"""The reasons, kept beside the contracts, why a finding is no fault and why a mutant may survive.

A reason that explains nothing any more fails the audit, like a finding without a reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from audit.workspace import AuditError

Reason = TypeVar("Reason")
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class FindingReason:
    """Why a finding of one detector, in one function or contract, is no fault."""

    detector: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class SurvivorReason:
    """Why the mutants of one line may survive: those of these mutators, or only the one that makes it `becomes`."""

    file: str
    mutators: tuple[str, ...]
    line: str
    becomes: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Matched(Generic[Thing, Reason]):
    """What was explained, and by which reason; what was not; and the reasons that explained nothing."""

    explained: tuple[tuple[Thing, Reason], ...]
    unexplained: tuple[Thing, ...]
    stale: tuple[Reason, ...]


def match(
    things: Iterable[Thing], reasons: Iterable[Reason], fits: Callable[[Reason, Thing], bool]
) -> Matched[Thing, Reason]:
    """Give each thing the first reason that fits it."""
    known = list(reasons)
    explained: list[tuple[Thing, Reason]] = []
    unexplained: list[Thing] = []
    used: set[int] = set()
    for thing in things:
        number = next((number for number, reason in enumerate(known) if fits(reason, thing)), None)
        if number is None:
            unexplained.append(thing)
        else:
            used.add(number)
            explained.append((thing, known[number]))
    return Matched(
        tuple(explained), tuple(unexplained), tuple(reason for number, reason in enumerate(known) if number not in used)
    )


def finding_reasons(path: Path) -> list[FindingReason]:
    """The reasons of `findings.toml`."""
    return [
        FindingReason(
            detector=_text(path, row, "detector"), where=_text(path, row, "where"), reason=_text(path, row, "reason")
        )
        for row in _rows(path, "finding", {"detector", "where", "reason"})
    ]


def survivor_reasons(path: Path) -> list[SurvivorReason]:
    """The reasons of `survivors.toml`."""
    return [
        SurvivorReason(
            file=_text(path, row, "file"),
            mutators=tuple(row["mutators"]),
            line=_text(path, row, "line"),
            becomes=_text(path, row, "becomes") if "becomes" in row else None,
            reason=_text(path, row, "reason"),
        )
        for row in _rows(path, "survivor", {"file", "mutators", "line", "becomes", "reason"})
    ]


def _rows(path: Path, name: str, keys: set[str]) -> list[dict[str, Any]]:
    rows = tomllib.loads(path.read_text()).get(name, []) if path.exists() else []
    for row in rows:
        if unknown := set(row) - keys:
            raise AuditError(f"{path.name}: unknown keys {sorted(unknown)} in {row}")
        if missing := keys - {"becomes"} - set(row):
            raise AuditError(f"{path.name}: no {sorted(missing)} in {row}")
    return list(rows)


def _text(path: Path, row: dict[str, Any], key: str) -> str:
    value = row[key]
    if not isinstance(value, str) or not value.strip():
        raise AuditError(f"{path.name}: {key} has to be a text in {row}")
    return " ".join(value.split())
