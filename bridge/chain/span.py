"""How many blocks to ask a provider for at once: more after it took them, fewer after it refused.

What providers say when a range is too large is data here, by the words that they use. It chooses a span and nothing else: a
refusal in words that nobody knows halves it, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.chain.wire import Refusal

MOST_BLOCKS = 10_000
_GROWTH = 2


@dataclass(frozen=True, slots=True)
class Saying:
    """Words of a provider about a range."""

    provider: str
    words: re.Pattern[str]
    """With a group `last` (hex) or `end` (decimal) where it suggests a range, `blocks` where it names how many it takes."""


def _saying(provider: str, words: str) -> Saying:
    return Saying(provider, re.compile(words, re.IGNORECASE))


SAYINGS = (
    _saying("Alchemy, Infura", r"this block range should work: \[0x[0-9a-f]+, (?P<last>0x[0-9a-f]+)\]"),
    _saying("Infura", r"try with this block range \[0x[0-9a-f]+, (?P<last>0x[0-9a-f]+)\]"),
    _saying("reth", r"retry with the range \d+-(?P<end>\d+)"),
    _saying("Alchemy, free", r"up to an? (?P<blocks>[\d,]+) block range"),
    _saying("QuickNode", r"limited to an? (?P<blocks>[\d,]+) (?:blocks? )?range"),
    _saying("BlastAPI", r"limited to an? (?P<blocks>[\d,]+) blocks? range"),
    _saying("Ankr, LlamaRPC", r"(?:max(?:imum)? (?:block )?range(?: is|:)?) (?P<blocks>[\d,]+)"),
    _saying("Base, publicnode", r"exceed(?:s|ed)? maximum block range: (?P<blocks>[\d,]+)"),
    _saying("Infura, reth", r"(?:exceeds limit of|exceeds max block range) (?P<blocks>[\d,]+)"),
    _saying("Tenderly", r"bigger than range limit (?P<blocks>[\d,]+)"),
    _saying("Morph", r"max block range = (?P<blocks>[\d,]+)"),
    _saying("Cloudflare", r"max range: (?P<blocks>[\d,]+)"),
    _saying("zkSync", r"(?:limit|up to) (?P<blocks>[\d,]+) blocks"),
    _saying("geth, Infura", r"query returned more than [\d,]+ results"),
    _saying("geth", r"exceed(?:s|ed)? max(?:imum)? block range"),
    _saying("Erigon", r"(?:query block range|block range) (?:exceeds|is too (?:large|wide))"),
    _saying("Ankr", r"block range is too (?:wide|large)"),
    _saying("Alchemy", r"log response size exceeded"),
    _saying("Nethermind", r"too many logs requested"),
    _saying("Besu", r"requested range exceeds maximum"),
    _saying("Polygon's Bor", r"range is too large"),
)
"""From the most telling to the least."""


@dataclass(frozen=True, slots=True)
class Span:
    """How many blocks to ask for next."""

    blocks: int
    most: int = MOST_BLOCKS

    def grown(self) -> Span:
        """After a range that was answered at ease."""
        return Span(min(self.blocks * _GROWTH, self.most), self.most)

    def halved(self) -> Span:
        """After a range that was too much for anybody."""
        return Span(max(1, self.blocks // 2), self.most)

    def refused(self, refusal: Refusal, first: int, last: int) -> Span:
        """After a range of blocks first..last that was refused; where the provider says what it takes, no more from now on."""
        asked = last - first + 1
        for saying in SAYINGS:
            found = saying.words.search(refusal.message)
            if found is None:
                continue
            named = found.groupdict()
            if named.get("blocks"):
                most = int(named["blocks"].replace(",", ""))
                if 0 < most < asked:
                    return Span(most, most)
            if named.get("last") or named.get("end"):
                end = int(named["last"], 16) if named.get("last") else int(named["end"])
                suggested = end - first + 1
                if 0 < suggested < asked:
                    return Span(suggested, self.most)
        return Span(max(1, asked // 2), self.most)
