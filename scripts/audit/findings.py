"""What slither finds in our contracts; OpenZeppelin's are audited by others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from audit.workspace import AuditError, Workspace


class Impact(IntEnum):
    """How bad a finding would be, as slither grades it. From Medium on it needs a reason."""

    Optimization = 0
    Informational = 1
    Low = 2
    Medium = 3
    High = 4


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding, in a function if slither names one, else in a contract."""

    where: str
    detector: str
    impact: Impact
    text: str


def _named(element: dict[str, Any]) -> str:
    """`Contract.function`; the parent of a variable is the function that it is in."""
    if element["type"] in {"variable", "node"}:
        return _named(element["type_specific_fields"]["parent"])
    if element["type"] == "function":
        return f"{_named(element['type_specific_fields']['parent'])}.{element['name']}"
    return str(element["name"])


def parse(report: dict[str, Any]) -> list[Finding]:
    """The findings of slither's JSON that begin in a source of ours."""
    if not report["success"]:
        raise AuditError(f"slither failed: {report['error']}")
    return sorted(
        Finding(
            where=_named(each["elements"][0]),
            detector=each["check"],
            impact=Impact[each["impact"]],
            text=each["description"].splitlines()[0],
        )
        for each in report["results"].get("detectors", [])
        if each["elements"] and each["elements"][0]["source_mapping"]["filename_relative"].startswith("src/")
    )


def find(workspace: Workspace) -> list[Finding]:
    """Compile without the tests, and run every detector. Leaves the build info for the mutators."""
    workspace.must("forge", "build", "--build-info", "--skip", "test/**")
    report = Path(workspace.root, "slither.json")
    # Its exit code counts findings; whether it came to an end is in its report.
    ended = workspace.run("slither", ".", "--foundry-ignore-compile", "--json", str(report))
    if not report.exists():
        raise AuditError(f"slither made no report:\n{ended.text[-4000:]}")
    return parse(json.loads(report.read_text()))
