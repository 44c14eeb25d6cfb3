"""What is known of each chain, as data. Any other EVM chain works by --rpc with the cautious defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.errors import ChainUnknown, OptionInvalid
from bridge.solidity.evm import UNIVERSAL
from bridge.solidity.limits import ETHEREUM, Limits

GWEI = 10**9

_LOCAL_CHAIN_IDS = frozenset({1337, 31337})


@dataclass(frozen=True, slots=True)
class Preset:
    """One chain. `chain_id` is None where it must be given by option."""

    name: str
    title: str
    chain_id: int | None
    rpc_url: str | None
    evm: str = UNIVERSAL
    """The newest EVM version the chain is known to run."""
    limits: Limits = ETHEREUM
    max_fee_wei: int = 500 * GWEI
    """Cap on the fee of one gas unless --max-fee-gwei says otherwise."""
    finality_depth: int | None = None
    """Blocks after which a block is taken for final; None: the chain says so itself, by its tag."""
    log_range: int = 2_000
    """Blocks in one eth_getLogs call."""
    note: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it is a development chain, on which nothing is at stake."""
        return self.chain_id in _LOCAL_CHAIN_IDS


PRESETS = (
    Preset(
        "anvil",
        "Anvil (local)",
        31337,
        "http://127.0.0.1:8545",
        evm="cancun",
        limits=Limits(transaction_gas=30_000_000),  # a whole block of it
        finality_depth=0,  # it reorganises only where it is told to
        log_range=10_000,
    ),
    Preset("sepolia", "Sepolia", 11155111, "https://ethereum-sepolia-rpc.publicnode.com", evm="cancun"),
    Preset("base-sepolia", "Base Sepolia", 84532, "https://sepolia.base.org", evm="cancun"),
    Preset("optimism-sepolia", "Optimism Sepolia", 11155420, "https://sepolia.optimism.io", evm="cancun"),
    Preset(
        "arbitrum-sepolia",
        "Arbitrum Sepolia",
        421614,
        "https://sepolia-rollup.arbitrum.io/rpc",
        evm="cancun",
        limits=Limits(transaction_gas=32_000_000),
    ),
    Preset(
        "opengradient",
        "OpenGradient",
        None,
        None,
        note="its public sources disagree on the chain id (10740 or 10744): give --chain-id and --rpc",
    ),
)


def limits_of(name: str) -> Limits:
    """What the chain of a preset accepts. Raises `ChainUnknown`."""
    return _named(name).limits


def preset(name: str, chain_id: int | None = None) -> Preset:
    """The preset of a name. Raises `ChainUnknown`, and `OptionInvalid` where the chain id is needed or contradicted."""
    found = _named(name)
    if found.chain_id is None:
        if chain_id is None:
            raise OptionInvalid(option="--chain-id", got="nothing", expected=f"the chain id of {found.title}")
        return replace(found, chain_id=chain_id)
    if chain_id is not None and chain_id != found.chain_id:
        raise OptionInvalid(option="--chain-id", got=str(chain_id), expected=f"{found.chain_id} for {found.title}")
    return found


def preset_of(chain_id: int) -> Preset:
    """The preset of a chain id, or cautious defaults for a chain that has none."""
    found = next((item for item in PRESETS if item.chain_id == chain_id), None)
    return found or Preset(f"chain-{chain_id}", f"chain {chain_id}", chain_id, None)


def _named(name: str) -> Preset:
    found = next((item for item in PRESETS if item.name == name), None)
    if found is None:
        raise ChainUnknown(name=name, known=tuple(item.name for item in PRESETS))
    return found
