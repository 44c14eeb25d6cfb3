"""One model on a chain: its verifier deployed, its commitment registered, the two bound together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eth_utils import to_checksum_address

from bridge.chain.contract import Contract, core_abis
from bridge.chain.transaction import Wallet
from bridge.core.bundle import VERIFIER_CREATION, VERIFIER_INPUT, VERIFIER_RUNTIME, Bundle
from bridge.core.ceremony import in_code
from bridge.core.commitment import ModelCommitment, circuit_words
from bridge.core.progress import Progress, silent
from bridge.core.word import Address, Hex32, to_bytes
from bridge.deploy.book import ModelEntry, read_book, write_book, write_source
from bridge.deploy.create2 import deployment_of, place
from bridge.errors import ContractReverted, DevelopmentSetupRefused
from bridge.solidity.evm import check_runs


@dataclass(frozen=True, slots=True)
class ModelDeployment:
    """Where a model's verifier stands and what it took to get there."""

    entry: ModelEntry
    is_new: bool
    """False where verifier, registration and binding were all there before."""
    gas_used: int


def deploy_model(
    bundle: Bundle, wallet: Wallet, folder: Path, *, uri: str = "", progress: Progress = silent
) -> ModelDeployment:
    """Deploy, register and bind; each step that was done before is left out.

    The development-setup gate looks into the verifier's own code, not into what a manifest says. Raises
    `DevelopmentSetupRefused`, `NotDeployed`, and members of `SolidityError`, `ChainError`, `DeployError`, `StorageError`.
    """
    runtime = bundle.code(VERIFIER_RUNTIME)
    if not wallet.preset.is_local and in_code(runtime) is None:
        raise DevelopmentSetupRefused(model_id=bundle.model_id, chain=wallet.preset.title)
    check_runs("the model's verifier", bundle.manifest.versions.evm, wallet.preset.evm)
    book = read_book(folder, wallet.rpc.chain_id)
    core = book.core(wallet.rpc)

    progress("deploying the model's verifier")
    placed = place(wallet, "the model's verifier", bundle.code(VERIFIER_CREATION), runtime)
    gas_used = placed.receipt.gas_used if placed.receipt else 0
    steps = 1 if placed.receipt else 0
    if not is_registered(core.registry, bundle.model_id):
        progress("registering the model")
        data = core.registry.abi.call("registerModel", _commitment_words(bundle.manifest.commitment, uri))
        gas_used += wallet.execute(core.registry.address, data, label="registerModel", abis=core_abis()).gas_used
        steps += 1
    if bound_verifier(core.ezkl, bundle.model_id) is None:
        progress("binding the model to its verifier")
        circuit = circuit_words(bundle.manifest.circuit)
        data = core.ezkl.abi.call("bind", int(bundle.model_id, 16), circuit, placed.address)
        gas_used += wallet.execute(core.ezkl.address, data, label="bind", abis=core_abis()).gas_used
        steps += 1

    known = book.models.get(bundle.model_id)
    if known is not None and not steps:
        return ModelDeployment(known, is_new=False, gas_used=0)
    source = write_source(
        folder, book.chain_id, f"verifier-{bundle.model_id[2:14]}", bundle.file(VERIFIER_INPUT).read_text()
    )
    versions = bundle.manifest.versions
    verifier = deployment_of(placed, source, solc=versions.solc, evm=versions.evm)
    entry = ModelEntry(bundle.model_id, bundle.manifest.name, bundle.manifest.circuit, verifier)
    write_book(folder, book.with_model(entry))
    return ModelDeployment(entry, is_new=bool(steps), gas_used=gas_used)


def is_registered(registry: Contract, model_id: Hex32) -> bool:
    """Whether the registry knows a commitment."""
    try:
        registry.read("getModel", int(model_id, 16))
    except ContractReverted as error:
        if error.error == "ModelNotFound":
            return False
        raise
    return True


def bound_verifier(adapter: Contract, model_id: Hex32) -> Address | None:
    """The verifier that the adapter calls for a model, if one is bound."""
    verifier, _, _ = adapter.read("bindingOf", int(model_id, 16))
    return Address(to_checksum_address(verifier)) if int(verifier, 16) else None


def _commitment_words(commitment: ModelCommitment, uri: str) -> tuple[bytes, bytes, bytes, bytes, str]:
    return (
        to_bytes(commitment.model_hash),
        to_bytes(commitment.circuit_hash),
        to_bytes(commitment.vk_hash),
        to_bytes(commitment.proof_system),
        uri,
    )
