"""Mutated statements and proofs, fired at the deployed contracts; every one must be refused by name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.chain.contract import CoreContracts
from bridge.core.circuit import Circuit
from bridge.core.commitment import domain, input_commitment, packed
from bridge.core.field import MODULUS
from bridge.core.proof import Proof
from bridge.core.word import hex32, hex_bytes, to_bytes
from bridge.errors import ContractReverted
from bridge.relay.submit import Statement, statement


@dataclass(frozen=True, slots=True)
class Attempt:
    """One mutation and what the contracts said to it."""

    mutation: str
    refused: bool
    error: str
    """The name of the contract's error; empty where it was, wrongly, accepted."""


def tamper(proof: Proof, circuit: Circuit, core: CoreContracts) -> tuple[Attempt, ...]:
    """Fire each mutation at the gateway as a call that costs nothing. Raises `ContractReverted` if the untouched
    statement is not accepted in the first place: then a refusal would prove nothing.
    """
    honest = statement(proof, circuit, core)
    core.ledger.read("check", *honest.arguments)
    return tuple(_fire(core, name, said) for name, said in _mutations(proof, circuit, core, honest))


def _mutations(
    proof: Proof, circuit: Circuit, core: CoreContracts, honest: Statement
) -> tuple[tuple[str, Statement], ...]:
    words = list(proof.words)
    last = len(words) - 1
    raised = [*words[:last], (words[last] + 1) % MODULUS]
    aliased = [*words[:last], words[last] + MODULUS]
    raw = bytearray(to_bytes(proof.proof))
    raw[len(raw) // 2] ^= 1

    def claiming(changed: list[int]) -> Statement:
        """A whole statement made to fit other instances, with the honest proof of the old ones."""
        inputs, outputs = changed[: circuit.input_instances], changed[circuit.input_instances :]
        tag = domain(core.rpc.chain_id, core.ledger.address)
        other = replace(proof, instances=tuple(hex32(word) for word in changed))
        return Statement(proof.model_id, input_commitment(tag, inputs), packed(outputs), other.blob)

    mutations = [
        ("another output beside an honest proof", replace(honest, output=packed(raised[circuit.input_instances :]))),
        ("another output inside the instances", claiming(raised)),
        ("an output that equals the honest one modulo the field", claiming(aliased)),
        ("one bit of the proof flipped", replace(honest, proof=replace(proof, proof=hex_bytes(bytes(raw))).blob)),
        ("another input's commitment", replace(honest, input_commitment=hex32(1))),
        ("another model's id", replace(honest, model_id=hex32(int(honest.model_id, 16) ^ 1))),
        (
            "the proof cut short",
            replace(honest, proof=replace(proof, proof=hex_bytes(to_bytes(proof.proof)[:-32])).blob),
        ),
        ("bytes after the proof", replace(honest, proof=honest.proof + bytes(32))),
    ]
    if circuit.input_instances:
        mutations.append(("another input inside the instances", claiming([(words[0] + 1) % MODULUS, *words[1:]])))
    return tuple(mutations)


def _fire(core: CoreContracts, mutation: str, said: Statement) -> Attempt:
    try:
        core.ledger.read("check", *said.arguments)
    except ContractReverted as error:
        return Attempt(mutation, refused=True, error=error.error)
    return Attempt(mutation, refused=False, error="")
