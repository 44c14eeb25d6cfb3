"""What the calldata of a transaction discloses of what was verified in it, whichever contract it was sent to.

Instances are input words and, right behind them, output words. The output is in the event, so its words are looked for, and what
stands before them is the input if it hashes to the commitment. Calldata cannot lie about that; it can only be silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.core.batch import BatchRow, batch_of, split
from bridge.core.circuit import Circuit, Visibility
from bridge.core.commitment import packed, unpacked
from bridge.core.word import WORD_BYTES, Hex32, hex32, keccak256

_MOST_PLACES = 16
"""That are looked at: calldata can be made to repeat an output without end."""


@dataclass(frozen=True, slots=True)
class DisclosedRow:
    """A row of a batch with its input."""

    told: BatchRow
    input: bytes
    """As words."""


def disclosed_input(calldata: bytes, output: bytes, words: int, tag: bytes, commitment: Hex32) -> bytes | None:
    """So many input words that hash to the commitment in the domain `tag`; None where they are not to be found."""
    size = words * WORD_BYTES
    for place in _places(calldata, output):
        given = calldata[place - size : place] if place >= size else b""
        if len(given) == size and hex32(keccak256(tag + given)) == commitment:
            return given
    return None


def disclosed_rows(
    calldata: bytes, model_id: Hex32, circuit: Circuit, tag: Hex32, root: Hex32
) -> tuple[DisclosedRow, ...] | None:
    """The rows of the batch under a root; None where its instances are not to be found."""
    count = circuit.input_instances + circuit.output_instances
    size = count * WORD_BYTES
    if circuit.input_visibility is not Visibility.PUBLIC or size > len(calldata):
        return None
    for place in _places(calldata, count.to_bytes(WORD_BYTES, "big")):  # an array stands behind its length
        given = calldata[place + WORD_BYTES : place + WORD_BYTES + size]
        if len(given) < size:
            continue
        words = unpacked(given)
        try:
            batch = batch_of(model_id, circuit, words, tag)
        except ValueError:
            return None
        if batch.root == root:
            inputs = (packed(row) for row, _ in split(circuit, words))
            return tuple(DisclosedRow(*pair) for pair in zip(batch.rows, inputs, strict=True))
    return None


def _places(calldata: bytes, wanted: bytes) -> Iterator[int]:
    """Where it stands, the last place first: the argument that repeats an output comes before the instances."""
    end = len(calldata)
    for _ in range(_MOST_PLACES):
        place = calldata.rfind(wanted, 0, end)
        if place < 0:
            return
        yield place
        end = place + len(wanted) - 1
