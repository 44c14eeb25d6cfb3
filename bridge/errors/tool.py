"""What is not installed."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


@dataclass(eq=False)
class ExtraMissing(BridgeError):
    """A Python package that only some commands need is not installed."""

    package: str
    extra: str

    @property
    def what(self) -> str:
        return f"{self.package} is not installed, and this needs it"

    @property
    def fix(self) -> str:
        return f"Install it with: pip install 'proofbridge[{self.extra}]'"


@dataclass(eq=False)
class ToolMissing(BridgeError):
    """A program that proofbridge runs beside Python is not there."""

    tool: str
    tried: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"{self.tool} was not found (tried: {'; '.join(self.tried)})"

    @property
    def fix(self) -> str:
        return "Install Node.js 20 or newer with npm; proofbridge then installs its pinned tools by itself"
