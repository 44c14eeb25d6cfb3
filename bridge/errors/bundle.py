"""A bundle directory that cannot be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors.root import BridgeError


class BundleError(BridgeError):
    """A bundle directory that cannot be used."""


@dataclass(eq=False)
class BundleMissing(BundleError):
    """There is no bundle, or more than one, at a path."""

    path: Path
    found: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        if self.found:
            return f"{self.path} holds several bundles: {', '.join(self.found)}"
        return f"there is no bundle at {self.path} (no manifest.json)"

    @property
    def fix(self) -> str:
        return (
            "Name one bundle directory"
            if self.found
            else "Make one with: proofbridge model build MODEL.onnx --sample S --out DIR"
        )


@dataclass(eq=False)
class BundleCorrupt(BundleError):
    """A file of the bundle is not what its manifest says."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"the bundle file {self.path} is not what was built: {self.reason}"

    @property
    def fix(self) -> str:
        return "Do not use this bundle; build it again from the ONNX file"
