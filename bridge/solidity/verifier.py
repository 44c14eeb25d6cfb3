"""The generated Solidity verifiers, compiled: one for each model, or one for many."""

from __future__ import annotations

import re

from bridge.core.progress import Progress, silent
from bridge.errors import CompileFailed
from bridge.solidity import solc
from bridge.solidity.artifact import Artifact

_OWN = "Halo2Verifier"
_REUSABLE = "Halo2VerifierReusable"
FEW_RUNS = 1
"""For a small contract: at a million runs 18.0 KB became 27.6 KB, over EIP-170."""
MANY_RUNS = 1_000_000
"""For little gas where there is room."""


def verifier_input(source: str, evm: str, name: str = _OWN, runs: int = FEW_RUNS) -> str:
    """The standard-JSON input for a generated verifier. Raises `CompileFailed` if the source is not one."""
    if not re.search(rf"^contract {name}\b", source, flags=re.MULTILINE):
        raise CompileFailed(unit=_unit(name), reason=f"the source holds no contract {name}")
    return solc.standard_json({_unit(name): source}, runs=runs, evm=evm)


def compile_verifier(source: str, evm: str, *, runs: int = FEW_RUNS, progress: Progress = silent) -> Artifact:
    """Compile the generated verifier of one model; `runs` is the optimizer's. Raises `SolcMissing`, `CompileFailed`."""
    return solc.compile_contract(verifier_input(source, evm, runs=runs), _unit(_OWN), _OWN, progress)


def compile_reusable_verifier(source: str, evm: str, progress: Progress = silent) -> Artifact:
    """Compile the generated verifier of many models. Raises `SolcMissing`, `CompileFailed`."""
    return solc.compile_contract(verifier_input(source, evm, _REUSABLE), _unit(_REUSABLE), _REUSABLE, progress)


def _unit(name: str) -> str:
    return f"{name}.sol"
