"""The generated Solidity verifiers, compiled: one for each model, or one for many."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from bridge.core.commitment import EZKL_PROOF_SYSTEM, REUSABLE_PROOF_SYSTEM, proof_system_id, reusable_key_hash
from bridge.core.progress import Progress, silent
from bridge.core.word import Hex32, HexBytes, hex32, keccak256
from bridge.errors import CompileFailed
from bridge.solidity import solc
from bridge.solidity.artifact import Artifact

OWN = "Halo2Verifier"
REUSABLE = "Halo2VerifierReusable"
"""What ezkl calls the contracts that it generates."""
FEW_RUNS = 1
"""For a small contract: at a million runs 18.0 KB became 27.6 KB, over EIP-170."""
MANY_RUNS = 1_000_000
"""For little gas where there is room."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """What checks the proofs of one circuit on a chain: code of its own, or code for many circuits and an artifact."""

    code: Artifact
    vka: bytes = b""
    """The artifact that makes shared code check this circuit, in whole words; empty where the code is the circuit's own."""

    @property
    def vka_digest(self) -> Hex32:
        """What shared code knows the artifact by."""
        return hex32(keccak256(self.vka))

    @property
    def key_hash(self) -> Hex32:
        """The `vk_hash` of the models that it checks."""
        return reusable_key_hash(self.code.runtime_hash, self.vka_digest) if self.vka else self.code.runtime_hash

    @property
    def proof_system(self) -> HexBytes:
        """That of the models that it checks."""
        return proof_system_id(REUSABLE_PROOF_SYSTEM if self.vka else EZKL_PROOF_SYSTEM)

    @property
    def source(self) -> str:
        """The Solidity source that it was compiled from."""
        (unit,) = json.loads(self.code.standard_json)["sources"].values()
        return str(unit["content"])


def verifier_input(source: str, evm: str, name: str = OWN, runs: int = FEW_RUNS) -> str:
    """The standard-JSON input for a generated verifier. Raises `CompileFailed` if the source is not one."""
    if not re.search(rf"^contract {name}\b", source, flags=re.MULTILINE):
        raise CompileFailed(unit=unit_of(name), reason=f"the source holds no contract {name}")
    return solc.standard_json({unit_of(name): source}, runs=runs, evm=evm)


def compile_verifier(source: str, evm: str, *, runs: int = FEW_RUNS, progress: Progress = silent) -> Artifact:
    """Compile the generated verifier of one model; `runs` is the optimizer's. Raises `SolcMissing`, `CompileFailed`."""
    return solc.compile_contract(verifier_input(source, evm, runs=runs), unit_of(OWN), OWN, progress)


def compile_reusable_verifier(source: str, evm: str, progress: Progress = silent) -> Artifact:
    """Compile the generated verifier of many models. Raises `SolcMissing`, `CompileFailed`."""
    return solc.compile_contract(verifier_input(source, evm, REUSABLE), unit_of(REUSABLE), REUSABLE, progress)


def unit_of(name: str) -> str:
    """The file that a generated contract is said to be in."""
    return f"{name}.sol"
