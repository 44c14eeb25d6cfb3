from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge import verbs
from bridge.chain.anvil import local_chain
from bridge.connection import Connection, connect
from bridge.deploy.core import NOBODY
from bridge.errors import ChainTooOld
from bridge.solidity.contracts import CORE


def test_deploying_the_core_twice_sends_nothing_the_second_time(connection: Connection) -> None:
    first = verbs.deploy_core(connection)
    assert first.new == CORE
    assert first.gas_used > 0
    sent = connection.rpc.nonce(connection.wallet().address)

    second = verbs.deploy_core(connection)
    assert second.new == ()
    assert second.gas_used == 0
    assert second.book == first.book
    assert connection.rpc.nonce(connection.wallet().address) == sent


def test_nobody_guards_the_verifiers_unless_told_so(connection: Connection, tmp_path: Path) -> None:
    verbs.deploy_core(connection)
    for adapter in connection.core().adapters:
        assert adapter.read("guardian") == (NOBODY.lower(),)

    guarded = replace(connection, deployments=tmp_path / "guarded")
    guardian = connection.wallet().address
    second = verbs.deploy_core(guarded, guardian=guardian)
    assert set(second.new) == set(CORE) - {"ModelRegistry", "InputOpening"}, "those know of no verifier"
    for adapter in guarded.core().adapters:
        assert adapter.read("guardian") == (guardian.lower(),)
    assert verbs.deploy_core(guarded).new == ()  # whoever repeats it without the option finds the same
    assert verbs.deploy_core(guarded, guardian=NOBODY).new == ()  # deployed above; the book goes over to it
    assert guarded.core().ezkl.address == connection.core().ezkl.address


def test_a_chain_without_an_opcode_of_the_core_is_refused_before_anything_is_sent(
    tmp_path: Path, funded_key: str
) -> None:
    with local_chain(options=("--hardfork", "shanghai")) as old:
        connection = connect(rpc=old.url, account=funded_key, deployments=tmp_path)
        with pytest.raises(ChainTooOld, match="Chain 31337 does not run the EVM version cancun"):
            verbs.deploy_core(connection)
        assert connection.rpc.block_number() == 0
        assert not list(tmp_path.iterdir())
