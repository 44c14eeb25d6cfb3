"""What a chain accepts. The numbers differ between chains and change with forks, so they are data of a preset."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import CodeTooLarge, GasAboveCap, InitcodeTooLarge


@dataclass(frozen=True, slots=True)
class Limits:
    """The three gates that a deployment passes."""

    runtime_bytes: int = 24_576
    """EIP-170"""
    initcode_bytes: int = 49_152
    """EIP-3860"""
    transaction_gas: int = 16_777_216
    """EIP-7825"""

    def check_code(self, unit: str, creation: bytes, runtime: bytes) -> None:
        """Raises `CodeTooLarge`, `InitcodeTooLarge`."""
        if len(runtime) > self.runtime_bytes:
            raise CodeTooLarge(unit=unit, size=len(runtime), limit=self.runtime_bytes)
        if len(creation) > self.initcode_bytes:
            raise InitcodeTooLarge(unit=unit, size=len(creation), limit=self.initcode_bytes)

    def check_gas(self, unit: str, gas: int) -> None:
        """Raises `GasAboveCap`."""
        if gas > self.transaction_gas:
            raise GasAboveCap(unit=unit, gas=gas, limit=self.transaction_gas)


ETHEREUM = Limits()
