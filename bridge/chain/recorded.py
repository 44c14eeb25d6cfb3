"""When the ledger wrote its records: many read in one call, at one block, by code that is run and never deployed."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.chain import block
from bridge.chain.wire import Call, Wire
from bridge.core.word import WORD_BYTES, Hex32, hex_bytes, to_bytes
from bridge.errors import RpcFailed
from bridge.solidity.abi import contract_abi

_AT_ONCE = 500
"""Ids in one call: the ids are a part of the code, which EIP-3860 bounds, and the answer stands for code, which EIP-170 does."""
_HEAD_BYTES = 83
"""Before the ids."""


def record_blocks(wire: Wire, ledger: str, ids: Sequence[Hex32], at: Hex32) -> list[int]:
    """For each inference id the number of the block that its record names, 0 where it has none, as of the block with the hash `at`.

    Raises `RpcUnreachable`, and `RpcFailed`, also where the node no longer has the state of that block.
    """
    parts = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
    calls: list[Call] = [("eth_call", [{"data": hex_bytes(_code(ledger, part))}, {"blockHash": at}]) for part in parts]
    numbers: list[int] = []
    for part, answer in zip(parts, wire.ask_all(calls, together=8), strict=True):
        try:
            words = block.data(answer)
        except ValueError as error:
            raise RpcFailed(method="eth_call", reason=str(error)) from None
        if len(words) != WORD_BYTES * len(part):
            raise RpcFailed(method="eth_call", reason=f"{len(words)} bytes for {len(part)} records")
        numbers += [int.from_bytes(words[at : at + WORD_BYTES], "big") for at in range(0, len(words), WORD_BYTES)]
    return numbers


def batch_submitters(wire: Wire, ledger: str, roots: Sequence[Hex32], at: Hex32) -> list[str]:
    """Who submitted each batch, in small letters, as of a block. Raises as `record_blocks`, and `RpcFailed` where there is no such batch."""
    abi = contract_abi("InferenceLedger")
    calls: list[Call] = [
        ("eth_call", [{"to": ledger, "data": hex_bytes(abi.call("batchOf", to_bytes(root)))}, {"blockHash": at}])
        for root in roots
    ]
    try:
        answers = [abi.answer("batchOf", block.data(answer)) for answer in wire.ask_all(calls)]
    except ValueError as error:
        raise RpcFailed(method="eth_call", reason=str(error)) from None
    return [str(record[0]).lower() for (record,) in answers]


def _code(ledger: str, ids: Sequence[Hex32]) -> bytes:
    """Creation code that asks `recordOf` for every id that follows it, and returns the block numbers in place of a contract.

    Memory: the call's data from 0, its answer (a record, four words) from 0x40, the block numbers from 0xc0.
    """
    selector = contract_abi("InferenceLedger").call("recordOf", bytes(WORD_BYTES))[:4]
    count = len(ids).to_bytes(2, "big")
    head = (
        b"\x63" + selector + b"\x60\xe0\x1b\x5f\x52",  # MSTORE(0, selector << 224)
        b"\x5f\x5b",  # none is done; JUMPDEST at 11
        b"\x60\x20\x81\x60\x05\x1b\x60"
        + bytes([_HEAD_BYTES])
        + b"\x01\x60\x04\x39",  # CODECOPY(4, head + 32 * done, 32)
        b"\x60\x80\x60\x40\x60\x24\x5f\x73" + to_bytes(ledger) + b"\x5a\xfa",  # STATICCALL(gas, ledger, 0, 36, 64, 128)
        b"\x60\x80\x51\x02",  # MUL(success, MLOAD(128)): the third word of the record, or 0
        b"\x81\x60\x05\x1b\x60\xc0\x01\x52",  # MSTORE(192 + 32 * done, …)
        b"\x60\x01\x01",  # one more is done
        b"\x80\x61" + count + b"\x11\x60\x0b\x57",  # JUMPI(11, count > done)
        b"\x60\x05\x1b\x60\xc0\xf3",  # RETURN(192, 32 * done)
    )
    return b"".join(head) + b"".join(to_bytes(each) for each in ids)
