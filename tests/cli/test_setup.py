"""proofbridge srs: the ceremony inside a file and inside a contract that stands on a chain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.core.bundle import VERIFIER_RUNTIME, VERIFIER_SOURCE
from bridge.core.ceremony import CEREMONIES, Ceremony
from tests.cli.conftest import Done, Stage, cli

NOWHERE = "0x00000000000000000000000000000000000000AA"


def inspect(stage: Stage, thing: object) -> Done:
    return cli("srs", "inspect", thing, *stage.chain, "--json")


@pytest.mark.parametrize("ceremony", CEREMONIES, ids=lambda ceremony: ceremony.name)
def test_a_deployed_verifier_of_a_public_ceremony_is_recognised(stage: Stage, ceremony: Ceremony) -> None:
    source = stage.bundle.file(VERIFIER_SOURCE).read_text()
    code = stage.bundle.code(VERIFIER_RUNTIME).hex()
    for number, coefficient in zip((2, 1), ceremony.s_g2_x, strict=True):
        own = re.findall(rf"0x([0-9a-f]{{64}})\) // neg_s_g2_x_{number}\b", source)[0]
        held = own if own in code else re.sub(r"^(00)+", "", own)  # code has no leading zero bytes
        code = code.replace(held, f"{coefficient:064x}")
    stage.connection.rpc.raw("anvil_setCode", NOWHERE, f"0x{code}")
    try:
        document = inspect(stage, NOWHERE).document
    finally:
        stage.connection.rpc.raw("anvil_setCode", NOWHERE, "0x")
    assert document == {"address": NOWHERE, "thing": "contract", "kind": "ceremony", "name": ceremony.name}


def test_a_deployed_verifier_of_a_setup_made_here_is_of_no_ceremony(stage: Stage) -> None:
    address = stage.connection.book().models[stage.bundle.model_id].verifier.address
    document = inspect(stage, address).document
    assert document == {"address": address, "thing": "contract", "kind": "unknown", "name": None}
    shown = cli("srs", "inspect", address, *stage.chain)
    assert "whoever made its setup can forge proofs" in shown.out


def test_an_address_without_a_verifier_is_named(stage: Stage) -> None:
    ledger = stage.connection.core().ledger.address
    for address, reason in ((NOWHERE, "there is no code"), (ledger, "it checks no pairing")):
        refused = inspect(stage, address)
        assert refused.code == 1
        assert refused.document["error"]["name"] == "NoSetupInside"
        assert reason in refused.document["error"]["what"]
        assert address in refused.document["error"]["what"]


def test_an_address_with_a_slip_in_it_is_not_taken_for_a_file(stage: Stage) -> None:
    refused = inspect(stage, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed")  # EIP-55's first example, one letter small
    assert (refused.code, refused.document["error"]["name"]) == (1, "OptionInvalid")


def test_a_file_and_a_bundle_need_no_chain(stage: Stage, perpetual: Path) -> None:
    document = cli("srs", "inspect", perpetual, "--json", "--rpc", "http://127.0.0.1:9").document
    assert document["thing"] == "setup file"
    assert (document["kind"], document["name"], document["logrows"]) == ("ceremony", "perpetual-powers-of-tau", 1)
    document = cli("srs", "inspect", stage.bundle.path, "--json").document
    assert document == {"path": str(stage.bundle.path), "thing": "bundle", "kind": "unknown", "name": None}
