"""Which mutants of our contracts the tests kill.

A mutant is killed by a failing test or by a test that does not end. One that does not compile, or that compiles to the bytecode of
the original, is not counted. The tests of a contract's own name run first, then those that import it or test who does, then
all.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from audit.mutants import Mutant
from audit.verdicts import Ground, Verdicts
from audit.workspace import NOT_OPTIMISED, OPTIMISED, AuditError, Ended, Workspace, warm

# Little of each: what no test of a name kills, random calls seldom do.
_FUZZING = {
    "FOUNDRY_FUZZ_RUNS": "32",
    "FOUNDRY_FUZZ_SEED": "1",
    "FOUNDRY_INVARIANT_RUNS": "2",
    "FOUNDRY_INVARIANT_DEPTH": "100",
}
_LIMIT = 120.0  # twenty times what all tests take
_REPORT_EVERY = 50


class Outcome(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    BROKEN = "does not compile"
    SAME = "compiles to the same bytecode"


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant, and what became of it."""

    mutant: Mutant
    outcome: Outcome
    becomes: str


@dataclass(frozen=True, slots=True)
class _Stage:
    """Some of the tests, and how forge is told to run them."""

    tests: tuple[Path, ...]
    arguments: tuple[str, ...]


def _stages(root: Path, source: str) -> list[_Stage]:
    """The tests of one source: its own, those near it, all."""
    tests = sorted(
        path for path in (root / "test").rglob("*.t.sol") if path.name.removesuffix(".t.sol") not in OPTIMISED
    )
    stem = Path(source).stem
    importing = re.compile(rf'from "[^"]*/{re.escape(stem)}\.sol"')
    users = {path.stem for path in (root / "src").rglob("*.sol") if importing.search(path.read_text())}
    own = [test for test in tests if test.name.startswith(stem + ".")]
    near = [
        test
        for test in tests
        if test not in own and (importing.search(test.read_text()) or test.name.removesuffix(".t.sol") in users)
    ]
    return [
        *(
            _Stage(tuple(stage), ("--match-path", f"test/{{{','.join(_names(root, stage))}}}"))
            for stage in (own, near)
            if stage
        ),
        _Stage(tuple(tests), NOT_OPTIMISED),
    ]


def _names(root: Path, tests: Iterable[Path]) -> list[str]:
    # A pattern of one name in braces is read as that name; the empty one matches nothing and keeps the braces.
    return [*(str(test.relative_to(root / "test")) for test in tests), ""]


def _bytecode(root: Path) -> str:
    """A hash of everything that forge compiled, tests too, as an internal function has bytecode only where it is used."""
    digest = hashlib.sha256()
    for artifact in sorted((root / "out").rglob("*.json")):
        if "build-info" not in artifact.parts:
            parsed = json.loads(artifact.read_text())
            for kind in ("bytecode", "deployedBytecode"):
                digest.update(f"{artifact.name}:{parsed.get(kind, {}).get('object', '')};".encode())
    return digest.hexdigest()


def _verdict(ended: Ended) -> Outcome:
    if ended.code is None:
        return Outcome.KILLED
    if ended.code == 0:
        return Outcome.SURVIVED
    if "Compiler run failed" in ended.text:
        return Outcome.BROKEN
    if "[FAIL" in ended.text:
        return Outcome.KILLED
    raise AuditError(f"forge test ended with {ended.code}, and no test failed:\n{ended.text[-2000:]}")


class _Bench:
    """One copy of the contracts, in which one mutant after another is tried."""

    def __init__(self, workspace: Workspace, verdicts: Verdicts) -> None:
        self._workspace = workspace.with_environment(**_FUZZING)
        self._verdicts = verdicts
        self._grounds: dict[str, Ground] = {}
        self._must_pass()
        self._bytecode = _bytecode(workspace.root)

    def _must_pass(self) -> None:
        ended = self._workspace.run("forge", "test", *NOT_OPTIMISED)
        if ended.code != 0:
            raise AuditError(f"the tests fail without any mutant:\n{ended.text[-4000:]}")

    def try_out(self, mutant: Mutant) -> Tried:
        path = self._workspace.root / mutant.source
        original = path.read_bytes()
        mutated = mutant.apply(original)
        stages = _stages(self._workspace.root, mutant.source)
        keys = self._ground(mutant.source, stages).keys(mutated)
        known = next((found for found in map(self._verdicts.find, keys) if found is not None), None)
        if known is not None:
            return Tried(mutant, Outcome(known), mutant.becomes(original))
        path.write_bytes(mutated)
        try:
            outcome, fell = self._outcome(stages)
        finally:
            path.write_bytes(original)
        self._verdicts.keep(keys[fell], outcome.value)
        return Tried(mutant, outcome, mutant.becomes(original))

    def _ground(self, source: str, stages: list[_Stage]) -> Ground:
        if source not in self._grounds:
            self._grounds[source] = Ground(self._workspace.root, source, [stage.tests for stage in stages])
        return self._grounds[source]

    def _outcome(self, stages: list[_Stage]) -> tuple[Outcome, int]:
        """What becomes of the mutant that is in place, and at which stage that was known."""
        for number, stage in enumerate(stages):
            outcome = _verdict(self._workspace.run("forge", "test", "--fail-fast", *stage.arguments, limit=_LIMIT))
            if outcome is not Outcome.SURVIVED:
                return outcome, number
        same = _bytecode(self._workspace.root) == self._bytecode
        return Outcome.SAME if same else Outcome.SURVIVED, len(stages) - 1


def run(mutants: list[Mutant], workspaces: list[Workspace], say: Callable[[str], None]) -> list[Tried]:
    """Try every mutant, one at a time in each copy."""
    waiting: Iterator[Mutant] = iter(mutants)
    tried: list[Tried] = []
    lock = threading.Lock()
    verdicts = Verdicts()

    def work(bench: _Bench) -> None:
        while True:
            with lock:
                mutant = next(waiting, None)
            if mutant is None:
                return
            done = bench.try_out(mutant)
            with lock:
                tried.append(done)
                if done.outcome is Outcome.SURVIVED:
                    say(f"survived: {mutant.source}:{mutant.line} {mutant.mutator}: {done.becomes}")
                if len(tried) % _REPORT_EVERY == 0:
                    say(f"{len(tried)} of {len(mutants)} mutants tried")

    with ExitStack() as stack:
        benches = [_Bench(stack.enter_context(warm(workspace, lean=True)), verdicts) for workspace in workspaces]
        with ThreadPoolExecutor(len(benches)) as pool:
            working = [pool.submit(work, bench) for bench in benches]
            try:
                for worker in working:
                    worker.result()
            except BaseException:
                waiting = iter(())  # the other worker ends after the mutant that it has
                raise
    return sorted(tried, key=lambda each: (each.mutant.source, each.mutant.start, each.mutant.end, each.mutant.text))
