"""The gas of a verification, measured and not estimated: a real transaction on a local chain of its own."""

from __future__ import annotations

from dataclasses import replace

from bridge.chain.account import NodeSigner
from bridge.chain.anvil import local_chain
from bridge.chain.preset import preset_of
from bridge.chain.rpc import Rpc
from bridge.chain.transaction import Wallet
from bridge.core.progress import Progress, silent
from bridge.core.proof import Proof
from bridge.core.word import to_bytes
from bridge.deploy.create2 import place
from bridge.solidity.abi import Abi
from bridge.solidity.artifact import Artifact
from bridge.solidity.limits import Limits


def measure_verify_gas(
    verifier: Artifact, proof: Proof, progress: Progress = silent, *, limits: Limits | None = None
) -> int:
    """Gas of a transaction that calls the generated verifier alone; with `limits` on a chain with these, whatever real ones have.

    Raises `ToolMissing`, `AnvilFailed`, and `ContractReverted` where the verifier refuses the proof.
    """
    options = () if limits is None else _options(limits)
    with local_chain(progress=progress, options=options) as chain:
        progress("measuring the gas of a verification")
        rpc = Rpc(chain.url)
        preset = preset_of(rpc.chain_id)
        preset = preset if limits is None else replace(preset, limits=limits)
        wallet = Wallet(rpc, NodeSigner(rpc.accounts()[0]), preset, preset.max_fee_wei)
        placed = place(wallet, "the model's verifier", verifier.creation, verifier.runtime)
        data = Abi(verifier.abi).call("verifyProof", to_bytes(proof.proof), list(proof.words))
        return wallet.execute(placed.address, data, label="verifyProof").gas_used


def _options(limits: Limits) -> tuple[str, ...]:
    return "--code-size-limit", str(limits.runtime_bytes), "--gas-limit", str(limits.transaction_gas)
