"""One generated file, and the lines that templates put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WARNING = "Written by `proofbridge model codegen` from a model's bundle: generate it again, do not edit it."


@dataclass(frozen=True, slots=True)
class Source:
    """A file's name and its text."""

    file: str
    text: str


def lines(parts: Iterable[str], depth: int = 0) -> str:
    """Lines of code at a depth of so many spaces; what is empty stays empty."""
    return "\n".join(" " * depth + part if part else "" for part in "\n".join(parts).split("\n"))
