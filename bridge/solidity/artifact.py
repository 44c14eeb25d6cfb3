"""A compiled contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.core.word import Hex32, hex32, keccak256


@dataclass(frozen=True, slots=True)
class Artifact:
    """What solc made of one contract, with the input that makes it again."""

    name: str
    abi: list[dict[str, Any]]
    creation: bytes
    """Creation code without constructor arguments."""
    runtime: bytes
    """Runtime code; immutables are zero in it."""
    standard_json: str
    """The standard-JSON input, whole."""
    solc: str
    evm: str
    immutables: tuple[tuple[int, int], ...] = ()
    """Where in `runtime` a constructor writes: start and length in bytes."""

    @property
    def runtime_hash(self) -> Hex32:
        """keccak256 of the runtime code: what EXTCODEHASH says of a contract without immutables."""
        return hex32(keccak256(self.runtime))

    def without_immutables(self, code: bytes) -> bytes:
        """Code of a chain with zeros where a constructor writes: it equals `runtime` if this artifact was deployed."""
        blank = bytearray(code)
        for start, length in self.immutables:
            blank[start : start + length] = bytes(len(blank[start : start + length]))
        return bytes(blank)
