"""The generated Solidity verifier of a model, compiled."""

from __future__ import annotations

import re

from bridge.core.progress import Progress, silent
from bridge.errors import CompileFailed
from bridge.solidity import solc
from bridge.solidity.artifact import Artifact

_UNIT = "Halo2Verifier.sol"
_CONTRACT = "Halo2Verifier"
_RUNS = 1
"""More runs only inflate the code: 18.0 KB became 27.6 KB, over EIP-170, at a million runs."""


def verifier_input(source: str, evm: str) -> str:
    """The standard-JSON input for a generated verifier. Raises `CompileFailed` if the source is not one."""
    if not re.search(rf"^contract {_CONTRACT}\b", source, flags=re.MULTILINE):
        raise CompileFailed(unit=_UNIT, reason=f"the source holds no contract {_CONTRACT}")
    return solc.standard_json({_UNIT: source}, runs=_RUNS, evm=evm)


def compile_verifier(source: str, evm: str, progress: Progress = silent) -> Artifact:
    """Compile a generated verifier. Raises `SolcMissing`, `CompileFailed`."""
    return solc.compile_contract(verifier_input(source, evm), _UNIT, _CONTRACT, progress)
