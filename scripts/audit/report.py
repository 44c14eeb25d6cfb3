"""The report: what the audit found, as text that depends on the contracts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from audit.coverage import Covered
from audit.explained import FindingReason, Matched, SurvivorReason
from audit.findings import Finding, Impact
from audit.mutation import Outcome, Tried
from audit.proofs import ARRAYS, BYTES, LOOP, Property

LEAST_KILLED = 0.95


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything that the four steps found."""

    findings: tuple[Finding, ...]
    finding_reasons: Matched[Finding, FindingReason]
    properties: tuple[Property, ...]
    tried: tuple[Tried, ...]
    survivor_reasons: Matched[Tried, SurvivorReason]
    covered: tuple[Covered, ...]

    def faults(self) -> list[str]:
        """Why the audit fails; empty if it does not."""
        return [
            *(
                f"slither, unexplained: {each.detector} in {each.where}: {each.text}"
                for each in self.finding_reasons.unexplained
            ),
            *(f"findings.toml, stale: {each.detector} in {each.where}" for each in self.finding_reasons.stale),
            *(f"halmos, not proven: {each.contract}.{each.name}" for each in self.properties if not each.proven),
            *(
                f"halmos, a path left at a bound: {each.contract}.{each.name}"
                for each in self.properties
                if each.bounded
            ),
            *(_survivor(each) for each in self.survivor_reasons.unexplained),
            *(f"survivors.toml, stale: {each.file}: {each.line}" for each in self.survivor_reasons.stale),
            *_too_few_killed(self.tried),
            *(f"coverage: {each.source} misses lines {list(each.missed)}" for each in self.covered if each.missed),
        ]


def _survivor(tried: Tried) -> str:
    mutant = tried.mutant
    return f"mutant survived, unexplained: {mutant.source}:{mutant.line} {mutant.mutator}: {tried.becomes}"


def _share(tried: Iterable[Tried]) -> tuple[int, int]:
    outcomes = Counter(each.outcome for each in tried)
    return outcomes[Outcome.KILLED], outcomes[Outcome.KILLED] + outcomes[Outcome.SURVIVED]


def _too_few_killed(tried: tuple[Tried, ...]) -> list[str]:
    killed, counted = _share(tried)
    if not counted or killed >= LEAST_KILLED * counted:
        return []
    return [f"mutation: {killed} of {counted} mutants killed, under {LEAST_KILLED:.0%}"]


def _percent(part: int, whole: int) -> str:
    # Downwards: 100 % is said of all and of nothing less.
    return f"{1000 * part // whole / 10:.1f} %" if whole else "none"


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]


def markdown(audit: Audit) -> str:
    """The whole report."""
    return "\n".join(
        [
            "# Audit of the contracts",
            "",
            "Written by `make audit-contracts`, which fails unless all of this holds. Not an audit by people.",
            *_findings(audit),
            *_properties(audit),
            *_mutants(audit),
            *_coverage(audit),
            "",
        ]
    )


def _findings(audit: Audit) -> list[str]:
    counts = Counter(each.impact for each in audit.findings)
    return [
        "",
        "## Static analysis",
        "",
        "Slither, every detector, on our sources. High and medium findings each have a reason.",
        "",
        *_table(("impact", "findings"), ((impact.name, counts[impact]) for impact in sorted(Impact, reverse=True))),
        "",
        *_table(
            ("finding", "where", "why it is none"),
            sorted(
                {(each.detector, f"`{each.where}`", reason.reason) for each, reason in audit.finding_reasons.explained}
            ),
        ),
    ]


def _properties(audit: Audit) -> list[str]:
    return [
        "",
        "## Proofs",
        "",
        (
            f"Halmos, {sum(each.proven for each in audit.properties)} of {len(audit.properties)} properties proven for every caller and "
            f"argument: bytes and strings of {BYTES.replace(',', ' or ')} bytes, arrays of {ARRAYS.replace(',', ', ')} elements, "
            f"loops of at most {LOOP} turns. No path ends at such a bound."
        ),
        "",
        *_table(
            ("contract", "property", "proven"),
            ((each.contract, f"`{each.name}`", "yes" if each.proven else "no") for each in audit.properties),
        ),
    ]


def _mutants(audit: Audit) -> list[str]:
    by_source: dict[str, list[Tried]] = {}
    for each in audit.tried:
        by_source.setdefault(each.mutant.source, []).append(each)
    rows = []
    for source, tried in [*sorted(by_source.items()), ("all", list(audit.tried))]:
        outcomes = Counter(each.outcome for each in tried)
        killed, counted = _share(tried)
        rows.append(
            (source, counted, killed, _percent(killed, counted), outcomes[Outcome.BROKEN], outcomes[Outcome.SAME]),
        )
    return [
        "",
        "## Mutation testing",
        "",
        (
            "The mutants of slither-mutate, tried by a driver of our own. Those that do not compile, or compile to the same bytecode, "
            "are not counted."
        ),
        "",
        *_table(("source", "mutants", "killed", "share", "not compiled", "same bytecode"), rows),
        "",
        *_table(
            ("survivor", "becomes", "why it may"),
            (
                (f"`{each.mutant.source}` {each.mutant.mutator}", f"`{each.becomes}`", reason.reason)
                for each, reason in audit.survivor_reasons.explained
            ),
        ),
    ]


def _coverage(audit: Audit) -> list[str]:
    return [
        "",
        "## Coverage",
        "",
        "`forge coverage` of all tests but those of gas and code size.",
        "",
        *_table(
            ("source", "lines", "branches"),
            (
                (each.source, f"{each.lines_hit} of {each.lines}", f"{each.branches_hit} of {each.branches}")
                for each in audit.covered
            ),
        ),
    ]
