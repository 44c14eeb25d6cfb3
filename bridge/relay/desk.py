"""The desk, watched: requests that pay become jobs, and a proof becomes a claim and a fulfilment.

A request is looked at before anything is paid for it: whether its input is the one that it commits to, whether the circuit takes
it, whether the fee is worth it. It is claimed with the proof in hand, so a claim never lapses for want of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bridge.chain.contract import CoreContracts
from bridge.chain.desk import Asking, askings, request_of
from bridge.chain.nodes import Nodes
from bridge.chain.preset import Preset
from bridge.core.batch import BatchRow
from bridge.core.bundle import Bundle
from bridge.core.commitment import domain
from bridge.core.request import PaidRequest, RequestState
from bridge.core.rows import parse_row
from bridge.core.word import Address, Hex32, hex32, keccak256, to_bytes
from bridge.errors import (
    CircuitError,
    EngineFailed,
    InputError,
    RequestDeclined,
    RequestLost,
    RequestUnknown,
    RequestUnprofitable,
)
from bridge.prover.commit import commit
from bridge.relay.artifacts import Artifacts
from bridge.relay.cursor import Cursor
from bridge.relay.job import Request
from bridge.relay.journal import Journal
from bridge.relay.submission import Call
from bridge.relay.submit import BatchStatement, Statement
from bridge.relay.terms import CLAIM_GAS, FULFIL_GAS, Price, Terms, unfit, unprofitable

MAX_INPUT_BYTES = 2**20
"""A longer input is nobody's row."""
_LOG = structlog.get_logger("relay")


@dataclass(frozen=True, slots=True)
class Served:
    """A model that requests are taken for."""

    bundle: Bundle
    digest: str
    """sha256 of its manifest, under which the store has it."""


class Desk:
    """The desk of one chain. Use it from one thread, but for `calls`."""

    def __init__(
        self,
        core: CoreContracts,
        nodes: Nodes,
        preset: Preset,
        journal: Journal,
        store: Artifacts,
        cursor: Cursor,
        served: Mapping[Hex32, Served],
        ours: Sequence[Address],
        terms: Terms,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`served` are models by id; `ours` are the keys that claim."""
        self._core = core
        self._nodes = nodes
        self._preset = preset
        self._journal = journal
        self._store = store
        self._cursor = cursor
        self._served = served
        self._ours = frozenset(ours)
        self._terms = terms
        self._clock = clock
        self._decided: dict[Hex32, int] = {}
        self._tag = domain(core.rpc.chain_id, core.ledger.address)

    def look(self) -> None:
        """Find what was asked for since the last look, and give up what somebody else claimed.

        Blocks that a reorganisation could take are looked at each time. Raises members of `ChainError`, `DatabaseError`,
        `EngineError`; what was found before that is kept.
        """
        self._give_up()
        if not self._served:
            return
        known = self._cursor.block()
        first = self._core.first_block if known is None else known + 1
        # A node that lags has no logs of what it has not seen, and says nothing: its own head bounds what it was asked.
        head = self._core.rpc.block_number()
        final = min(head, self._nodes.final_number(self._preset.finality_depth))
        span, moves = self._preset.log_range, True
        while first <= head:
            last = min(first + span - 1, head)
            waits = [
                asking.block_number
                for asking in askings(self._core.desk, first, last, span=span)
                if not self._is_decided(asking)
            ]
            settled = min([final, last, *(block - 1 for block in waits)])
            if moves and settled >= first:
                self._cursor.move(settled)
                self._decided = {each: block for each, block in self._decided.items() if block > settled}
            moves = (
                moves and settled == last
            )  # it waits for what is undecided; what comes after is looked at all the same
            first = last + 1

    def calls(
        self, request_id: Hex32, bundle: Bundle, said: Statement | BatchStatement, row: BatchRow | None
    ) -> tuple[Call, ...]:
        """What fulfils a request, now that there is a proof: what that took is spent, and counts no more.

        Raises `RequestLost`, `RequestUnprofitable`, `RequestUnknown`, members of `ChainError`.
        """
        request = request_of(self._core.desk, request_id)
        if request is None:
            raise RequestUnknown(request_id=request_id)
        self._check_open(request)
        self._check_worth(request, bundle, 0.0)
        claim = Call(
            _statement("claim", self._core.desk.address, request_id),
            self._core.desk.address,
            "claim",
            self._core.desk.abi.call("claim", to_bytes(request_id)),
            request.bond,
        )
        if isinstance(said, Statement):
            return claim, self._fulfilment(request_id, "fulfil", to_bytes(request_id), said.output, said.proof)
        if row is None:
            raise ValueError("of a batch one row is the answer")
        path = [to_bytes(node) for node in row.path]
        answer = [(to_bytes(request_id), path, to_bytes(row.output))]
        root = Call(
            said.key,
            self._core.ledger.address,
            said.function,
            self._core.ledger.abi.call(said.function, *said.arguments),
        )
        return root, claim, self._fulfilment(request_id, "fulfilFromBatch", to_bytes(said.key), answer)

    def _fulfilment(self, request_id: Hex32, function: str, *arguments: object) -> Call:
        desk = self._core.desk
        calldata = desk.abi.call(function, *arguments)
        return Call(_statement("fulfil", desk.address, request_id), desk.address, function, calldata)

    def _is_decided(self, asking: Asking) -> bool:
        """Whether a request needs no further look: it is a job, or none for us."""
        if asking.request_id in self._decided:
            return True
        served = self._served.get(asking.model_id)
        if served is not None:
            request = request_of(self._core.desk, asking.request_id)
            if request is None:
                return False  # the event is there and the request is not: the node is between two blocks
            try:
                self._check_open(request)
                self._take(asking, request, served)
            except RequestLost as error:
                _LOG.info("request lost", request=asking.request_id, said=error.what)
            except (RequestDeclined, InputError, CircuitError, EngineFailed) as error:
                _LOG.info("request declined", request=asking.request_id, said=error.what)
            except RequestUnprofitable as error:
                _LOG.info("request waits", request=asking.request_id, said=error.what)
                return False
        self._decided[asking.request_id] = asking.block_number
        return True

    def _take(self, asking: Asking, request: PaidRequest, served: Served) -> None:
        """Write a request down as a job."""
        bundle = served.bundle
        never = unfit(request, self._terms)
        if never is not None:
            raise RequestDeclined(request_id=request.request_id, reason=never)
        self._check_worth(request, bundle, bundle.manifest.measurements.prove_seconds)
        if len(asking.input) > MAX_INPUT_BYTES:
            reason = f"its input has {len(asking.input)} bytes, at most {MAX_INPUT_BYTES} are read"
            raise RequestDeclined(request_id=request.request_id, reason=reason)
        tensors = bundle.manifest.circuit.row.inputs
        row = parse_row(asking.input, f"the request {request.request_id}", [tensor.spec for tensor in tensors])
        commitment = commit(bundle, row, self._tag)
        if commitment != request.input_commitment:
            reason = f"its input commits to {commitment}, and it asks for {request.input_commitment}"
            raise RequestDeclined(request_id=request.request_id, reason=reason)
        name = self._store.put_row(row, tensors)
        wanted = Request(
            self._core.rpc.chain_id,
            bundle.model_id,
            served.digest,
            name,
            deadline=float(request.end),
            request_id=request.request_id,
        )
        job = self._journal.request(f"desk {self._core.desk.address} {request.request_id}", wanted)
        _LOG.info("request taken", request=request.request_id, job=job.id, fee_wei=request.fee)

    def _check_worth(self, request: PaidRequest, bundle: Bundle, seconds: float) -> None:
        """Raises `RequestUnprofitable`, `RequestDeclined` where what it costs is not known."""
        verify_gas = bundle.manifest.measurements.verify_gas
        if verify_gas is None:
            reason = "the bundle does not say what a verification costs; build it where Anvil is at hand"
            raise RequestDeclined(request_id=request.request_id, reason=reason)
        head = self._nodes.head()
        if head.base_fee_wei is None:
            price = self._nodes.any(lambda rpc: rpc.gas_price())
        else:
            price = head.base_fee_wei + self._nodes.any(lambda rpc: rpc.priority_fee())
        gas = CLAIM_GAS + FULFIL_GAS + verify_gas + request.callback_gas
        not_now = unprofitable(request, Price(gas, price, seconds), self._terms)
        if not_now is not None:
            raise RequestUnprofitable(request_id=request.request_id, reason=not_now)

    def _check_open(self, request: PaidRequest) -> None:
        if request.state is not RequestState.OPEN or self._clock() > request.end:
            state = request.state.label if request.state is not RequestState.OPEN else "over"
            raise RequestLost(request_id=request.request_id, state=state, claimer=request.claimer)

    def _give_up(self) -> None:
        """What somebody else claimed is neither proved nor paid for any more."""
        for job in self._journal.at_the_desk(self._core.rpc.chain_id):
            request_id = job.request.request_id
            request = None if request_id is None else request_of(self._core.desk, request_id)
            if request is None or request.claimer in self._ours:
                continue
            try:
                self._check_open(request)
            except RequestLost as error:
                self._journal.failed(job, error)
                _LOG.info("request lost", request=request_id, job=job.id, said=error.what)


def _statement(step: str, desk: Address, request_id: Hex32) -> Hex32:
    """What a call at the desk is known by: one claim and one fulfilment for each request."""
    return hex32(keccak256(step.encode() + to_bytes(desk) + to_bytes(request_id)))
