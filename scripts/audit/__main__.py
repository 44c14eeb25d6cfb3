"""Audit the contracts and write docs/audit/contracts.md.

Usage: make audit-contracts, or PYTHONPATH=scripts .venv-audit/bin/python -m audit [--only SOURCE] [--step STEP]
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from audit import coverage, explained, findings, mutants, mutation, proofs, report
from audit.explained import FindingReason, SurvivorReason
from audit.findings import Finding, Impact
from audit.mutation import Outcome, Tried
from audit.workspace import CHECKOUT, CONTRACTS, AuditError, make

STEPS = ("findings", "proofs", "coverage", "mutation")
REPORT = CHECKOUT / "docs" / "audit" / "contracts.md"


def _explains_finding(reason: FindingReason, finding: Finding) -> bool:
    return reason.detector == finding.detector and reason.where == finding.where


def _explains_survivor(reason: SurvivorReason, tried: Tried) -> bool:
    mutant = tried.mutant
    return (
        reason.file == mutant.source
        and mutant.mutator in reason.mutators
        and reason.line == " ".join(mutant.line_text.split())
        and reason.becomes in {None, tried.becomes}
    )


def _say(text: str) -> None:
    print(text, flush=True)


def _audit(folder: Path, steps: list[str], only: list[str], workers: int) -> report.Audit:
    # All copies first, so that an edit in the meantime changes none of them.
    workspace, other, third, *benches = (make(folder / str(number)) for number in range(3 + workers))
    _say("slither …")
    found = findings.find(workspace)  # the mutators need what it leaves
    all_mutants = mutants.generate(workspace) if "mutation" in steps else []
    finding_reasons = explained.finding_reasons(CONTRACTS / "audit" / "findings.toml")
    survivor_reasons = explained.survivor_reasons(CONTRACTS / "audit" / "survivors.toml")
    if only:
        all_mutants = [each for each in all_mutants if each.source in only]
        survivor_reasons = [each for each in survivor_reasons if each.file in only]
    if "mutation" not in steps:
        survivor_reasons = []
    if "coverage" in steps:
        _say("forge coverage …")
    covered = coverage.measure(other) if "coverage" in steps else []
    if "proofs" in steps:
        _say("halmos …")
    properties = proofs.prove(third, workers) if "proofs" in steps else []
    if all_mutants:
        _say(f"{len(all_mutants)} mutants …")
    tried = mutation.run(all_mutants, benches, _say) if all_mutants else []
    grave = [each for each in found if each.impact >= Impact.Medium]
    survivors = [each for each in tried if each.outcome is Outcome.SURVIVED]
    return report.Audit(
        findings=tuple(found),
        finding_reasons=explained.match(grave, finding_reasons, _explains_finding),
        properties=tuple(properties),
        tried=tuple(tried),
        survivor_reasons=explained.match(survivors, survivor_reasons, _explains_survivor),
        covered=tuple(covered),
    )


def main() -> int:
    """Run the steps; the report is written where all of them ran, also if the audit fails."""
    parser = argparse.ArgumentParser(prog="audit", description="Audit the contracts.")
    parser.add_argument("--step", action="append", choices=STEPS, help="only this step (and slither)")
    parser.add_argument("--only", action="append", metavar="SOURCE", help="only the mutants of src/…, and no report")
    parser.add_argument("--workers", type=int, default=2, help="how many mutants, or proofs, are tried at a time")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # end what was started, and leave no folder behind
    with TemporaryDirectory(prefix="audit-") as folder:
        try:
            audit = _audit(Path(folder), options.step or list(STEPS), options.only or [], options.workers)
        except AuditError as error:
            print(error, file=sys.stderr)
            return 2
    text = report.markdown(audit)
    if options.step or options.only:
        _say(text)
    else:
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(text)
        _say(f"wrote {REPORT.relative_to(CHECKOUT)}")
    for fault in audit.faults():
        print(fault, file=sys.stderr)
    return 1 if audit.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
