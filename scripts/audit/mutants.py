"""The mutants of our contracts, as the mutators of slither-mutate make them.

Only their making is slither's. `slither-mutate` itself compiles each mutant twice and in the checkout, cannot find an import
by the remapping of forge, stops at the first mutator that fails on a contract, and neither says which mutants survived in a form
that can be explained nor goes on where one did.
"""

from __future__ import annotations

import inspect
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slither import Slither
from slither.tools.mutator.mutators import all_mutators
from slither.tools.mutator.mutators.abstract_mutator import AbstractMutator

from audit.workspace import Workspace

# FHR puts a second body behind each function that it changes, in slither 0.11.6: none of its mutants compiles.
_LEFT_OUT = frozenset({"FHR"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to one source: the bytes from `start` to `end` become `text`."""

    source: str
    mutator: str
    start: int
    end: int
    text: str
    line: int
    line_text: str

    def apply(self, original: bytes) -> bytes:
        """The source with the change."""
        return original[: self.start] + self.text.encode() + original[self.end :]

    def becomes(self, original: bytes) -> str:
        """What stands in the place of the changed lines, on one line."""
        first = original.rfind(b"\n", 0, self.start) + 1
        last = original.find(b"\n", self.end)
        last = len(original) if last < 0 else last
        changed = original[first : self.start] + self.text.encode() + original[self.end : last]
        return " ".join(changed.decode().split())


class _Part:
    """One function of a contract as a contract of its own, so that a mutator that fails on it fails on nothing else."""

    def __init__(self, contract: Any, functions: list[Any], variables: list[Any]) -> None:
        self.name = contract.name
        self.source_mapping = contract.source_mapping
        self.functions_and_modifiers_declared = functions
        self.state_variables_declared = variables


def _parts(contract: Any) -> Iterator[_Part]:
    yield _Part(contract, [], contract.state_variables_declared)
    for function in contract.functions_and_modifiers_declared:
        yield _Part(contract, [function], [])


def _patches(mutator: type[Any], unit: Any, part: _Part) -> list[dict[str, Any]]:
    try:
        made = mutator(unit, 0, "", "", part, None, False, Path(), [])._mutate()  # noqa: SLF001
    except (AttributeError, IndexError):
        return []  # it takes a function apart that it does not understand
    return [patch for patches in made.get("patches", {}).values() for patch in patches]


def _plain(source: bytes) -> bytes:
    """A source with one spelling for what means the same, whatever it is tested with.

    An initial zero: every variable starts at zero. The width of the counter of a loop, and where it is raised: no loop has
    2**128 turns, and the value of the expression is not used. Whether a loop that counts up by one to a length ends at it or when
    it is not below it. Whether what the compiler knows is a constant or an immutable. That
    what has no sign is not above zero, or is zero.
    """
    source = re.sub(rb"\b(u?int\d+ \w+)(?: = 0| );", rb"\1;", source)
    source = re.sub(rb"\bfor \(uint\d+ (\w+); \1 (?:<|!=) ([\w.]+); (?:\1\+\+|\+\+\1)\)", rb"for (\1 to \2)", source)
    source = re.sub(rb"(?<!signed)(?<!scale) <= 0\b", b" == 0", source)
    source = re.sub(rb"(?<!signed)(?<!scale) > 0\b", b" != 0", source)
    return re.sub(rb"\b(private|internal|public) (?:constant|immutable) (\w+ =)", rb"\1 fixed \2", source)


def generate(workspace: Workspace) -> list[Mutant]:
    """Every mutant of every contract under `src`, in the order of the sources, each once. Needs the build info of forge."""
    logging.disable(logging.CRITICAL)
    os.environ["PATH"] = workspace.environment["PATH"]  # slither asks forge for its configuration
    mutators: list[Any] = [
        kind
        for _, kind in inspect.getmembers(all_mutators, inspect.isclass)
        if issubclass(kind, AbstractMutator) and kind.__name__ not in {"AbstractMutator", *_LEFT_OUT}
    ]
    found: dict[tuple[str, bytes], Mutant] = {}
    for unit in Slither(str(workspace.root), ignore_compile=True).compilation_units:
        for contract in unit.contracts:
            path = Path(contract.source_mapping.filename.absolute)
            if contract.is_interface or not path.is_relative_to(workspace.root / "src"):
                continue
            source, original = str(path.relative_to(workspace.root)), path.read_bytes()
            plain = _plain(original)
            for part in _parts(contract):
                for mutator in mutators:
                    for patch in _patches(mutator, unit, part):
                        start, end, text = int(patch["start"]), int(patch["end"]), str(patch["new_string"])
                        line = original[:start].count(b"\n")
                        shown = original.splitlines()[line].decode().strip()
                        mutant = Mutant(source, mutator.NAME, start, end, text, line + 1, shown)
                        mutated = _plain(mutant.apply(original))
                        if mutated != plain:
                            found.setdefault((source, mutated), mutant)
    return sorted(
        found.values(), key=lambda mutant: (mutant.source, mutant.start, mutant.end, mutant.mutator, mutant.text)
    )
