"""The database."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors.root import BridgeError


class DatabaseError(BridgeError):
    """The database of relayer and index cannot be used."""


@dataclass(eq=False)
class DatabaseFailed(DatabaseError):
    """It does not answer, or not as a database of ours."""

    place: str
    reason: str

    @property
    def what(self) -> str:
        return f"the database {self.place} cannot be used: {self.reason}"

    @property
    def fix(self) -> str:
        return "Check --database (sqlite:///FILE or postgresql://HOST/NAME) and that the server runs"
