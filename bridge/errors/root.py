"""The root of the tree."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any


class BridgeError(Exception):
    """Root of the tree. Catch this to catch everything proofbridge names."""

    @property
    def what(self) -> str:
        """One sentence: what failed, where, what was expected and what was found."""
        raise NotImplementedError

    @property
    def fix(self) -> str:
        """One sentence: what to do about it."""
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.what}. {self.fix}."

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes: an exception as Python has it would be made again from `args`, which are empty."""
        names: list[str] = [field.name for field in fields(self)] if is_dataclass(self) else []
        values = {name: getattr(self, name) for name in names}
        return _again, (type(self), values)


def _again(kind: type[BridgeError], values: dict[str, Any]) -> BridgeError:
    return kind(**values)
