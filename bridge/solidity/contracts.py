"""Our own contracts, compiled from `contracts/src` with OpenZeppelin's sources from npm."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from bridge.core.progress import Progress, silent
from bridge.solidity import evm, solc
from bridge.solidity.artifact import Artifact
from bridge.toolchain import assets, npm

CORE = (
    "ModelRegistry",
    "EzklVerifier",
    "EzklReusableVerifier",
    "SignedInferenceVerifier",
    "InferenceLedger",
    "InferenceIndex",
    "InferenceDesk",
    "InputOpening",
)
"""The contracts that stand once on every chain, in the order in which they need each other."""

ADAPTERS = ("EzklVerifier", "EzklReusableVerifier", "SignedInferenceVerifier")
"""Those of them that check proofs, in the order of the ledger's routes."""

METADATA = "CircuitMetadata"
"""What explorers know of one model, where its owner wants it."""

_RUNS = 1_000_000
"""They are called often and deployed once; contracts/foundry.toml measures with the same."""
_IMPORT = re.compile(r"""^\s*import\s+(?:[^"';]*?from\s+)?["']([^"']+)["']\s*;""", re.MULTILINE | re.DOTALL)


def compile_core(progress: Progress = silent) -> dict[str, Artifact]:
    """Compile `CORE` and `METADATA` in one go, by name. Raises `SolcMissing`, `CompileFailed`, `ToolMissing`."""
    units = {name: f"src/{name}.sol" for name in (*CORE, METADATA)}
    input_json = solc.standard_json(_closure(tuple(units.values()), progress), runs=_RUNS, evm=evm.CORE)
    return {name: solc.compile_contract(input_json, unit, name, progress) for name, unit in units.items()}


def _closure(units: tuple[str, ...], progress: Progress) -> dict[str, str]:
    """Every source that `units` reach through their imports, by unit name: only those, so that the input is minimal."""
    sources: dict[str, str] = {}
    waiting = list(units)
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
