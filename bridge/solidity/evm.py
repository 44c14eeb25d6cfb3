"""EVM versions, from the oldest to the newest, as solc names them."""

from __future__ import annotations

from bridge.errors import EvmTooOld, OptionInvalid

VERSIONS = ("london", "paris", "shanghai", "cancun", "prague", "osaka")

UNIVERSAL = "paris"
"""What every preset is known to run. A model's verifier is part of its identity (its code hash stands in the model id), so
it is built once for this version and has the same id on every chain; the newer PUSH0 would save about 3% of its code."""


CORE = "cancun"
"""What the core contracts are compiled for, on every chain, so that they have the same addresses on all. OpenZeppelin's
libraries need it; `PROBE` asks a chain whether it runs it."""

PROBE = bytes.fromhex("5f5f5f5e00")
"""Creation code that copies no memory: PUSH0, PUSH0, PUSH0, MCOPY, STOP. MCOPY came with Cancun (EIP-5656)."""


def check_version(name: str) -> str:
    """The name itself. Raises `OptionInvalid`."""
    if name not in VERSIONS:
        raise OptionInvalid(option="--evm-version", got=name, expected=f"one of {', '.join(VERSIONS)}")
    return name


def check_runs(unit: str, built_for: str, chain_knows: str) -> None:
    """Refuse code that a chain may not be able to run. Raises `EvmTooOld`."""
    if VERSIONS.index(check_version(built_for)) > VERSIONS.index(check_version(chain_knows)):
        raise EvmTooOld(unit=unit, built_for=built_for, chain_knows=chain_knows)
