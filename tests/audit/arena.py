"""Two chains with everything that the mangling table needs on them: every kind of verifier, real, with true statements.

The chains differ in their id alone; every contract has the same address on both.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import requests
from eth_account import Account

from bridge import verbs
from bridge.chain.answer import Log, Receipt
from bridge.chain.contract import Contract, CoreContracts, core_abis
from bridge.chain.transaction import Wallet
from bridge.circuit import srs
from bridge.circuit.reusable import reusable_verifier
from bridge.connection import Connection
from bridge.core.bundle import VERIFIER_CREATION, VERIFIER_RUNTIME, Bundle
from bridge.core.circuit import Circuit
from bridge.core.commitment import (
    EZKL_PROOF_SYSTEM,
    REUSABLE_PROOF_SYSTEM,
    SIGNED_PROOF_SYSTEM,
    ModelCommitment,
    circuit_words,
    domain,
    input_commitment,
    packed,
    proof_system_id,
)
from bridge.core.panel import Panel, packed_signatures, panel_hash, statement_digest
from bridge.core.proof import Proof
from bridge.core.word import Address, Hex32, hex32, hex_bytes, keccak256, to_bytes
from bridge.deploy.core import NOBODY
from bridge.deploy.create2 import place
from bridge.deploy.model import is_registered
from bridge.relay.submit import Statement
from bridge.solidity.abi import Abi, decode_revert
from bridge.solidity.contracts import compile_core
from bridge.solidity.verifier import Verifier

ENOUGH_GAS = 3_000_000
"""Several times what the dearest of the honest statements takes."""

NOT_STARTED, OUT_OF_GAS = "NotStarted", "OutOfGas"
_HALTS = {"intrinsic gas": NOT_STARTED, "OOG": OUT_OF_GAS, "OutOfGas": OUT_OF_GAS}
"""Part of Anvil's words where there is no revert data, and what it means."""

_BATCH = 64
_EMPTY_STORAGE = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
"""keccak256(rlp("")): the root of a trie that holds nothing."""


class Kind(Enum):
    """What stands behind a record."""

    PLAIN = "a verifier of its own"
    CARRIED = "a shared verifier, the artifact in the proof"
    STORED = "a shared verifier, the artifact stored"
    SIGNED = "a panel of signers"


SYSTEMS = {
    Kind.PLAIN: EZKL_PROOF_SYSTEM,
    Kind.CARRIED: REUSABLE_PROOF_SYSTEM,
    Kind.STORED: REUSABLE_PROOF_SYSTEM,
    Kind.SIGNED: SIGNED_PROOF_SYSTEM,
}


@dataclass(frozen=True, slots=True)
class Signers:
    """Keys of a panel, in the order of their addresses."""

    panel: Panel
    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, *names: str, threshold: int) -> Signers:
        keys = sorted(
            (keccak256(name.encode()) for name in names), key=lambda key: int(Account.from_key(key).address, 16)
        )
        return cls(Panel(NOBODY, threshold, tuple(Address(Account.from_key(key).address) for key in keys)), tuple(keys))

    def sign(self, position: int, digest: Hex32) -> bytes:
        return bytes(Account.unsafe_sign_hash(to_bytes(digest), self.keys[position]).signature)


@dataclass(frozen=True, slots=True)
class Model:
    """A model of one kind, with all that it takes to bind it."""

    kind: Kind
    commitment: ModelCommitment
    circuit: Circuit
    creation: bytes = b""
    runtime: bytes = b""
    vka: bytes = b""
    signers: Signers | None = None

    @property
    def id(self) -> Hex32:
        return self.commitment.model_id

    def named(self, name: str, system: str | None = None) -> Model:
        """Another model with the same circuit and key: what is true of the one would be proven of the other too."""
        changed = replace(self.commitment, model_hash=hex32(keccak256(name.encode())))
        if system is not None:
            changed = replace(changed, proof_system=proof_system_id(system))
        return replace(self, commitment=changed)


def model(kind: Kind, bundle: Bundle, *, key: Verifier | None = None, signers: Signers | None = None) -> Model:
    """The model of a bundle, as another kind of verifier would check it."""
    made = bundle.manifest.commitment
    if signers is not None:
        vk_hash, code = panel_hash(signers.panel), (b"", b"")
    elif key is not None:
        vk_hash, code = key.key_hash, (key.code.creation, key.code.runtime)
    else:
        vk_hash, code = made.vk_hash, (bundle.code(VERIFIER_CREATION), bundle.code(VERIFIER_RUNTIME))
    commitment = ModelCommitment(made.model_hash, made.circuit_hash, vk_hash, proof_system_id(SYSTEMS[kind]))
    return Model(kind, commitment, bundle.manifest.circuit, *code, key.vka if key else b"", signers)


def adapter(kind: Kind, core: CoreContracts) -> Contract:
    """The contract that a model of this kind is bound in."""
    return {Kind.PLAIN: core.ezkl, Kind.SIGNED: core.signed}.get(kind, core.reusable)


def enlist(this: Model, core: CoreContracts, wallet: Wallet) -> None:
    """Register a model."""
    if not is_registered(core.registry, this.id):
        made = this.commitment
        words = [to_bytes(word) for word in (made.model_hash, made.circuit_hash, made.vk_hash, made.proof_system)]
        call(core.registry, wallet, "registerModel", (*words, ""))


def bind(this: Model, core: CoreContracts, wallet: Wallet) -> None:
    """Register a model and bind it to its verifier, which is deployed where it is not there."""
    enlist(this, core, wallet)
    arguments: list[Any] = [int(this.id, 16), circuit_words(this.circuit)]
    if this.signers is not None:
        arguments.append(this.signers.panel.words)
    else:
        arguments.append(place(wallet, this.kind.value, this.creation, this.runtime).address)
    if this.vka:
        arguments.append(this.vka)
    call(adapter(this.kind, core), wallet, "bind", *arguments)
    if this.kind is Kind.STORED:
        call(core.reusable, wallet, "storeVka", this.vka)


def call(contract: Contract, wallet: Wallet, function: str, *arguments: Any) -> Receipt:
    return wallet.execute(contract.address, contract.abi.call(function, *arguments), label=function, abis=core_abis())


@dataclass(frozen=True, slots=True)
class Shot:
    """A statement for the ledger of one place."""

    said: Statement
    core: CoreContracts
    note: str = ""
    """Which of the shots of a mutation it is."""

    @property
    def data(self) -> bytes:
        return self.core.ledger.abi.call("verifyAndStoreInference", *self.said.arguments)


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of verifier, a true statement of it, and what may be put in the place of its parts."""

    model: Model
    other: Model
    """Another model of the same kind and shape."""
    proof: Proof
    other_proof: Proof
    """A true proof of the other model."""
    other_row: Proof
    """A true proof of the same model for another input."""
    again: bytes
    """Another proof of the same statement."""
    other_vka: bytes
    """Another artifact of the same circuit."""
    unbound: Model
    deprecated: Model
    contradicted: Model
    """Stopped by two outputs for one input, where a panel was found to sign them."""
    unsupported: Model
    """Of a proof system that no verifier is there for."""
    here: CoreContracts
    there: CoreContracts
    """The same contracts on another chain."""
    beside: CoreContracts
    """Another gateway to the same verifiers."""
    stopped: CoreContracts
    """Contracts whose guardian has stopped every verifier."""

    @property
    def kind(self) -> Kind:
        return self.model.kind

    @property
    def inputs(self) -> int:
        return self.model.circuit.input_instances

    @property
    def body(self) -> bytes:
        """What was proven with, without an artifact."""
        return to_bytes(self.proof.proof)

    @property
    def words(self) -> list[int]:
        return list(self.proof.words)

    @property
    def honest(self) -> Statement:
        return self.honest_at(self.here)

    def honest_at(self, core: CoreContracts) -> Statement:
        """The true statement as that place takes it."""
        return self.claim(self.words, core=core, body=self.body if core is self.here else self.body_at(core))

    def body_at(self, core: CoreContracts) -> bytes:
        """Proofs are the same everywhere; signatures are for one verifier on one chain."""
        return self.signed(self.words, core=core) if self.kind is Kind.SIGNED else self.body

    def signed(
        self, words: Sequence[int], *, core: CoreContracts | None = None, model_id: Hex32 | None = None
    ) -> bytes:
        """The panel's signatures, the first and the last signer's, over any statement."""
        at = core or self.here
        digest = statement_digest(model_id or self.model.id, words, at.rpc.chain_id, at.signed.address)
        return self.signatures(digest, (0, 2))

    def signatures(self, digest: Hex32, positions: Iterable[int]) -> bytes:
        assert self.model.signers is not None
        return packed_signatures({at: self.model.signers.sign(at, digest) for at in positions})

    def claim(
        self,
        words: Sequence[int],
        *,
        split: int | None = None,
        body: bytes | None = None,
        artifact: bytes | None = None,
        core: CoreContracts | None = None,
        model_id: Hex32 | None = None,
    ) -> Statement:
        """A whole statement made of these instances, with the honest proof unless another one is given.

        `split` is how many of the instances are told as the input, where it is not as many as are.
        """
        at, inputs = core or self.here, self.inputs if split is None else split
        carried = self.model.vka if self.kind is Kind.CARRIED else b""
        proof = Proof(
            model_id or self.model.id,
            tuple(hex32(word) for word in words),
            hex_bytes((self.body if body is None else body) + (carried if artifact is None else artifact)),
            seconds=0.0,
        )
        tag = domain(at.rpc.chain_id, at.ledger.address)
        return Statement(proof.model_id, input_commitment(tag, words[:inputs]), packed(words[inputs:]), proof.blob)

    def claim_of(self, this: Model) -> Statement:
        """The same statement about a model with the same circuit and key."""
        body = self.signed(self.words, model_id=this.id) if self.kind is Kind.SIGNED else self.body
        return self.claim(self.words, body=body, model_id=this.id)

    def shot(self, said: Statement, note: str = "", *, core: CoreContracts | None = None) -> Shot:
        return Shot(said, core or self.here, note)


@dataclass(frozen=True, slots=True)
class Proofs:
    """What ezkl has proven."""

    one: Proof
    again: Proof
    """Of the same witness."""
    other_row: Proof
    other_model: Proof


@dataclass(frozen=True, slots=True)
class Arena:
    """Everything in its place."""

    here: Connection
    there: Connection
    cases: Mapping[Kind, Case]

    @property
    def ledgers(self) -> tuple[CoreContracts, ...]:
        """Every place where something could be recorded."""
        case = self.cases[Kind.PLAIN]
        return case.here, case.beside, case.stopped, case.there


def build(
    bundle: Bundle,
    other_bundle: Bundle,
    proofs: Proofs,
    *,
    here: Connection,
    there: Connection,
    guarded: Connection,
) -> Arena:
    """Deploy, bind, store, deprecate and stop; on `here` but for what another chain is needed for.

    `guarded` is the chain of `here` with a book of its own.
    """
    wallet, wallet_there = here.wallet(), there.wallet()
    core, core_there = (verbs.deploy_core(one).book.core(one.rpc) for one in (here, there))
    core_stopped = verbs.deploy_core(guarded, guardian=wallet.address).book.core(guarded.rpc)
    beside = replace(core, ledger=_another_ledger(core, wallet))

    cases = {}
    for kind, this, other, other_vka in _models(bundle, other_bundle):
        unbound, deprecated, contradicted = (this.named(name) for name in ("unbound", "deprecated", "contradicted"))
        unsupported = this.named("unsupported", system="no-such-proof-system")
        for one in (this, other, deprecated, contradicted):
            bind(one, core, wallet)
        for one in (unbound, unsupported):
            enlist(one, core, wallet)
        bind(this, core_there, wallet_there)
        bind(this, core_stopped, wallet)
        case = Case(
            model=this,
            other=other,
            proof=replace(proofs.one, model_id=this.id),
            other_proof=replace(proofs.other_model, model_id=other.id),
            other_row=replace(proofs.other_row, model_id=this.id),
            again=to_bytes(proofs.again.proof),
            other_vka=other_vka,
            unbound=unbound,
            deprecated=deprecated,
            contradicted=contradicted,
            unsupported=unsupported,
            here=core,
            there=core_there,
            beside=beside,
            stopped=core_stopped,
        )
        cases[kind] = case if this.signers is None else _with_signatures(case)
    _prove_that_only_the_state_refuses(cases)
    for case in cases.values():
        call(core.registry, wallet, "deprecateModel", int(case.deprecated.id, 16))
    for contract in core_stopped.adapters:
        call(contract, wallet, "stop")
    _contradict(cases[Kind.SIGNED], wallet)
    return Arena(here, there, cases)


def _models(bundle: Bundle, other_bundle: Bundle) -> Iterable[tuple[Kind, Model, Model, bytes]]:
    """For each kind its model, another model, and another artifact of the first one's circuit.

    The artifacts for 6 decimals are stored and those for 18 are not, so one chain has both states of one circuit.
    """
    carried, stored = reusable_keys(bundle)
    other_carried, other_stored = reusable_keys(other_bundle)
    signers = Signers.of("one", "two", "three", threshold=2)
    yield Kind.PLAIN, model(Kind.PLAIN, bundle), model(Kind.PLAIN, other_bundle), b""
    for kind, key, other_key, other_vka in (
        (Kind.CARRIED, carried, other_carried, stored.vka),
        (Kind.STORED, stored, other_stored, carried.vka),
    ):
        yield kind, model(kind, bundle, key=key), model(kind, other_bundle, key=other_key), other_vka
    yield (
        Kind.SIGNED,
        model(Kind.SIGNED, bundle, signers=signers),
        model(Kind.SIGNED, other_bundle, signers=signers),
        b"",
    )


def reusable_keys(bundle: Bundle) -> tuple[Verifier, Verifier]:
    """The shared verifier with two artifacts of one circuit."""
    setup = srs.find(bundle.manifest.setup).path
    evm = bundle.manifest.versions.evm
    first, second = (reusable_verifier(bundle.keys, setup, evm, decimals=decimals) for decimals in (18, 6))
    return first, second


def _with_signatures(case: Case) -> Case:
    """The same instances, attested and not proven."""

    def attested(this: Model, proof: Proof) -> Proof:
        return replace(proof, proof=hex_bytes(case.signed(proof.words, model_id=this.id)))

    return replace(
        case,
        proof=attested(case.model, case.proof),
        other_proof=attested(case.other, case.other_proof),
        other_row=attested(case.model, case.other_row),
    )


def _prove_that_only_the_state_refuses(cases: Mapping[Kind, Case]) -> None:
    """Before they are deprecated and stopped, they accept."""
    for case in cases.values():
        shots = (
            case.shot(case.claim_of(case.deprecated)),
            case.shot(case.claim_of(case.contradicted)),
            case.shot(case.honest_at(case.stopped), core=case.stopped),
        )
        for shot, answer in zip(shots, fire(shots), strict=True):
            assert answer == shot.said.inference_id, case.kind


def _contradict(case: Case, wallet: Wallet) -> None:
    """The panel signs two outputs for one input, and somebody shows it. No true circuit proves two."""
    model_id = case.contradicted.id
    claims = [
        (words, case.signed(words, model_id=model_id)) for words in (case.words, [*case.words[:-1], case.words[-1] - 1])
    ]
    call(case.here.signed, wallet, "stopModel", int(model_id, 16), *claims)


def _another_ledger(core: CoreContracts, wallet: Wallet) -> Contract:
    """A gateway to the same verifiers, given in another order, which is another address."""
    artifact = compile_core()["InferenceLedger"]
    verifiers = [contract.address for contract in reversed(core.adapters)]
    arguments = Abi(artifact.abi).constructor(core.registry.address, verifiers)
    placed = place(wallet, "another ledger", artifact.creation + arguments, artifact.runtime)
    return replace(core.ledger, address=placed.address)


def fire(shots: Sequence[Shot]) -> tuple[str, ...]:
    """What the ledger answers to each: the id of the record that it would make, or the name of its error.

    They are calls, so nothing is kept and nothing is paid; in batches, because there are thousands.
    """
    return tuple(answer for at in range(0, len(shots), _BATCH) for answer in _fire(shots[at : at + _BATCH]))


def _fire(shots: Sequence[Shot], gas: int = ENOUGH_GAS) -> Iterable[str]:
    batch = [
        {
            "jsonrpc": "2.0",
            "id": at,
            "method": "eth_call",
            "params": [{"to": shot.core.ledger.address, "data": hex_bytes(shot.data), "gas": hex(gas)}, "latest"],
        }
        for at, shot in enumerate(shots)
    ]
    (url,) = {shot.core.rpc.place for shot in shots}
    answers = requests.post(url, json=batch, timeout=120).json()
    return [_named(answer) for answer in sorted(answers, key=lambda answer: answer["id"])]


def _named(answer: Mapping[str, Any]) -> str:
    if "error" not in answer:
        return str(answer["result"])
    data, said = answer["error"].get("data"), str(answer["error"]["message"])
    if isinstance(data, str):
        return decode_revert(to_bytes(data), core_abis())[0]
    return next((name for part, name in _HALTS.items() if part in said), said)


def call_with(shot: Shot, gas: int) -> str:
    """`fire` with less gas."""
    (answer,) = _fire([shot], gas)
    return answer


def send(shot: Shot, gas: int = ENOUGH_GAS) -> Receipt:
    """A real transaction, mined whatever becomes of it."""
    rpc = shot.core.rpc
    transaction = {
        "from": rpc.accounts()[0],
        "to": shot.core.ledger.address,
        "data": hex_bytes(shot.data),
        "gas": hex(gas),
    }
    tx_hash = rpc.send_unlocked(transaction)
    while (receipt := rpc.receipt(tx_hash)) is None:
        time.sleep(0.002)
    return receipt


def is_empty(core: CoreContracts) -> bool:
    """Whether a ledger has neither a record nor an event: its whole storage, and its whole history."""
    account = core.rpc.raw("eth_getProof", core.ledger.address, [], "latest")
    return account["storageHash"] == _EMPTY_STORAGE and not events(core)


def events(core: CoreContracts) -> tuple[Log, ...]:
    """Everything that a ledger said since it stands, but for the routes that its constructor announced."""
    routed = core.ledger.abi.topic("ProofSystemRouted")
    logs = core.rpc.logs(core.ledger.address, [], 0, core.rpc.block_number())
    return tuple(log for log in logs if log.topics[0] != routed)


def is_recorded(shot: Shot) -> bool:
    return bool(shot.core.ledger.read("isRecorded", to_bytes(shot.said.inference_id))[0])
