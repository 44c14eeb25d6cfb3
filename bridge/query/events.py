"""The events that the index follows, and what each says. They are read by the ABI that solc wrote; the one that comes by the hundred
thousand is read by hand, and `tests/query/test_events.py` holds both readings together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.chain.block import RawLog
from bridge.chain.contract import Contract, CoreContracts
from bridge.chain.stretch import Watch
from bridge.core.word import WORD_BYTES, Hex32
from bridge.errors import EventMalformed
from bridge.solidity.abi import Abi, Event, contract_abi

FOLLOWED: Mapping[str, frozenset[str]] = {
    "ledger": frozenset({"ProofSystemRouted", "InferenceVerified", "BatchStored"}),
    "registry": frozenset(
        {
            "ModelRegistered",
            "ModelUpdated",
            "ModelDeprecated",
            "ModelTransferred",
            "LineCreated",
            "LineTransferred",
            "VersionAppended",
        }
    ),
    "adapter": frozenset({"ModelBound", "VerifierStopped", "ModelStopped"}),
    "desk": frozenset({"Requested", "Claimed", "Fulfilled", "Refunded", "CallbackSucceeded", "CallbackFailed"}),
}
"""By the part that a contract plays."""

_HEAD_BYTES = 2 * WORD_BYTES
_OFFSET = WORD_BYTES.to_bytes(WORD_BYTES, "big")


@dataclass(frozen=True, slots=True)
class Verified:
    """InferenceVerified."""

    model_id: Hex32
    input_commitment: Hex32
    caller: str
    """In small letters."""
    output: bytes


@dataclass(frozen=True, slots=True)
class Events:
    """The events of the core contracts of one chain."""

    watch: Watch
    ledger: str
    desk: str
    _abis: Mapping[str, Abi]
    """By address."""
    _verified: str
    """The first topic of `Verified`."""

    @classmethod
    def of(cls, core: CoreContracts) -> Events:
        """What is followed of these contracts."""
        topics, abis = dict[str, frozenset[str]](), dict[str, Abi]()
        for part, contract in _parts(core):
            address = contract.address.lower()
            topics[address] = frozenset(contract.abi.topic(name) for name in FOLLOWED[part])
            abis[address] = contract.abi
        first = contract_abi("InferenceLedger").topic("InferenceVerified")
        return cls(Watch.of(topics), core.ledger.address.lower(), core.desk.address.lower(), abis, first)

    def read(self, log: RawLog) -> Verified | Event:
        """What a log of a watched contract says. Raises `EventMalformed`."""
        try:
            if log.topics[0] == self._verified and log.address == self.ledger:
                return verified(log)
            event = self._abis[log.address].event(log.topics, log.data)
        except (ValueError, LookupError) as error:
            raise EventMalformed(block=log.block_number, log_index=log.index, reason=str(error)[:200]) from None
        if event is None:
            raise EventMalformed(block=log.block_number, log_index=log.index, reason="its ABI has no such event")
        return event


def verified(log: RawLog) -> Verified:
    """InferenceVerified, by hand. Raises ValueError."""
    _, model_id, commitment, caller = log.topics
    data = log.data
    length = int.from_bytes(data[WORD_BYTES:_HEAD_BYTES], "big")
    if data[:WORD_BYTES] != _OFFSET or len(data) != _HEAD_BYTES + length or length % WORD_BYTES:
        raise ValueError("its output is not whole words behind their length")
    if caller[2:26] != "0" * 24:
        raise ValueError("its caller is no address")
    return Verified(Hex32(model_id), Hex32(commitment), "0x" + caller[26:], data[_HEAD_BYTES:])


def _parts(core: CoreContracts) -> tuple[tuple[str, Contract], ...]:
    """Each contract with the part that it plays."""
    adapters = (("adapter", adapter) for adapter in core.adapters)
    return (("ledger", core.ledger), ("registry", core.registry), *adapters, ("desk", core.desk))
