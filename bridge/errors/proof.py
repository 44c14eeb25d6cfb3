"""A proof that is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors.root import BridgeError


class ProofError(BridgeError):
    """A proof that cannot be submitted."""


@dataclass(eq=False)
class ProofMalformed(ProofError):
    """A proof file that cannot be parsed."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"{self.path} is not a proof file: {self.reason}"

    @property
    def fix(self) -> str:
        return "Make one with: proofbridge prove DIR --input X --out proof.json"


@dataclass(eq=False)
class ProofInvalid(ProofError):
    """The proof does not verify locally, so nobody should pay for it."""

    model_id: str
    reason: str

    @property
    def what(self) -> str:
        return f"the proof does not verify against model {self.model_id}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Prove the input again; nothing was sent"


@dataclass(eq=False)
class ProofOfAnotherModel(ProofError):
    """The proof names another model than the bundle."""

    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"the proof is for model {self.got}, but the bundle is model {self.expected}"

    @property
    def fix(self) -> str:
        return "Give the bundle that the proof was made with"
