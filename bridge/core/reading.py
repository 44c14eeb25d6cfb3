"""What generated readers stand on: the words of one model's record, counted and each a number."""

from __future__ import annotations

from typing import Protocol

from bridge.core import field
from bridge.core.commitment import unpacked
from bridge.core.word import Hex32, HexBytes, to_bytes
from bridge.errors import OutputMisshapen, OutputOfAnotherModel


class Record(Protocol):
    """Anything that says which model gave which output."""

    @property
    def model_id(self) -> Hex32:
        """Of the model."""
        ...

    @property
    def output(self) -> HexBytes:
        """The output instances as 32-byte words."""
        ...


def output_words(record: Record, model_id: Hex32, count: int) -> list[int]:
    """The output instances of a record of this model. Raises `OutputOfAnotherModel`, `OutputMisshapen`."""
    if record.model_id != model_id:
        raise OutputOfAnotherModel(expected=model_id, got=record.model_id)
    try:
        words = unpacked(to_bytes(record.output))
        for word in words:
            field.to_signed(word)
    except ValueError as error:
        raise OutputMisshapen(model_id=model_id, expected=count, reason=str(error)) from None
    if len(words) != count:
        raise OutputMisshapen(model_id=model_id, expected=count, reason=f"it has {len(words)}")
    return words
