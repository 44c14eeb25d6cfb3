from __future__ import annotations

from bridge import verbs
from bridge.connection import Connection
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
