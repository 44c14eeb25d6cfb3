"""Which lines and branches of our contracts the tests reach, as `forge coverage` counts them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from audit.workspace import NOT_OPTIMISED, AuditError, Workspace, warm

_RUNS = "256"


@dataclass(frozen=True, slots=True)
class Covered:
    """How much of one source the tests reach, and the numbers of the lines where they miss a line or a branch."""

    source: str
    lines: int
    lines_hit: int
    branches: int
    branches_hit: int
    missed: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is missed."""
        return not self.missed


@dataclass(slots=True)
class _Counts:
    lines: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    branches: list[tuple[int, bool]] = field(default_factory=list)


def parse(lcov: str) -> list[Covered]:
    """The sources of ours in an LCOV file: `SF:` opens one, `DA:line,hits` is a line, `BRDA:line,block,branch,hits` a branch."""
    sources: dict[str, _Counts] = {}
    counts = _Counts()
    for line in lcov.splitlines():
        kind, _, rest = line.partition(":")
        parts = rest.split(",")
        if kind == "SF":
            counts = sources.setdefault(rest, _Counts())
        elif kind == "DA":
            counts.lines[int(parts[0])] += int(parts[1])
        elif kind == "BRDA":
            counts.branches.append((int(parts[0]), parts[3] not in {"-", "0"}))
    return [
        Covered(
            source=name,
            lines=len(counts.lines),
            lines_hit=sum(hits > 0 for hits in counts.lines.values()),
            branches=len(counts.branches),
            branches_hit=sum(hit for _, hit in counts.branches),
            missed=tuple(
                sorted(
                    {line for line, hits in counts.lines.items() if not hits}
                    | {line for line, hit in counts.branches if not hit}
                )
            ),
        )
        for name, counts in sorted(sources.items())
        if name.startswith("src/") and counts.lines
    ]


def measure(workspace: Workspace) -> list[Covered]:
    """Run every test but those of gas and code size, and read what they reached."""
    report = Path(workspace.root, "lcov.info")
    with warm(workspace, lean=False) as running:
        running.with_environment(FOUNDRY_FUZZ_RUNS=_RUNS, FOUNDRY_FUZZ_SEED="1").must(
            "forge", "coverage", "--report", "lcov", "--report-file", str(report), *NOT_OPTIMISED
        )
    covered = parse(report.read_text())
    if not covered:
        raise AuditError("forge coverage reports none of our contracts")
    return covered
