"""The desk of a chain: requests made and taken back, and read by id and by the events that tell of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from eth_utils import to_checksum_address

from bridge.chain.answer import Receipt
from bridge.chain.contract import Contract, core_abis
from bridge.chain.log import scan
from bridge.chain.transaction import Wallet
from bridge.core.request import NATIVE, Offer, PaidRequest, RequestState
from bridge.core.word import Address, Hex32, hex32, to_bytes
from bridge.errors import RpcFailed


@dataclass(frozen=True, slots=True)
class Asking:
    """What an event tells of a new request. Nothing of it is proven but what the desk keeps, see `request_of`."""

    request_id: Hex32
    model_id: Hex32
    input: bytes
    """As its requester gave it."""
    block_number: int
    tx_hash: Hex32


def ask(
    wallet: Wallet, desk: Contract, model_id: Hex32, input_commitment: Hex32, given: bytes, offer: Offer
) -> tuple[Hex32, Receipt]:
    """Ask for an inference and pay for it; each call is another request. Its id, and the receipt.

    Raises members of `ChainError`, `AccountError`; `TransactionPending` holds the hash of what was sent.
    """
    order = (
        int(model_id, 16),
        to_bytes(input_commitment),
        offer.callback,
        offer.callback_gas,
        offer.deadline,
        offer.claim_seconds,
        NATIVE,
        offer.fee,
        offer.bond,
    )
    data = desk.abi.call("request", order, given)
    receipt = wallet.execute(desk.address, data, label="request", abis=core_abis(), value=offer.fee)
    for asking in askings(desk, receipt.block_number, receipt.block_number, span=1):
        if asking.tx_hash == receipt.tx_hash:
            return asking.request_id, receipt
    reason = f"the node shows no event of transaction {receipt.tx_hash}; it may lag behind"
    raise RpcFailed(method="eth_getLogs", reason=reason)


def refund(wallet: Wallet, desk: Contract, request_id: Hex32) -> Receipt:
    """End a request that nobody fulfilled in time; whoever made it gets the fee. Raises members of `ChainError`."""
    data = desk.abi.call("refund", to_bytes(request_id))
    return wallet.execute(desk.address, data, label="refund", abis=core_abis())


def request_of(desk: Contract, request_id: Hex32) -> PaidRequest | None:
    """A request as the desk keeps it, None where it keeps none. Raises members of `ChainError`."""
    (held,) = desk.read("requestOf", to_bytes(request_id))
    claimer, end, claim_seconds, state, requester, deadline, callback_gas, fee, bond, model_id, commitment, token, _ = (
        held
    )
    if state == RequestState.NONE:
        return None
    try:
        known = RequestState(state)
    except ValueError:
        raise RpcFailed(method="InferenceDesk.requestOf", reason=f"{state} is no state of a request") from None
    return PaidRequest(
        request_id=request_id,
        model_id=hex32(model_id),
        input_commitment=hex32(commitment),
        requester=Address(to_checksum_address(requester)),
        claimer=Address(to_checksum_address(claimer)),
        state=known,
        end=end,
        deadline=deadline,
        claim_seconds=claim_seconds,
        token=Address(to_checksum_address(token)),
        fee=fee,
        bond=bond,
        callback_gas=callback_gas,
    )


def askings(desk: Contract, first: int, last: int, *, span: int) -> Iterator[Asking]:
    """The requests that were made in blocks first..last, in order. Raises members of `ChainError`."""
    for log in scan(desk.rpc, desk.address, [desk.abi.topic("Requested")], first, last, span=span):
        try:
            event = desk.abi.event(log.topics, log.data)
        except ValueError as error:
            raise RpcFailed(method="eth_getLogs", reason=str(error)) from None
        if event is not None:
            told = event.arguments
            request_id, model_id = hex32(told["requestId"]), hex32(told["modelId"])
            yield Asking(request_id, model_id, told["input"], log.block_number, log.tx_hash)
