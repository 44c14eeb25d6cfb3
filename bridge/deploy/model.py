"""One model on a chain: its verifier deployed, its commitment registered, the two bound together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eth_utils import to_checksum_address

from bridge.chain.contract import Contract, CoreContracts, core_abis
from bridge.chain.transaction import Wallet
from bridge.core.bundle import VERIFIER_CREATION, VERIFIER_INPUT, VERIFIER_RUNTIME, Bundle
from bridge.core.ceremony import in_code
from bridge.core.commitment import ModelCommitment, circuit_words
from bridge.core.progress import Progress, silent
from bridge.core.word import Address, Hex32, hex32, keccak256, to_bytes
from bridge.deploy.artifact import Storing, find, store
from bridge.deploy.book import Deployment, ModelEntry, read_book, source_name, write_book, write_source
from bridge.deploy.create2 import deployment_of, place
from bridge.errors import ContractReverted, DevelopmentSetupRefused
from bridge.solidity.abi import Abi
from bridge.solidity.contracts import METADATA, compile_core
from bridge.solidity.evm import check_runs


@dataclass(frozen=True, slots=True)
class ModelDeployment:
    """Where a model's verifier stands and what it took to get there."""

    entry: ModelEntry
    is_new: bool
    """False where verifier, registration and binding were all there before."""
    gas_used: int
    artifact: Storing | None = None
    """Of a model whose verifier is shared."""


def deploy_model(
    bundle: Bundle,
    wallet: Wallet,
    folder: Path,
    *,
    uri: str = "",
    metadata: bool = False,
    carry: bool = False,
    progress: Progress = silent,
) -> ModelDeployment:
    """Deploy, register and bind, and with `metadata` put its ERC-8084 metadata on the chain; what was done before is left
    out. The artifact of a shared verifier is stored as code, unless the proofs are to `carry` it.

    The development-setup gate looks into the verifier's own code, not into what a manifest says. Raises
    `DevelopmentSetupRefused`, `NotDeployed`, and members of `SolidityError`, `ChainError`, `DeployError`, `StorageError`.
    """
    runtime = bundle.code(VERIFIER_RUNTIME)
    if not wallet.preset.is_local and in_code(bundle.vka or runtime) is None:
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
    adapter = adapter_of(bundle, core)
    if bound_verifier(adapter, bundle.model_id) is None:
        progress("binding the model to its verifier")
        circuit = circuit_words(bundle.manifest.circuit)
        artifact = [bundle.vka] if bundle.is_shared else []
        data = adapter.abi.call("bind", int(bundle.model_id, 16), circuit, placed.address, *artifact)
        gas_used += wallet.execute(adapter.address, data, label="bind", abis=core_abis()).gas_used
        steps += 1
    storing = None
    if bundle.is_shared:
        progress("storing the artifact" if not carry else "looking for the artifact")
        storing = find(bundle.vka, core) if carry else store(bundle.vka, wallet, core)
        gas_used, steps = gas_used + (storing.gas or 0), steps + (storing.gas is not None)

    known = book.models.get(bundle.model_id)
    described = known.metadata if known else None
    if metadata and described is None:
        described, gas, sent = _describe(bundle, wallet, folder, core)
        gas_used, steps = gas_used + gas, steps + sent
    if known is not None and not steps and described == known.metadata:
        return ModelDeployment(known, is_new=False, gas_used=0, artifact=storing)
    source = write_source(
        folder, book.chain_id, f"verifier-{bundle.model_id[2:14]}", bundle.file(VERIFIER_INPUT).read_text()
    )
    versions = bundle.manifest.versions
    verifier = deployment_of(wallet.rpc, placed, source, solc=versions.solc, evm=versions.evm)
    if known is not None and placed.receipt is None:
        verifier = known.verifier  # its line says when it was deployed
    digest = hex32(keccak256(bundle.vka)) if bundle.is_shared else None
    entry = ModelEntry(bundle.model_id, bundle.manifest.name, bundle.manifest.circuit, verifier, described, digest)
    write_book(folder, book.with_model(entry))
    return ModelDeployment(entry, is_new=bool(steps), gas_used=gas_used, artifact=storing)


def adapter_of(bundle: Bundle, core: CoreContracts) -> Contract:
    """The contract that the model of a bundle is bound in."""
    return core.reusable if bundle.is_shared else core.ezkl


def _describe(bundle: Bundle, wallet: Wallet, folder: Path, core: CoreContracts) -> tuple[Deployment, int, int]:
    """Put the metadata of a model on the chain: its line, the gas, and how many transactions that took."""
    artifact = compile_core()[METADATA]
    circuit = circuit_words(bundle.manifest.circuit)
    arguments = Abi(artifact.abi).constructor(core.ledger.address, int(bundle.model_id, 16), circuit)
    placed = place(wallet, "the model's metadata", artifact.creation + arguments, artifact.runtime)
    source = write_source(folder, wallet.rpc.chain_id, source_name(artifact), artifact.standard_json)
    line = deployment_of(wallet.rpc, placed, source, solc=artifact.solc, evm=artifact.evm, arguments=arguments)
    return line, placed.receipt.gas_used if placed.receipt else 0, 1 if placed.receipt else 0


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
    verifier, *_ = adapter.read("bindingOf", int(model_id, 16))
    return Address(to_checksum_address(verifier)) if int(verifier, 16) else None


def _commitment_words(commitment: ModelCommitment, uri: str) -> tuple[bytes, bytes, bytes, bytes, str]:
    return (
        to_bytes(commitment.model_hash),
        to_bytes(commitment.circuit_hash),
        to_bytes(commitment.vk_hash),
        to_bytes(commitment.proof_system),
        uri,
    )
