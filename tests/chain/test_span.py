"""How many blocks are asked for after what a provider said."""

from __future__ import annotations

import pytest

from bridge.chain.span import SAYINGS, Span
from bridge.chain.wire import Refusal
from tests.sim.rules import PROVIDERS, LogLimit
from tests.sim.wire import RefusedError

FIRST, LAST = 1_000, 10_999


def after(text: str) -> int:
    return Span(10_000).refused(Refusal("eth_getLogs", -32602, text), FIRST, LAST).blocks


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_what_a_provider_says_of_a_range_leads_to_one_that_it_takes(name: str) -> None:
    limit, span = LogLimit(blocks=50, provider=PROVIDERS[name]), Span(10_000)
    for _ in range(20):
        try:
            limit.check_range(FIRST, FIRST + span.blocks - 1, LAST)
            break
        except RefusedError as refused:
            told = Refusal("eth_getLogs", refused.code, refused.message)
            span = span.refused(told, FIRST, FIRST + span.blocks - 1)
    assert 25 <= span.blocks <= 50


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("query returned more than 10000 results. Try with this block range [0x3e8, 0x41a].", 51),
        ("Log response size exceeded. this block range should work: [0x3e8, 0x44b]", 100),
        ("You can make eth_getLogs requests with up to a 10 block range.", 10),
        ("eth_getLogs is limited to a 10,000 range", 5_000),
        ("eth_getLogs is limited to a 5 blocks range", 5),
        ("query exceeds max results 20000, retry with the range 1000-1499", 500),
        ("exceed maximum block range: 2000", 2_000),
        ("Max range: 800", 800),
        ("query returned more than 10000 results", 5_000),
        ("something that nobody ever said", 5_000),
        ("this block range should work: [0x0, 0x1]", 5_000),
        ("Max range: 99999999", 5_000),
    ],
)
def test_a_range_that_is_suggested_is_taken_if_it_is_one(text: str, blocks: int) -> None:
    assert after(text) == blocks


def test_a_limit_that_was_named_is_not_outgrown_and_one_that_was_not_is() -> None:
    named = Span(10_000).refused(Refusal("eth_getLogs", 0, "Max range: 800"), FIRST, LAST)
    assert named.grown().blocks == 800
    halved = Span(10_000).refused(Refusal("eth_getLogs", 0, "no"), FIRST, LAST)
    assert halved.grown().blocks == 10_000


def test_a_span_never_falls_below_one_block() -> None:
    assert Span(1).halved().blocks == 1
    assert Span(1).refused(Refusal("eth_getLogs", 0, "no"), 5, 5).blocks == 1


def test_no_saying_is_hidden_by_an_earlier_one_of_the_same_words() -> None:
    assert len({saying.words.pattern for saying in SAYINGS}) == len(SAYINGS)
