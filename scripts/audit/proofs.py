"""The properties of `contracts/halmos`, proven for every argument by symbolic execution within the bounds below."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

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


def require_refuted(canary: list[Property]) -> None:
    """Halmos has to know a call that refutes the canary: else no proof of its means anything."""
    if not canary or not all(each.refuted for each in canary):
        raise AuditError(f"halmos did not refute {CANARY}")


def prove(workspace: Workspace, workers: int) -> list[Property]:
    """Prove every property, so many contracts of properties at a time."""
    require_refuted(_prove(workspace, CANARY))  # and compile, which the others then need not
    contracts = [
        contract
        for path in sorted((workspace.root / "halmos").glob("*.t.sol"))
        for contract in re.findall(r"^contract (\w+Proof)\b", path.read_text(), re.MULTILINE)
        if contract != CANARY
    ]
    with ThreadPoolExecutor(workers) as pool:
        return sorted(each for proven in pool.map(partial(_prove, workspace), contracts) for each in proven)


def _prove(workspace: Workspace, contract: str) -> list[Property]:
    report = workspace.root / f"{contract}.json"
    ended = workspace.with_environment(FOUNDRY_TEST="halmos").run(
        "halmos",
        *("--no-status", "--contract", contract, "--json-output", str(report)),
        *("--loop", str(LOOP), "--default-bytes-lengths", BYTES, "--default-array-lengths", ARRAYS),
        *("--solver-timeout-branching", _BRANCHING_MS),
    )
    if not report.exists():
        raise AuditError(f"halmos made no report on {contract}:\n{ended.text[-4000:]}")
    properties = parse(json.loads(report.read_text()))
    if not properties:
        raise AuditError(f"halmos found no property in {contract}")
    return properties
