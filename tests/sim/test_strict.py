"""Each rule of a real node refuses on the strict node what plain Anvil takes, and lets through what lies beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bridge.chain.rpc import Rpc
from bridge.core.word import Address, Hex32
from bridge.errors import RpcFailed
from tests.sim.payer import GWEI, SOMEBODY, Payer, payer
from tests.sim.rules import PROVIDERS, LogLimit, Rules
from tests.sim.signed import BLOB, SignedTx, read_signed
from tests.sim.wire import RefusedError, Upstream
from tests.sim.world import World

EMITTER = "0x" + "22" * 20
_EMITS = "0x60003560006000a100"
"""Runtime code that logs one event without data, whose only topic is the first word of the call."""


@pytest.fixture
def world() -> Iterator[World]:
    with World(5) as world:
        yield world


@pytest.fixture
def strict(world: World) -> Upstream:
    return world.client()


def refusal(node: Upstream, raw: str) -> str:
    with pytest.raises(RefusedError) as refused:
        node.ask("eth_sendRawTransaction", raw)
    assert refused.value.code == -32000
    return refused.value.message


@pytest.mark.parametrize(
    ("old", "new", "enough"),
    [
        ((100, 10), (110, 11), True),
        ((100, 10), (109, 11), False),
        ((100, 10), (110, 10), False),
        ((100, 10), (1000, 10), False),
        ((100, 10), (100, 100), False),
        ((100, 10), (200, 10), False),
        ((100, None), (110, None), True),
        ((100, None), (109, None), False),
    ],
)
def test_a_replacement_pays_a_tenth_more_on_both_fees_or_is_refused(
    old: tuple[int, int | None], new: tuple[int, int | None], enough: bool, world: World, strict: Upstream
) -> None:
    alice = payer(world)
    first, second = (
        alice.signed(0, fee=fee * GWEI, tip=None if tip is None else tip * GWEI) for fee, tip in (old, new)
    )
    strict.ask("eth_sendRawTransaction", first)
    if enough:
        assert strict.ask("eth_sendRawTransaction", second) == read_signed(second).hash
    else:
        assert refusal(strict, second) == "replacement transaction underpriced"
    world.mine()
    mined = world.ask("eth_getBlockByNumber", "latest", False)["transactions"]
    assert mined == [read_signed(second if enough else first).hash]


@pytest.mark.parametrize(("old", "new", "enough"), [(9, 10, True), (9, 9, False), (19, 20, True), (99, 107, False)])
def test_a_tenth_is_rounded_down_but_never_to_nothing(old: int, new: int, enough: bool) -> None:
    before, after = (replace(blob(fee, fee, 0), kind=2) for fee in (old, new))
    if enough:
        Rules().check_replacement(before, after)
    else:
        with pytest.raises(RefusedError):
            Rules().check_replacement(before, after)


def test_anvil_takes_a_replacement_that_pays_almost_nothing_more(world: World) -> None:
    alice = payer(world)
    for fee in (100 * GWEI, 100 * GWEI + 1):
        assert world.ask("eth_sendRawTransaction", alice.signed(0, fee=fee))


def blob(fee: int, tip: int, blob_fee: int) -> SignedTx:
    return SignedTx("0x", "0x", BLOB, 0, 21_000, fee, tip, blob_fee, 0, True, SOMEBODY, 0, b"", "0x")


def test_a_blob_transaction_is_replaced_for_twice_its_fees_only() -> None:
    rules = Rules()
    rules.check_replacement(blob(100, 10, 5), blob(200, 20, 10))
    for fees in ((199, 20, 10), (200, 19, 10), (200, 20, 9)):
        with pytest.raises(RefusedError, match="replacement transaction underpriced"):
            rules.check_replacement(blob(100, 10, 5), blob(*fees))
    with pytest.raises(RefusedError, match="address already reserved"):
        rules.check_replacement(blob(100, 10, 5), replace(blob(900, 90, 90), kind=2))


def test_what_waits_is_already_known_and_what_is_mined_has_a_nonce_too_low(world: World, strict: Upstream) -> None:
    raw = payer(world).signed(0)
    strict.ask("eth_sendRawTransaction", raw)
    assert refusal(strict, raw) == "already known"
    world.mine()
    assert refusal(strict, raw) == "nonce too low: next nonce 1, tx nonce 0"


def test_a_transaction_has_131072_bytes_and_no_more(world: World, strict: Upstream) -> None:
    alice = payer(world)
    gas = 6_000_000
    frame = read_signed(alice.signed(0, gas=gas, data=bytes(130_000))).size - 130_000
    fits = alice.signed(0, gas=gas, data=bytes(131_072 - frame))
    over = alice.signed(1, gas=gas, data=bytes(131_073 - frame))
    assert strict.ask("eth_sendRawTransaction", fits)
    assert refusal(strict, over) == "oversized data: transaction size 131073, limit 131072"
    assert world.ask("eth_sendRawTransaction", over), "Anvil takes it"


def test_a_transaction_has_the_gas_of_eip_7825_and_no_more(world: World, strict: Upstream) -> None:
    alice = payer(world)
    assert strict.ask("eth_sendRawTransaction", alice.signed(0, gas=16_777_216))
    over = alice.signed(1, gas=16_777_217)
    assert refusal(strict, over) == "transaction gas limit too high (cap: 16777216, tx: 16777217)"
    assert world.ask("eth_sendRawTransaction", over), "Anvil takes it"


def test_gas_beyond_the_block_is_refused_where_no_other_cap_binds() -> None:
    with World(5, rules=Rules(transaction_gas=10**9)) as world:
        strict, alice = world.client(), payer(world)
        assert strict.ask("eth_sendRawTransaction", alice.signed(0, gas=30_000_000))
        assert refusal(strict, alice.signed(1, gas=30_000_001)) == "exceeds block gas limit"


@pytest.mark.parametrize("words", ["transaction gas price below minimum", "transaction underpriced"])
def test_a_tip_of_nothing_is_refused_in_old_words_and_new(words: str) -> None:
    with World(5, rules=Rules(low_tip_words=words)) as world:
        strict, alice = world.client(), payer(world)
        assert strict.ask("eth_sendRawTransaction", alice.signed(0, tip=1))
        free = alice.signed(1, tip=0)
        assert refusal(strict, free) == f"{words}: gas tip cap 0, minimum needed 1"
        assert world.ask("eth_sendRawTransaction", free), "Anvil takes it"


def test_funds_are_counted_over_all_that_waits(world: World, strict: Upstream) -> None:
    alice = payer(world, wei=3 * 21_000 * 10 * GWEI)
    for nonce in range(3):
        assert strict.ask("eth_sendRawTransaction", alice.signed(nonce, value=0))
    fourth = alice.signed(3, value=0)
    assert refusal(strict, fourth).startswith("insufficient funds for gas * price + value: balance ")
    assert world.ask("eth_sendRawTransaction", fourth), "Anvil looks at one at a time"


def test_fees_above_the_cap_of_the_server_are_refused(world: World, strict: Upstream) -> None:
    alice = payer(world)
    assert strict.ask("eth_sendRawTransaction", alice.signed(0, gas=1_000_000, fee=1000 * GWEI))
    assert (
        refusal(strict, alice.signed(1, gas=1_000_000, fee=1001 * GWEI))
        == "tx fee (1.00 ether) exceeds the configured cap (1.00 ether)"
    )


def test_a_signature_for_every_chain_is_refused(world: World, strict: Upstream) -> None:
    alice = payer(world)
    assert strict.ask("eth_sendRawTransaction", alice.signed(0, tip=None))
    assert "replay-protected" in refusal(strict, alice.signed(1, tip=None, chain_id=None))


def test_what_is_no_transaction_is_refused(world: World, strict: Upstream) -> None:
    for raw in ("0x", "0x02", "0x02c0", "0xc0", "0x" + "ff" * 40):
        assert "no signed transaction" in refusal(strict, raw)
    raw = payer(world).signed(0)
    assert refusal(strict, raw[:-64] + "00" * 32) == "invalid sender: invalid transaction v, r, s values"


def test_beyond_a_gap_sixty_four_wait_and_the_last_is_forgotten_without_a_word(world: World, strict: Upstream) -> None:
    alice = payer(world)
    for nonce in range(1, 66):
        assert strict.ask("eth_sendRawTransaction", alice.signed(nonce))
    assert len(world.pool.waiting(alice.address)) == 64
    assert world.tally["queued too far ahead"] == 1
    assert strict.ask("eth_getTransactionByHash", read_signed(alice.signed(65)).hash) is None
    assert strict.ask("eth_getTransactionCount", alice.address, "pending") == "0x0"
    strict.ask("eth_sendRawTransaction", alice.signed(0))
    assert strict.ask("eth_getTransactionCount", alice.address, "pending") == hex(65)
    world.mine()
    assert strict.ask("eth_getTransactionCount", alice.address, "latest") == hex(65)


def test_a_hundred_may_wait_without_a_gap(world: World, strict: Upstream) -> None:
    alice = payer(world)
    for nonce in range(100):
        strict.ask("eth_sendRawTransaction", alice.signed(nonce))
    assert strict.ask("eth_getTransactionCount", alice.address, "pending") == hex(100)


def test_a_full_pool_loses_its_cheapest_or_refuses_what_is_cheaper_still() -> None:
    with World(5, rules=Rules(pool_size=2)) as world:
        strict = world.client()
        alice, bob, carol = payer(world), payer(world), payer(world)
        cheap = strict.ask("eth_sendRawTransaction", alice.signed(0, tip=2))
        dear = strict.ask("eth_sendRawTransaction", bob.signed(0, tip=3))
        assert refusal(strict, carol.signed(0, tip=1)) == "transaction underpriced"
        dearer = strict.ask("eth_sendRawTransaction", carol.signed(0, tip=4))
        assert set(world.pool.waiting()) == {dear, dearer}
        assert strict.ask("eth_getTransactionByHash", cheap) is None
        world.mine()
        assert set(world.ask("eth_getBlockByNumber", "latest", False)["transactions"]) == {dear, dearer}


def test_an_evicted_transaction_is_gone_and_those_behind_it_wait_on(world: World, strict: Upstream) -> None:
    alice = payer(world)
    hashes = [strict.ask("eth_sendRawTransaction", alice.signed(nonce)) for nonce in range(3)]
    assert world.pool.evict(hashes[1], "0x" + "00" * 32) == [hashes[1]]
    assert strict.ask("eth_getTransactionByHash", hashes[1]) is None
    assert strict.ask("eth_getTransactionByHash", hashes[2])["hash"] == hashes[2]
    assert strict.ask("eth_getTransactionCount", alice.address, "pending") == "0x1"
    world.mine()
    assert strict.ask("eth_getTransactionCount", alice.address, "latest") == "0x1"
    strict.ask("eth_sendRawTransaction", alice.signed(1))
    world.mine()
    assert strict.ask("eth_getTransactionCount", alice.address, "latest") == "0x3"


def test_which_transactions_a_pool_forgets_is_the_seeds_choice() -> None:
    def forgotten(seed: int) -> list[int]:
        with World(seed) as world:
            alice = Payer(world.account())
            for nonce in range(12):
                world.pool.submit(alice.signed(nonce))
            order = world.pool.waiting()
            return sorted(order.index(tx_hash) for tx_hash in world.pool.evict_some(4))

    assert forgotten(1) == forgotten(1)
    assert forgotten(1) != forgotten(2)


def test_a_fee_below_the_base_fee_waits_here_and_is_refused_by_anvil(world: World, strict: Upstream) -> None:
    low = payer(world).signed(0, fee=GWEI // 2, tip=1)
    with pytest.raises(RefusedError, match="less than block base fee"):
        world.ask("eth_sendRawTransaction", low)
    tx_hash = strict.ask("eth_sendRawTransaction", low)
    world.mine()
    found = strict.ask("eth_getTransactionByHash", tx_hash)
    assert (found["hash"], found["blockHash"], found["to"]) == (tx_hash, None, SOMEBODY)
    assert world.pool.held() == {tx_hash}
    assert Rpc(world.url).knows_transaction(Hex32(tx_hash))
    world.base_fee(GWEI // 4)
    world.mine()
    assert strict.ask("eth_getTransactionReceipt", tx_hash)["status"] == "0x1"


@pytest.mark.parametrize("call", [("evm_mine",), ("anvil_mine", "0x1"), ("anvil_mine", 1)])
def test_a_block_that_a_client_asks_for_holds_what_waited(
    call: tuple[str | int, ...], world: World, strict: Upstream
) -> None:
    tx_hash = strict.ask("eth_sendRawTransaction", payer(world).signed(0, fee=GWEI // 2, tip=1))
    world.base_fee(GWEI // 4)
    strict.ask(str(call[0]), *call[1:])
    assert strict.ask("eth_getTransactionReceipt", tx_hash)["blockNumber"] == "0x2"


def test_a_transaction_that_a_rising_base_fee_overtakes_is_not_lost(world: World, strict: Upstream) -> None:
    tx_hash = strict.ask("eth_sendRawTransaction", payer(world).signed(0, fee=2 * GWEI, tip=1))
    world.base_fee(50 * GWEI)
    assert strict.ask("eth_getTransactionReceipt", tx_hash) is None
    assert world.pool.waiting() == [tx_hash]
    world.base_fee(GWEI)
    world.mine()
    assert strict.ask("eth_getTransactionReceipt", tx_hash)["status"] == "0x1"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_range_of_logs_beyond_the_providers_limit_is_refused_in_its_words(provider: str) -> None:
    limit = LogLimit(blocks=10, results=2, provider=PROVIDERS[provider])
    with World(5, rules=Rules(logs=limit)) as world:
        alice = payer(world)
        world.ask("anvil_setCode", EMITTER, _EMITS)
        for nonce in range(3):
            world.pool.submit(alice.signed(nonce, to=EMITTER, gas=60_000, value=0, data=bytes(31) + bytes([nonce])))
            world.mine()
        world.mine(20)
        rpc = Rpc(world.url)
        assert len(rpc.logs(Address(EMITTER), [], 1, 2)) == 2
        assert rpc.logs(Address(EMITTER), [], 11, 20) == ()
        with pytest.raises(RpcFailed) as refused:
            rpc.logs(Address(EMITTER), [], 11, 21)
        assert any(word in refused.value.reason.lower() for word in ("range", "results"))
        with pytest.raises(RpcFailed):
            rpc.logs(Address(EMITTER), [], 1, 3)
        assert len(Rpc(world.direct).logs(Address(EMITTER), [], 0, 23)) == 3, "Anvil answers whatever is asked"


def test_logs_beyond_the_head_are_refused_where_the_rules_say_so() -> None:
    with World(5, rules=Rules(logs=LogLimit(beyond_head=False))) as world:
        world.mine(3)
        strict = world.client()
        assert strict.ask("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x3"}) == []
        for query, words in (
            ({"fromBlock": "0x1", "toBlock": "0x4"}, "beyond current head"),
            ({"fromBlock": "0x2", "toBlock": "0x1"}, "invalid block range"),
        ):
            with pytest.raises(RefusedError, match=words):
                strict.ask("eth_getLogs", query)
        assert world.ask("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x4"}) == []


def test_where_anvil_mines_by_itself_the_rules_hold_too() -> None:
    with World(5, automine=True) as world:
        strict, alice = world.client(), payer(world)
        for nonce in range(5):
            strict.ask("eth_sendRawTransaction", alice.signed(nonce))
        assert strict.ask("eth_getTransactionCount", alice.address, "pending") == "0x5"
        assert refusal(strict, alice.signed(4)).startswith("nonce too low")
        assert world.pool.waiting() == []


def send_all(world: World, raws: Sequence[str], replica: int) -> None:
    client = world.client(replica)
    for raw in raws:
        client.ask("eth_sendRawTransaction", raw)


@pytest.mark.parametrize("block_seconds", [None, 1])
def test_many_clients_at_once_lose_nothing_and_leave_no_gap(block_seconds: int | None) -> None:
    with World(5, replicas=2, block_seconds=block_seconds) as world:
        payers = [payer(world) for _ in range(4)]
        raws = [[sender.signed(nonce) for nonce in range(50)] for sender in payers]
        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(send_all, world, raws[n], n % 2) for n in range(4)]:
                done.result()
        assert [world.pool.pending_nonce(sender.address) for sender in payers] == [50] * 4
        world.mine()
        assert world.pool.waiting() == []
        assert [int(world.ask("eth_getTransactionCount", sender.address, "latest"), 16) for sender in payers] == [
            50
        ] * 4


def test_a_snapshot_that_is_restored_empties_the_pool(world: World, strict: Upstream) -> None:
    alice = payer(world)
    checkpoint = strict.ask("evm_snapshot")
    strict.ask("eth_sendRawTransaction", alice.signed(0))
    strict.ask("anvil_dropAllTransactions")
    strict.ask("evm_revert", checkpoint)
    assert world.pool.waiting() == []
    assert strict.ask("eth_sendRawTransaction", alice.signed(0))


def test_replicas_share_what_waits() -> None:
    with World(5, replicas=2) as world:
        raw = payer(world).signed(0)
        world.client(0).ask("eth_sendRawTransaction", raw)
        assert refusal(world.client(1), raw) == "already known"


def test_what_is_no_json_rpc_is_answered_too(world: World) -> None:
    client = world.client()
    for body in (b"", b"{", b"5", b'{"id": 1}', b"[5]"):
        assert b"parse error" in client.post(body)


def test_a_batch_is_answered_as_a_batch(world: World, strict: Upstream) -> None:
    world.mine(2)
    assert strict.ask_all([("eth_blockNumber",), ("eth_chainId",)]) == ["0x2", hex(31_337)]
