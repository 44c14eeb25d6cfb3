"""What earlier runs said of a mutant, for as long as nothing that decided it has changed.

A verdict is a matter of the mutant, the tests that were run until it fell, everything that those import, and the compiler. All of
that is in the key that it is kept by; so a changed test forgets what it killed, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterable
from pathlib import Path

from audit.workspace import CHECKOUT

_IMPORT = re.compile(r'^\s*import\s+(?:[^"\';]*?from\s+)?["\']([^"\']+)["\']\s*;', re.MULTILINE | re.DOTALL)
_COMMENT_OR_TEXT = re.compile(rb'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TOOLS = ("package-lock.json", "scripts/audit/mutation.py", "scripts/audit/warm_solc.js")


def _code(source: bytes) -> bytes:
    """Solidity without its comments, which decide nothing."""
    return _COMMENT_OR_TEXT.sub(lambda found: found[0] if found[0][:1] in (b'"', b"'") else b" ", source)


def _closure(root: Path, files: Iterable[Path]) -> list[Path]:
    """These files and all that they import, but for OpenZeppelin, which the lock of npm stands for."""
    found: set[Path] = set()
    waiting = [path.resolve() for path in files]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            targets = _IMPORT.findall(path.read_text())
            waiting += [(path.parent / target).resolve() for target in targets if target.startswith(".")]
    return sorted(found, key=lambda path: path.relative_to(root.resolve()))


class Verdicts:
    """A file of verdicts, one to a line, in a folder that no commit holds."""

    def __init__(self, path: Path = CHECKOUT / ".venv-audit" / "verdicts.jsonl") -> None:
        """Read what is there."""
        self._path = path
        self._lock = threading.Lock()
        lines = path.read_text().splitlines() if path.exists() else []
        self._known = {row["key"]: row["outcome"] for row in map(json.loads, lines)}

    def find(self, key: str) -> str | None:
        """The outcome that is kept by a key."""
        return self._known.get(key)

    def keep(self, key: str, outcome: str) -> None:
        """Write an outcome down, at once: a run of hours may be ended at any time."""
        with self._lock:
            self._known[key] = outcome
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps({"key": key, "outcome": outcome}) + "\n")


class Ground:
    """What the verdicts on mutants of one source rest on, stage by stage."""

    def __init__(self, root: Path, source: str, stages: Iterable[Iterable[Path]]) -> None:
        """`root` holds the contracts; `stages` are the tests that each stage adds."""
        digest = hashlib.sha256(source.encode())
        for path in [*(CHECKOUT / tool for tool in _TOOLS), root / "foundry.toml"]:
            digest.update(path.read_bytes())
        for path in sorted((root.parent / "tests" / "vectors").rglob("*")):
            digest.update(path.read_bytes() if path.is_file() else b"")
        self._stages: list[bytes] = []
        for stage in stages:
            for path in _closure(root, [root / source, *stage]):
                digest.update(str(path.relative_to(root.resolve())).encode() + b"\0" + _code(path.read_bytes()) + b"\0")
            self._stages.append(digest.digest())

    def keys(self, mutated: bytes) -> list[str]:
        """For each stage the key of a verdict that fell there."""
        return [hashlib.sha256(stage + _code(mutated)).hexdigest() for stage in self._stages]
