"""Our own contracts, compiled from `contracts/src` with OpenZeppelin's sources from npm."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from bridge.core.progress import Progress, silent
from bridge.solidity import solc
from bridge.solidity.artifact import Artifact
from bridge.toolchain import assets, npm

CORE = ("ModelRegistry", "EzklVerifier", "InferenceGateway", "InferenceLedger")
"""The contracts that stand once on every chain, in the order in which they need each other."""

_RUNS = 200
_IMPORT = re.compile(r"""^\s*import\s+(?:[^"';]*?from\s+)?["']([^"']+)["']\s*;""", re.MULTILINE | re.DOTALL)


def compile_core(name: str, evm: str, progress: Progress = silent) -> Artifact:
    """Compile one of `CORE`. Raises `SolcMissing`, `CompileFailed`, `ToolMissing`."""
    unit = f"src/{name}.sol"
    sources = _closure(unit, progress)
    return solc.compile_contract(solc.standard_json(sources, runs=_RUNS, evm=evm), unit, name, progress)


def _closure(unit: str, progress: Progress) -> dict[str, str]:
    """Every source that `unit` reaches through its imports, by unit name: only those, so that the input is minimal."""
    sources: dict[str, str] = {}
    waiting = [unit]
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        sources[name] = _locate(name, progress).read_text()
        waiting += [_resolve(name, target) for target in _IMPORT.findall(sources[name])]
    return sources


def _resolve(importer: str, target: str) -> str:
    """The unit name that an import means (relative ones against the importer, as solc does)."""
    if not target.startswith("."):
        return target
    parts: list[str] = []
    for part in (PurePosixPath(importer).parent / target).parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _locate(name: str, progress: Progress) -> Path:
    return npm.node_modules(progress) / name if name.startswith("@") else assets.contracts() / name
