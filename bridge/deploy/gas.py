"""The gas of a verification, measured and not estimated: a real transaction on a local chain of its own."""

from __future__ import annotations

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


def measure_verify_gas(verifier: Artifact, proof: Proof, progress: Progress = silent) -> int:
    """Gas of a transaction that calls the generated verifier alone.

    Raises `ToolMissing`, `AnvilFailed`, and `ContractReverted` where the verifier refuses the proof.
    """
    with local_chain(progress=progress) as chain:
        progress("measuring the gas of a verification")
        rpc = Rpc(chain.url)
        preset = preset_of(rpc.chain_id)
        wallet = Wallet(rpc, NodeSigner(rpc.accounts()[0]), preset, preset.max_fee_wei)
        placed = place(wallet, "the model's verifier", verifier.creation, verifier.runtime)
        data = Abi(verifier.abi).call("verifyProof", to_bytes(proof.proof), list(proof.words))
        return wallet.execute(placed.address, data, label="verifyProof").gas_used
