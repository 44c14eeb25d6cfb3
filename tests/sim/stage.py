"""The core contracts on a bare chain, and the calls that make every event that the index follows: real contracts, real signatures.

Results are signed, not proven: the contracts emit the same events for both, and a signature takes a thousandth of a proof's time.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from eth_abi.abi import encode
from eth_keys.datatypes import PrivateKey

from bridge.chain.contract import Contract, CoreContracts
from bridge.chain.rpc import Rpc
from bridge.core.batch import Batch, batch_of
from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import (
    SIGNED_PROOF_SYSTEM,
    ModelCommitment,
    circuit_hash,
    circuit_words,
    domain,
    inference_id,
    input_commitment,
    line_id,
    packed,
    proof_system_id,
)
from bridge.core.field import MODULUS
from bridge.core.panel import Panel, packed_signatures, panel_hash, statement_digest
from bridge.core.tensor import CircuitTensor
from bridge.core.word import Address, Hex32, hex32, keccak256, to_bytes
from bridge.deploy.core import NOBODY
from bridge.deploy.create2 import FACTORY, SALT, address_of
from bridge.solidity.abi import Abi, contract_abi
from bridge.solidity.contracts import ADAPTERS, CORE, compile_core
from tests.sim.world import CHAIN_ID


@dataclass(frozen=True)
class Call:
    """One transaction, before it is signed."""

    to: Address
    data: bytes
    value: int = 0


@dataclass(frozen=True)
class Code:
    """The core contracts as the factory makes them: the same addresses on every chain."""

    initcodes: tuple[bytes, ...]
    addresses: dict[str, Address]

    def deployment(self) -> list[Call]:
        """What puts them there."""
        return [Call(FACTORY, to_bytes(SALT) + initcode) for initcode in self.initcodes]

    def core(self, rpc: Rpc, first_block: int = 1) -> CoreContracts:
        """The same as contracts of a chain."""
        return CoreContracts(first_block, *(Contract(rpc, name, self.addresses[name]) for name in CORE))


@cache
def core_code() -> Code:
    """Compiled once in a process."""
    artifacts = compile_core()
    addresses: dict[str, Address] = {}
    initcodes = []
    for name in CORE:
        arguments: tuple[object, ...] = ()
        if name in ADAPTERS:
            arguments = (addresses["ModelRegistry"], NOBODY)
        elif name == "InferenceLedger":
            arguments = (addresses["ModelRegistry"], [addresses[adapter] for adapter in ADAPTERS])
        elif name in {"InferenceIndex", "InferenceDesk"}:
            arguments = (addresses["InferenceLedger"],)
        initcode = artifacts[name].creation + Abi(artifacts[name].abi).constructor(*arguments)
        initcodes.append(initcode)
        addresses[name] = address_of(initcode)
    return Code(tuple(initcodes), addresses)


@dataclass(frozen=True)
class Signer:
    """A panel of one, whose key is known."""

    key: PrivateKey

    @property
    def panel(self) -> Panel:
        return Panel(NOBODY, 1, (Address(self.key.public_key.to_checksum_address()),))

    def proof(self, model_id: Hex32, words: Sequence[int], verifier: Address) -> bytes:
        """What the verifier of signed results takes for a proof."""
        digest = to_bytes(statement_digest(model_id, words, CHAIN_ID, verifier))
        signature = self.key.sign_msg_hash(digest).to_bytes()
        return packed_signatures({0: signature[:-1] + bytes([signature[-1] + 27])})


@dataclass(frozen=True)
class Model:
    """A model that a panel signs for."""

    circuit: Circuit
    commitment: ModelCommitment
    uri: bytes

    @property
    def id(self) -> Hex32:
        return self.commitment.model_id


@dataclass(frozen=True)
class Statement:
    """That a model gives an output for an input."""

    model: Model
    words: tuple[int, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.words[: self.model.circuit.input_instances]

    @property
    def output(self) -> bytes:
        return packed(self.words[self.model.circuit.input_instances :])


@dataclass
class Stage:
    """Whoever calls the contracts, by the dice."""

    dice: random.Random
    code: Code
    signer: Signer
    caller: Address
    """Who sends; lines are named after it."""
    models: list[Model] = field(default_factory=list)
    said: list[Statement] = field(default_factory=list)
    batches: list[tuple[Model, Batch]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def tag(self) -> Hex32:
        return domain(CHAIN_ID, self.code.addresses["InferenceLedger"])

    @property
    def passage(self) -> tuple[bytes, Address]:
        """Creation code of a contract that passes calls on to the ledger, and where the factory puts it."""
        ledger = to_bytes(self.code.addresses["InferenceLedger"])
        # Calldata is calls, each behind its length in two bytes. Stack: how far it has come.
        runtime = b"".join(
            (
                bytes.fromhex("5f5b803560f01c"),  # JUMPDEST at 1; the length of the next
                bytes.fromhex("80826002015f37"),  # CALLDATACOPY(0, come + 2, length)
                bytes.fromhex("5f5f825f5f73") + ledger + bytes.fromhex("5af1"),  # CALL(GAS, ledger, 0, 0, length, 0, 0)
                bytes.fromhex("6030575f5ffd5b"),  # revert if it did; JUMPDEST at 48
                bytes.fromhex("01600201"),  # come + length + 2
                bytes.fromhex("80361160015700"),  # again, if there is more
            )
        )
        initcode = bytes.fromhex("60") + bytes([len(runtime)]) + bytes.fromhex("8060095f395ff3") + runtime
        return initcode, address_of(initcode)

    def opening(self) -> list[Call]:
        """What comes before everything else."""
        return [*self.code.deployment(), Call(FACTORY, to_bytes(SALT) + self.passage[0])]

    def new_model(self, *, rows: int | None = None, visibility: Visibility | None = None, small: bool = False) -> Model:
        """A model of any shape, which nobody registered yet."""
        dice = self.dice
        rows = dice.choice((1, 1, 1, 3, 4)) if rows is None else rows
        if visibility is None:
            chances = (Visibility.PUBLIC, Visibility.PUBLIC, Visibility.PUBLIC, Visibility.HASHED, Visibility.PRIVATE)
            visibility = Visibility.PUBLIC if rows > 1 else dice.choice(chances)

        def tensors(most: int) -> tuple[CircuitTensor, ...]:
            shapes = [(rows, dice.randint(1, 3)) for _ in range(1 if small else dice.randint(1, most))]
            return tuple(
                CircuitTensor(f"{at}", shape, "float64", dice.randint(-2, 20)) for at, shape in enumerate(shapes)
            )

        circuit = Circuit(hex32(dice.randbytes(32)), visibility, rows, tensors(2), tensors(2))
        commitment = ModelCommitment(
            hex32(dice.randbytes(32)),
            circuit_hash(circuit),
            panel_hash(self.signer.panel),
            proof_system_id(SIGNED_PROOF_SYSTEM),
        )
        uri = dice.choice((b"", b"ipfs://model", b"\xff\xfe no text", b"nul \x00 inside", "modèle".encode()))
        return Model(circuit, commitment, uri)

    def register(self, model: Model) -> list[Call]:
        """List it and bind it."""
        self.models.append(model)
        data = contract_abi("ModelRegistry").selector("registerModel") + _commitment(model, model.uri)
        bound = self._data(
            "SignedInferenceVerifier", "bind", int(model.id, 16), circuit_words(model.circuit), self.signer.panel.words
        )
        return [self._to("ModelRegistry", data), self._to("SignedInferenceVerifier", bound)]

    def statement(self, model: Model) -> Statement:
        """Something that the model says; small numbers, large ones and negative ones."""
        circuit = model.circuit
        count = circuit.input_instances + circuit.output_instances
        pick = (
            lambda: self.dice.randrange(MODULUS),
            lambda: self.dice.randrange(2**20),
            lambda: MODULUS - 1 - self.dice.randrange(9),
        )
        return Statement(model, tuple(self.dice.choice(pick)() for _ in range(count)))

    def verify(self, said: Statement, how: str) -> Call:
        """One call of the ledger by the name of its function."""
        model_id = said.model.id
        commitment = input_commitment(self.tag, said.inputs)
        arguments = (int(model_id, 16), to_bytes(commitment), said.output, self.blob(model_id, said.words))
        return self._call("InferenceLedger", how, *arguments)

    def through(self, *calls: Call) -> Call:
        """The same calls of the ledger, through another contract, in one transaction."""
        return Call(self.passage[1], b"".join(len(call.data).to_bytes(2, "big") + call.data for call in calls))

    def store_batch(self, said: Statement) -> Call:
        """All rows of a statement under one root."""
        model = said.model
        self.batches.append((model, batch_of(model.id, model.circuit, said.words, self.tag)))
        blob = self.blob(model.id, said.words)
        words = circuit_words(model.circuit)
        return self._call("InferenceLedger", "verifyAndStoreBatch", int(model.id, 16), words, blob)

    def store_row(self, model: Model, batch: Batch, number: int) -> Call:
        """A record of its own for a row."""
        row = batch.rows[number]
        path = [to_bytes(node) for node in row.path]
        arguments = (int(model.id, 16), to_bytes(row.input_commitment), to_bytes(row.output))
        return self._call("InferenceLedger", "storeFromBatch", to_bytes(batch.root), path, *arguments)

    def request(self, said: Statement, deadline: int) -> Call:
        """Ask for it at the desk; sometimes with a callback, which is no contract and fails."""
        callback, gas = self.dice.choice(((NOBODY, 0), (Address("0x" + "11" * 20), 50_000)))
        commitment = to_bytes(input_commitment(self.tag, said.inputs))
        fee = self.dice.randrange(1, 2**70)
        order = (int(said.model.id, 16), commitment, callback, gas, deadline, 10_000, NOBODY, fee, 0)
        call = self._call("InferenceDesk", "request", order, packed(said.inputs))
        return Call(call.to, call.data, fee)

    def fulfil(self, request_id: str, said: Statement) -> list[Call]:
        """Claim it and fulfil it."""
        blob = self.blob(said.model.id, said.words)
        return [
            self._call("InferenceDesk", "claim", to_bytes(request_id)),
            self._call("InferenceDesk", "fulfil", to_bytes(request_id), said.output, blob),
        ]

    def refund(self, request_id: str) -> Call:
        """End it."""
        return self._call("InferenceDesk", "refund", to_bytes(request_id))

    def line(self, name: str) -> Call:
        """A new line of versions."""
        self.lines.append(name)
        return self._call("ModelRegistry", "createLine", name)

    def append(self, name: str, model: Model) -> Call:
        """A version more."""
        return self._call("ModelRegistry", "appendVersion", to_bytes(line_id(self.caller, name)), int(model.id, 16))

    def offer(self, name: str, to: Address) -> Call:
        """A line for somebody else."""
        return self._call("ModelRegistry", "offerLine", to_bytes(line_id(self.caller, name)), to)

    def accept(self, name: str) -> Call:
        """To be sent by whom it was offered to."""
        return self._call("ModelRegistry", "acceptLine", to_bytes(line_id(self.caller, name)))

    def update(self, model: Model, uri: bytes) -> Call:
        """Another uri."""
        selector = contract_abi("ModelRegistry").selector("updateModel")
        body = encode(["uint256", "(bytes32,bytes32,bytes32,bytes4,bytes)"], [int(model.id, 16), _words(model, uri)])
        return self._to("ModelRegistry", selector + body)

    def deprecate(self, model: Model) -> Call:
        """For good."""
        return self._call("ModelRegistry", "deprecateModel", int(model.id, 16))

    def stop(self, said: Statement) -> Call:
        """Show two outputs for one input, which stops the model."""
        model_id, other = said.model.id, (*said.words[:-1], (said.words[-1] + 1) % MODULUS)
        verifier = self.code.addresses["SignedInferenceVerifier"]
        claims = [(list(words), self.signer.proof(model_id, words, verifier)) for words in (said.words, other)]
        return self._call("SignedInferenceVerifier", "stopModel", int(model_id, 16), *claims)

    def blob(self, model_id: Hex32, words: Sequence[int]) -> bytes:
        """Instances and their proof, as the ledger takes them."""
        proof = self.signer.proof(model_id, words, self.code.addresses["SignedInferenceVerifier"])
        return bytes(encode(["uint256[]", "bytes"], [list(words), proof]))

    def id_of(self, said: Statement) -> Hex32:
        """The inference id of a statement."""
        return inference_id(said.model.id, input_commitment(self.tag, said.inputs), said.output)

    def _call(self, name: str, function: str, *arguments: object) -> Call:
        return self._to(name, self._data(name, function, *arguments))

    def _to(self, name: str, data: bytes) -> Call:
        return Call(self.code.addresses[name], data)

    def _data(self, name: str, function: str, *arguments: object) -> bytes:
        return contract_abi(name).call(function, *arguments)


def signer_of(name: str) -> Signer:
    """A panel by its name."""
    return Signer(PrivateKey(keccak256(name.encode())))


def _commitment(model: Model, uri: bytes) -> bytes:
    """The argument of `registerModel`; its uri may be any bytes, as a hostile caller makes them."""
    return bytes(encode(["(bytes32,bytes32,bytes32,bytes4,bytes)"], [_words(model, uri)]))


def _words(model: Model, uri: bytes) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    made = model.commitment
    hashes = (made.model_hash, made.circuit_hash, made.vk_hash, made.proof_system)
    first, second, third, fourth = (to_bytes(each) for each in hashes)
    return first, second, third, fourth, uri
