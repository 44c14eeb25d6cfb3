"""The trusted setup."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors.root import BridgeError


class SetupError(BridgeError):
    """The trusted setup (structured reference string, SRS)."""


@dataclass(eq=False)
class SrsUnavailable(SetupError):
    """No SRS of the needed size could be had."""

    logrows: int
    tried: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"no trusted setup for 2^{self.logrows} rows was found (tried: {', '.join(self.tried)})"

    @property
    def fix(self) -> str:
        return f"Run: proofbridge srs fetch {self.logrows}, or give the file with --srs"


@dataclass(eq=False)
class SrsHashMismatch(SetupError):
    """The SRS file is not the one its name or key promises."""

    path: Path
    expected: str
    got: str

    @property
    def what(self) -> str:
        return f"the trusted setup {self.path} has sha256 {self.got}, expected {self.expected}"

    @property
    def fix(self) -> str:
        return "Delete the file and fetch it again from a source you trust"


@dataclass(eq=False)
class SrsMalformed(SetupError):
    """Not an SRS file at all."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"{self.path} is not a KZG trusted setup: {self.reason}"

    @property
    def fix(self) -> str:
        return "Give a raw halo2 KZG file, as ezkl get-srs downloads it"


@dataclass(eq=False)
class NoSetupInside(SetupError):
    """What was looked into tells nothing of a trusted setup."""

    where: str
    reason: str

    @property
    def what(self) -> str:
        return f"no trusted setup can be seen in {self.where}: {self.reason}"

    @property
    def fix(self) -> str:
        return (
            "Give a setup file, a bundle, a verifying key with its circuit beside it, a generated verifier's source or code, "
            "or the address of one"
        )


@dataclass(eq=False)
class DevelopmentSetupRefused(SetupError):
    """Whoever made a development setup can forge every proof; it must not leave a local chain."""

    model_id: str
    chain: str

    @property
    def what(self) -> str:
        return (
            f"the key of model {self.model_id} is not built on a public ceremony, so whoever made its setup can "
            f"forge proofs; it is refused on {self.chain}"
        )

    @property
    def fix(self) -> str:
        return "Rebuild the model with a public ceremony: proofbridge srs fetch K, then proofbridge model build"
