from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import verbs
from bridge.chain.anvil import Anvil, local_chain
from bridge.chain.contract import Contract
from bridge.circuit.order import Order
from bridge.connection import Connection, connect
from bridge.core.bundle import Bundle
from bridge.core.proof import Proof
from bridge.core.word import Address, hex32, keccak256
from bridge.deploy.create2 import FACTORY
from bridge.deploy.model import bound_verifier, is_registered
from bridge.errors import (
    CodeTooLarge,
    DevelopmentSetupRefused,
    EvmTooOld,
    FactoryMissing,
    NotDeployed,
)
from bridge.solidity.contracts import METADATA
from bridge.solidity.limits import Limits

SEPOLIA = ("--chain-id", "11155111")


def test_a_model_is_deployed_registered_and_bound_and_twice_does_nothing(
    connection: Connection, bundle: Bundle
) -> None:
    verbs.deploy_core(connection)
    core = connection.core()
    assert not is_registered(core.registry, bundle.model_id)
    assert bound_verifier(core.ezkl, bundle.model_id) is None

    first = verbs.deploy_model(bundle, connection)
    assert first.is_new
    assert first.gas_used > 0
    assert is_registered(core.registry, bundle.model_id)
    assert bound_verifier(core.ezkl, bundle.model_id) == first.entry.verifier.address
    nonce = connection.rpc.nonce(connection.wallet().address)
    written = (connection.deployments / "31337.json").read_bytes()

    second = verbs.deploy_model(bundle, connection)
    assert second == replace(first, is_new=False, gas_used=0)
    assert connection.rpc.nonce(connection.wallet().address) == nonce
    assert (connection.deployments / "31337.json").read_bytes() == written


def test_a_deployment_that_stopped_half_way_goes_on_where_it_stopped(connection: Connection, bundle: Bundle) -> None:
    verbs.deploy_core(connection)
    core, wallet = connection.core(), connection.wallet()
    commitment = bundle.manifest.commitment
    words = [bytes.fromhex(word[2:]) for word in (commitment.model_hash, commitment.circuit_hash, commitment.vk_hash)]
    proof_system = bytes.fromhex(commitment.proof_system[2:])
    data = core.registry.abi.call("registerModel", (*words, proof_system, "by somebody else"))
    wallet.execute(core.registry.address, data, label="registerModel")
    done = verbs.deploy_model(bundle, connection, uri="ignored, because it is registered already")
    assert done.is_new
    assert bound_verifier(core.ezkl, bundle.model_id) == done.entry.verifier.address


def test_whoever_finds_a_deployed_model_gets_the_same_book(
    deployed: Connection, bundle: Bundle, tmp_path: Path
) -> None:
    nonce = deployed.rpc.nonce(deployed.wallet().address)
    elsewhere = replace(deployed, deployments=tmp_path / "elsewhere")
    with pytest.raises(NotDeployed, match="Run: proofbridge deploy core"):
        elsewhere.core()
    assert verbs.deploy_core(elsewhere).new == ()
    assert not verbs.deploy_model(bundle, elsewhere).is_new
    assert deployed.rpc.nonce(deployed.wallet().address) == nonce
    ours, theirs = deployed.book(), elsewhere.book()
    assert {name: line.address for name, line in ours.contracts.items()} == {
        name: line.address for name, line in theirs.contracts.items()
    }
    assert theirs.models[bundle.model_id].verifier.code_hash == ours.models[bundle.model_id].verifier.code_hash


def test_a_model_needs_the_core_contracts(connection: Connection, bundle: Bundle) -> None:
    with pytest.raises(NotDeployed, match="ModelRegistry is not deployed on chain 31337"):
        verbs.deploy_model(bundle, connection)
    assert connection.rpc.block_number() == 0


def test_a_proof_needs_its_model_on_the_chain(connection: Connection, bundle: Bundle, proof: Proof) -> None:
    with pytest.raises(NotDeployed, match="proofbridge deploy core"):
        verbs.submit(bundle, proof, connection)
    verbs.deploy_core(connection)
    with pytest.raises(NotDeployed, match=f"model {bundle.model_id} is not deployed .* proofbridge deploy model"):
        verbs.submit(bundle, proof, connection)


def test_the_same_addresses_stand_on_chains_with_different_ids(
    deployed: Connection, tmp_path: Path, funded_key: str
) -> None:
    with local_chain(options=SEPOLIA) as chain:
        other = connect("sepolia", rpc=chain.url, account=funded_key, deployments=tmp_path / "other")
        book = verbs.deploy_core(other).book
    assert book.chain_id == 11155111
    ours = deployed.book()
    assert {name: line.address for name, line in book.contracts.items()} == {
        name: line.address for name, line in ours.contracts.items()
    }
    assert (tmp_path / "other" / "11155111.json").is_file()
    # The chain id is inside the gateway: its code differs though its address does not.
    assert book.contract("InferenceLedger").code_hash != ours.contract("InferenceLedger").code_hash
    assert book.contract("ModelRegistry").code_hash == ours.contract("ModelRegistry").code_hash


def test_without_the_factory_nothing_is_deployed(connection: Connection, bundle: Bundle) -> None:
    factory = connection.rpc.code(FACTORY)
    connection.rpc.raw("anvil_setCode", FACTORY, "0x")
    with pytest.raises(FactoryMissing, match=f"chain 31337 has no CREATE2 factory at {FACTORY}"):
        verbs.deploy_core(connection)
    assert not (connection.deployments / "31337.json").exists()
    connection.rpc.raw("anvil_setCode", FACTORY, "0x" + factory.hex())
    verbs.deploy_core(connection)
    assert verbs.deploy_model(bundle, connection).is_new


def test_a_chain_that_was_reset_under_its_book_is_deployed_again(
    deployed: Connection, bundle: Bundle, proof: Proof
) -> None:
    old = deployed.book()
    with local_chain() as fresh:
        fresh_rpc = connect(rpc=fresh.url, deployments=deployed.deployments)
        fresh_rpc.rpc.raw("anvil_mine", "0x20")  # so that blocks differ
        with pytest.raises(NotDeployed):
            verbs.submit(bundle, proof, fresh_rpc)
        assert verbs.deploy_core(fresh_rpc).new == tuple(old.contracts)
        assert verbs.deploy_model(bundle, fresh_rpc).is_new
        new = fresh_rpc.book()
        assert {name: line.address for name, line in new.contracts.items()} == {
            name: line.address for name, line in old.contracts.items()
        }
        assert min(line.block_number for line in new.contracts.values()) > 0x20
        assert verbs.submit(bundle, proof, fresh_rpc).is_new
        assert len(verbs.results(fresh_rpc)) == 1


def test_a_public_chain_that_was_started_anew_is_deployed_again(tmp_path: Path, funded_key: str) -> None:
    first_blocks = []
    for blocks in ("0x20", "0x2"):
        with local_chain(options=SEPOLIA) as chain:
            connection = sepolia(chain, tmp_path, funded_key)
            connection.rpc.raw("anvil_mine", blocks)
            verbs.deploy_core(connection)
            first_blocks.append(connection.core().first_block)
    assert first_blocks == [0x21, 0x3]


def test_a_book_of_a_chain_that_was_reset_and_deployed_by_somebody_else_hides_no_result(
    connection: Connection, bundle: Bundle, proof: Proof, tmp_path: Path
) -> None:
    connection.rpc.raw("anvil_mine", "0x20")
    verbs.deploy_core(connection)  # the old chain: its contracts came after block 32
    verbs.deploy_model(bundle, connection)
    with local_chain() as fresh:
        somebody = connect(rpc=fresh.url, deployments=tmp_path / "somebody")
        verbs.deploy_core(somebody)
        verbs.deploy_model(bundle, somebody)
        verbs.submit(bundle, proof, somebody)
        ours = connect(rpc=fresh.url, deployments=connection.deployments)
        assert verbs.deploy_core(ours).new == ()
        assert [record.tx_hash for record in verbs.results(ours)] == [
            record.tx_hash for record in verbs.results(somebody)
        ]
        assert len(verbs.results(ours)) == 1


def sepolia(chain: Anvil, folder: Path, account: str) -> Connection:
    return connect("sepolia", rpc=chain.url, account=account, deployments=folder)


@pytest.fixture
def separate_home(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of this test alone, because a setup file that is given once is kept and used for later builds."""
    cache = tmp_path / "home" / "cache"
    cache.mkdir(parents=True)
    (cache / "store").mkdir()
    (cache / "store" / "compilations").symlink_to(own_home / "cache" / "store" / "compilations")
    monkeypatch.setenv("PROOFBRIDGE_HOME", str(cache.parent))


@pytest.mark.usefixtures("separate_home")
def test_a_development_setup_stays_on_a_local_chain_and_a_public_ceremony_may_leave_it(
    order: Order, hermez: Path, tmp_path: Path, funded_key: str
) -> None:
    bundle = verbs.build_model(replace(order, out=tmp_path / "bundles")).bundle
    assert bundle.manifest.setup.kind == "development"
    public = verbs.build_model(replace(order, srs=hermez, out=tmp_path / "bundles")).bundle
    assert (public.manifest.setup.kind, public.manifest.setup.name) == ("ceremony", "hermez")
    lying = replace(bundle, manifest=replace(bundle.manifest, setup=public.manifest.setup))
    with local_chain(options=SEPOLIA) as chain:
        connection = sepolia(chain, tmp_path / "book", funded_key)
        verbs.deploy_core(connection)
        nonce = connection.rpc.nonce(connection.wallet().address)
        with pytest.raises(DevelopmentSetupRefused, match="it is refused on Sepolia"):
            verbs.deploy_model(bundle, connection)
        with pytest.raises(DevelopmentSetupRefused):
            verbs.deploy_model(lying, connection)  # the gate looks into the verifier's code
        assert connection.rpc.nonce(connection.wallet().address) == nonce
        assert verbs.deploy_model(public, connection).is_new


def test_a_verifier_for_a_newer_evm_is_refused_where_the_chain_is_only_known_to_run_an_older_one(
    connection: Connection, order: Order, tmp_path: Path
) -> None:
    newer = verbs.build_model(replace(order, evm="cancun", out=tmp_path / "bundles")).bundle
    assert newer.manifest.versions.evm == "cancun"
    paris = replace(connection, preset=replace(connection.preset, evm="paris"))
    verbs.deploy_core(connection)
    nonce = connection.rpc.nonce(connection.wallet().address)
    with pytest.raises(EvmTooOld, match="built for the EVM version cancun, but the chain is only known to run paris"):
        verbs.deploy_model(newer, paris)
    assert connection.rpc.nonce(connection.wallet().address) == nonce
    assert verbs.deploy_model(newer, replace(paris, preset=connection.preset)).is_new


def test_a_verifier_over_the_code_limit_of_the_chain_is_refused_before_it_is_sent(
    connection: Connection, bundle: Bundle
) -> None:
    verbs.deploy_core(connection)
    size = bundle.manifest.measurements.verifier_runtime_bytes
    nonce = connection.rpc.nonce(connection.wallet().address)

    def limited(size: int) -> Connection:
        return replace(connection, preset=replace(connection.preset, limits=Limits(runtime_bytes=size)))

    with pytest.raises(CodeTooLarge, match=f"has {size} bytes of runtime code, over the chain's limit of {size - 1}"):
        verbs.deploy_model(bundle, limited(size - 1))
    assert connection.rpc.nonce(connection.wallet().address) == nonce
    assert verbs.deploy_model(bundle, limited(size)).is_new


def test_a_verifier_over_the_code_limit_is_not_built_into_a_bundle(
    order: Order, bundle: Bundle, tmp_path: Path
) -> None:
    out = tmp_path / "bundles"
    with pytest.raises(CodeTooLarge, match=r"the generated verifier has \d+ bytes of runtime code, .* limit of 9000"):
        verbs.build_model(replace(order, out=out, limits=Limits(runtime_bytes=9000)))
    assert list(out.iterdir()) == []
    assert bundle.manifest.measurements.verifier_runtime_bytes < order.limits.runtime_bytes


def test_an_unbound_model_has_no_verifier(staged: Connection, bundle: Bundle, other_bundle: Bundle) -> None:
    adapter = staged.core().ezkl
    assert bound_verifier(adapter, bundle.model_id) != Address("0x" + "00" * 20)
    assert bound_verifier(adapter, other_bundle.model_id) is None


def test_metadata_say_how_to_read_a_model_and_are_deployed_once(connection: Connection, bundle: Bundle) -> None:
    verbs.deploy_core(connection)
    assert verbs.deploy_model(bundle, connection).entry.metadata is None
    first = verbs.deploy_model(bundle, connection, metadata=True)
    assert first.is_new
    line = first.entry.metadata
    assert line is not None
    metadata = Contract(connection.rpc, METADATA, line.address)
    (uri,) = metadata.read("publicInputsSchemaURI")
    document = base64.b64decode(uri.removeprefix("data:application/octet-stream;base64,"))
    assert hex32(keccak256(document)) == bundle.manifest.commitment.circuit_hash
    assert metadata.read("publicInputsSchemaHash") == (keccak256(document),)
    (key,) = metadata.read("verificationKeyURI")
    assert key.endswith(f"#{bundle.manifest.commitment.vk_hash}")
    assert connection.core().ezkl.address in key

    again = verbs.deploy_model(bundle, connection)
    assert (again.is_new, again.entry) == (False, first.entry)
    assert not verbs.deploy_model(bundle, connection, metadata=True).is_new
    assert verbs.verify_deployment(connection).ok
