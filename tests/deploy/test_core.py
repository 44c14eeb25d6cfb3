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
from tests.chain.proxy import Answer, Request, problem, proxied, result

_SAID = "nothing, and says so"


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


def test_a_book_of_ones_own_dates_what_stood_there_before(connection: Connection, tmp_path: Path) -> None:
    for _ in range(5):
        connection.rpc.raw("evm_mine")
    first = verbs.deploy_core(connection)
    for _ in range(5):
        connection.rpc.raw("evm_mine")
    second = verbs.deploy_core(replace(connection, deployments=tmp_path / "own"))
    assert second.new == ()
    dates = [{name: line.block_number for name, line in done.book.contracts.items()} for done in (first, second)]
    assert dates[0] == dates[1]
    assert min(dates[0].values()) == 6


@pytest.mark.parametrize("keeps", [_SAID, "nothing, and does not say so"])
def test_where_a_node_keeps_no_history_nothing_is_taken_for_young(
    connection: Connection, tmp_path: Path, keeps: str
) -> None:
    for _ in range(5):
        connection.rpc.raw("evm_mine")
    verbs.deploy_core(connection)
    with proxied(connection.rpc.place) as node:

        def forget(request: Request) -> Answer | None:
            if request["params"][1] == "latest":
                return node.forward(request)
            said = problem("missing trie node") if keeps == _SAID else result("0x")
            return said(request)

        node.spoil("eth_getCode", forget)
        own = connect(rpc=node.url, deployments=tmp_path / "own")
        book = verbs.deploy_core(own).book
    assert {line.block_number for line in book.contracts.values()} == {0}, "the whole chain is looked at"


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
