"""An account that signs plain transactions, for tests that look at nodes and not at wallets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount

from tests.sim.world import CHAIN_ID, World

GWEI = 10**9
SOMEBODY = "0x" + "11" * 20


@dataclass(frozen=True, slots=True)
class Payer:
    """Signs with fees that can be told apart."""

    account: LocalAccount

    @property
    def address(self) -> str:
        """Who pays."""
        return str(self.account.address)

    def signed(
        self,
        nonce: int,
        *,
        fee: int = 10 * GWEI,
        tip: int | None = GWEI,
        gas: int = 21_000,
        to: str = SOMEBODY,
        data: bytes = b"",
        value: int = 1,
        chain_id: int | None = CHAIN_ID,
    ) -> str:
        """As eth_sendRawTransaction takes it; without a tip it is a legacy transaction."""
        fees = {"gasPrice": fee} if tip is None else {"maxFeePerGas": fee, "maxPriorityFeePerGas": tip}
        chain = {} if chain_id is None else {"chainId": chain_id}
        transaction: dict[str, Any] = {
            "nonce": nonce,
            "to": to,
            "value": value,
            "gas": gas,
            "data": data,
            **fees,
            **chain,
        }
        return "0x" + bytes(self.account.sign_transaction(transaction).raw_transaction).hex()


def payer(world: World, wei: int = 10_000 * 10**18) -> Payer:
    """A new one with coin on it."""
    return Payer(world.account(wei))
