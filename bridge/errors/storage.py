"""The disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors.root import BridgeError


class StorageError(BridgeError):
    """The disk."""


@dataclass(eq=False)
class DiskFull(StorageError):
    """No space left; nothing half-written was kept."""

    path: Path

    @property
    def what(self) -> str:
        return f"the disk is full while writing {self.path}; nothing half-written was kept"

    @property
    def fix(self) -> str:
        return "Free some space and run the same command again"


@dataclass(eq=False)
class NotWritable(StorageError):
    """A place that cannot be written."""

    path: Path
    reason: str

    @property
    def what(self) -> str:
        return f"cannot write {self.path}: {self.reason}"

    @property
    def fix(self) -> str:
        return "Choose another folder or mend its permissions"
