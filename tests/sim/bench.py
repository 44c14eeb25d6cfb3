"""How many transactions a second the strict node takes: `python -m tests.sim.bench [senders] [each] [bytes of calldata]`.

The clients are threads of this process, as in the tests, so the figure is with their work on it. Signing is before.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from tests.sim.wire import Upstream
from tests.sim.world import CHAIN_ID, World


def main(senders: int = 4, each: int = 250, size: int = 4) -> None:
    with World(1) as world:
        batches = [list(_signed(world, each, size)) for _ in range(senders)]
        for name, url in (("plain Anvil", world.direct), ("strict node", world.url)):
            checkpoint = world.ask("evm_snapshot")
            seconds = _timed(url, batches)
            _say(f"{name}: {senders * each / seconds:.0f} eth_sendRawTransaction/s")
            world.ask("anvil_dropAllTransactions")
            world.pool.clear()
            world.ask("evm_revert", checkpoint)
        seconds = _timed(world.url, batches[:1])
        _say(f"strict node, one client: {each / seconds:.0f} eth_sendRawTransaction/s")
        _say(f"strict node: {_reads(world.url):.0f} eth_blockNumber/s, plain Anvil: {_reads(world.direct):.0f}")


def _signed(world: World, count: int, size: int) -> Iterable[str]:
    account = world.account()
    for nonce in range(count):
        transaction: dict[str, Any] = {
            "nonce": nonce,
            "to": "0x" + "11" * 20,
            "value": 0,
            "gas": 21_000 + 40 * size,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 10**9,
            "chainId": CHAIN_ID,
            "data": b"\1" * size,
        }
        yield "0x" + bytes(account.sign_transaction(transaction).raw_transaction).hex()


def _timed(url: str, batches: list[list[str]]) -> float:
    def send(raws: list[str]) -> None:
        client = Upstream(url)
        for raw in raws:
            client.ask("eth_sendRawTransaction", raw)
        client.close()

    threads = [threading.Thread(target=send, args=(raws,)) for raws in batches]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def _reads(url: str, count: int = 1000) -> float:
    client = Upstream(url)
    start = time.perf_counter()
    for _ in range(count):
        client.ask("eth_blockNumber")
    client.close()
    return count / (time.perf_counter() - start)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
