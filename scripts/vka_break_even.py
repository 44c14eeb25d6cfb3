"""Measure when an artifact stored as code pays back, on a local chain.

    python scripts/vka_break_even.py BUNDLE INPUT

The first row of INPUT is proven once and verified through the ledger in three ways: by a verifier of the model's own, by the
shared verifier with the artifact in the calldata, and by the shared verifier with the artifact stored as code.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bridge import connect, deploy_core, deploy_model, open_bundle, prove, read_input
from bridge.chain.anvil import local_chain
from bridge.chain.contract import Contract, core_abis
from bridge.circuit import srs
from bridge.circuit.reusable import reusable_verifier
from bridge.core.bundle import Bundle
from bridge.core.commitment import REUSABLE_PROOF_SYSTEM, circuit_words, proof_system_id
from bridge.core.proof import Proof
from bridge.core.word import hex_bytes, to_bytes
from bridge.deploy.create2 import place
from bridge.relay.submit import statement


@dataclass(frozen=True, slots=True)
class Cost:
    """Gas of whole transactions, with what their calldata costs."""

    plain: int
    carried: int
    stored: int
    store: int
    """To store the artifact, once."""

    @property
    def pays_back_with(self) -> int:
        """The number of the verification with which storing has cost less than carrying."""
        return math.ceil(self.store / (self.carried - self.stored))


def measure(bundle: Bundle, proof: Proof, folder: Path) -> Cost:
    """Deploy both verifiers on a chain of their own and verify the same instances."""
    with local_chain() as chain:
        connection = connect(rpc=chain.url, deployments=folder)
        wallet = connection.wallet()
        core = deploy_core(connection).book.core(connection.rpc)
        deploy_model(bundle, connection)

        def send(contract: Contract, function: str, *arguments: Any) -> int:
            data = contract.abi.call(function, *arguments)
            return wallet.execute(contract.address, data, label=function, abis=core_abis()).gas_used

        def verify(said: Proof) -> int:
            return send(core.ledger, "verifyInference", *statement(said, bundle.manifest.circuit, core).arguments)

        manifest = bundle.manifest
        key = reusable_verifier(bundle.keys, srs.for_proving(manifest), manifest.versions.evm)
        shared = replace(manifest.commitment, vk_hash=key.key_hash, proof_system=proof_system_id(REUSABLE_PROOF_SYSTEM))
        words = (shared.model_hash, shared.circuit_hash, shared.vk_hash, shared.proof_system)
        send(core.registry, "registerModel", (*map(to_bytes, words), ""))
        verifier = place(wallet, key.code.name, key.code.creation, key.code.runtime).address
        number = int(shared.model_id, 16)
        send(core.reusable, "bind", number, circuit_words(manifest.circuit), verifier, key.vka)

        bare = replace(proof, model_id=shared.model_id)
        carried = verify(replace(bare, proof=hex_bytes(to_bytes(proof.proof) + key.vka)))
        store = send(core.reusable, "storeVka", key.vka)
        return Cost(plain=verify(proof), carried=carried, stored=verify(bare), store=store)


def main() -> None:
    """Print the four figures and the number."""
    parser = argparse.ArgumentParser(description="Measure when an artifact stored as code pays back.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("input", type=Path)
    chosen = parser.parse_args()
    bundle = open_bundle(chosen.bundle)
    proof = prove(bundle, read_input(bundle, chosen.input)[0])
    with TemporaryDirectory() as folder:
        cost = measure(bundle, proof, Path(folder))
    print(f"{bundle.manifest.name}, gas of a transaction that verifies:")
    print(f"  a verifier of its own                      {cost.plain:>9,}")
    print(f"  the shared verifier, artifact in calldata  {cost.carried:>9,}")
    print(f"  the shared verifier, artifact stored       {cost.stored:>9,}")
    print(f"storing it, once                             {cost.store:>9,}")
    print(f"pays back with verification {cost.pays_back_with}")


if __name__ == "__main__":
    main()
