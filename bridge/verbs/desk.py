"""Requests that are paid for at the desk."""

from __future__ import annotations

from bridge.chain import desk
from bridge.chain.answer import Receipt
from bridge.connection import Connection
from bridge.core.bundle import Bundle
from bridge.core.commitment import domain
from bridge.core.progress import Progress, silent
from bridge.core.request import Offer, PaidRequest
from bridge.core.rows import Row, row_json
from bridge.core.word import Hex32
from bridge.errors import RequestUnknown
from bridge.prover.commit import commit


def ask(
    bundle: Bundle, row: Row, connection: Connection, offer: Offer, *, progress: Progress = silent
) -> tuple[Hex32, Receipt]:
    """Ask at the desk for the inference of one row, and pay for it. Each call is a request of its own.

    Raises members of `InputError`, `ChainError`, `AccountError`.
    """
    core = connection.core()
    commitment = commit(bundle, row, domain(core.rpc.chain_id, core.ledger.address), progress=progress)
    specs = [tensor.spec for tensor in bundle.manifest.circuit.row.inputs]
    progress("asking at the desk")
    return desk.ask(connection.wallet(), core.desk, bundle.model_id, commitment, row_json(row, specs), offer)


def chain_time(connection: Connection) -> int:
    """Of the newest block, in seconds since 1970: what a contract takes for now, or a little before."""
    block = connection.rpc.block()
    return 0 if block is None else block.timestamp


def paid_request(connection: Connection, request_id: Hex32) -> PaidRequest:
    """A request as the desk keeps it. Raises `RequestUnknown`, members of `ChainError`."""
    found = desk.request_of(connection.core().desk, request_id)
    if found is None:
        raise RequestUnknown(request_id=request_id)
    return found


def refund(connection: Connection, request_id: Hex32) -> Receipt:
    """Have the fee of a request sent back that nobody fulfilled in time. Anybody may. Raises members of `ChainError`."""
    paid_request(connection, request_id)
    return desk.refund(connection.wallet(), connection.core().desk, request_id)
