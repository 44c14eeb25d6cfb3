"""The gas of a verification, measured and not estimated: a real transaction on a local chain of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.chain.account import NodeSigner
from bridge.chain.anvil import local_chain
from bridge.chain.preset import preset_of
from bridge.chain.rpc import Rpc
from bridge.chain.transaction import Wallet
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.core.word import WORD_BYTES, to_bytes
from bridge.deploy.create2 import place
from bridge.solidity.abi import Abi
from bridge.solidity.limits import Limits
from bridge.solidity.verifier import Verifier


def measure_verify_gas(
    verifier: Verifier, proof: Proof, progress: Progress = silent, *, limits: Limits | None = None
) -> int:
    """Gas of a transaction that calls the generated verifier alone; with `limits` on a chain with these, whatever real ones have.

    A shared verifier is handed its artifact in the calldata; stored as code it costs less, see `bridge.deploy.artifact`.

    Raises `ToolMissing`, `AnvilFailed`, and `ContractReverted` where the verifier refuses the proof.
    """
    options = () if limits is None else _options(limits)
    with local_chain(progress=progress, options=options) as chain:
        progress("measuring the gas of a verification")
        rpc = Rpc(chain.url)
        preset = preset_of(rpc.chain_id)
        preset = preset if limits is None else replace(preset, limits=limits)
        wallet = Wallet(rpc, NodeSigner(rpc.accounts()[0]), preset, preset.max_fee_wei)
        address = place(wallet, "the model's verifier", verifier.code.creation, verifier.code.runtime).address
        abi = Abi(verifier.code.abi)
        arguments: tuple[Any, ...] = (to_bytes(proof.proof), list(proof.words))
        if verifier.vka:
            words = [verifier.vka[at : at + WORD_BYTES] for at in range(0, len(verifier.vka), WORD_BYTES)]
            wallet.execute(address, abi.call("registerVka", words), label="registerVka")
            arguments = (*arguments, words)
        return wallet.execute(address, abi.call("verifyProof", *arguments), label="verifyProof").gas_used


def _options(limits: Limits) -> tuple[str, ...]:
    return "--code-size-limit", str(limits.runtime_bytes), "--gas-limit", str(limits.transaction_gas)
