"""The properties of `contracts/halmos`, proven for every argument by symbolic execution within the bounds below."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from audit.workspace import AuditError, Workspace

# How often a loop is unrolled, how long bytes and strings are, and how long arrays are.
LOOP = 6
BYTES = "0,33"
ARRAYS = "0,1,2"
_BRANCHING_MS = "500"

# Of `contracts/halmos/Canary.t.sol`. It does not hold.
CANARY = "CanaryProof"
_COUNTEREXAMPLE = 1


@dataclass(frozen=True, slots=True, order=True)
class Property:
    """One property: whether it holds on every path, and whether each path was followed to its end."""

    contract: str
    name: str
    proven: bool
    refuted: bool
    bounded: bool


def parse(report: dict[str, dict[str, list[dict[str, object]]]]) -> list[Property]:
    """The properties of halmos' JSON."""
    return sorted(
        Property(
            contract=where.rpartition(":")[2],
            name=str(each["name"]).partition("(")[0],
            proven=each["exitcode"] == 0,
            refuted=each["exitcode"] == _COUNTEREXAMPLE,
            bounded=bool(each["num_bounded_loops"]),
        )
        for where, results in report["test_results"].items()
        for each in results
    )


def without_canary(properties: list[Property]) -> list[Property]:
    """All but the canary, of which halmos has to know a call that refutes it: else no proof of its means anything."""
    canaries = [each for each in properties if each.contract == CANARY]
    if not canaries or not all(each.refuted for each in canaries):
        raise AuditError(f"halmos did not refute {CANARY}")
    return [each for each in properties if each.contract != CANARY]


def prove(workspace: Workspace) -> list[Property]:
    """Prove every property, each with a solver of its own."""
    report = Path(workspace.root, "halmos.json")
    ended = workspace.with_environment(FOUNDRY_TEST="halmos").run(
        "halmos",
        *("--no-status", "--json-output", str(report)),
        *("--loop", str(LOOP), "--default-bytes-lengths", BYTES, "--default-array-lengths", ARRAYS),
        *("--solver-timeout-branching", _BRANCHING_MS),
    )
    if not report.exists():
        raise AuditError(f"halmos made no report:\n{ended.text[-4000:]}")
    properties = without_canary(parse(json.loads(report.read_text())))
    if not properties:
        raise AuditError("halmos found no property")
    return properties
