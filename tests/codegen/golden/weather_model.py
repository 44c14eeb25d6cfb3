"""Reads what one model says. Written by `proofbridge model codegen` from a model's bundle: generate it again, do not edit it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.field import to_number
from bridge.core.reading import Record, output_words
from bridge.core.word import Hex32

# "weather"
MODEL_ID = Hex32("0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
OUTPUT_WORDS = 6
"""Of one row; each has 32 bytes."""
OUTPUT_TEMPERATURE_C_SCALE = 13
OUTPUT_TYPE_SCALE = 0
OUTPUT_FAR_SCALE = -2


@dataclass(frozen=True, slots=True)
class WeatherOutput:
    """One row's outputs, row-major."""

    # "temperature (\u00b0C)": float32 [1, 3], at scale 13
    temperature_c: tuple[float, ...]
    # "type": int64 [1], at scale 0
    type: float
    # "far": float64 [2, 1], at scale -2
    far: tuple[float, ...]

    @classmethod
    def read(cls, record: Record) -> WeatherOutput:
        """The outputs of a record. Raises `OutputOfAnotherModel`, `OutputMisshapen`."""
        words = output_words(record, MODEL_ID, OUTPUT_WORDS)
        return cls(
            temperature_c=tuple(to_number(word, OUTPUT_TEMPERATURE_C_SCALE) for word in words[0:3]),
            type=to_number(words[3], OUTPUT_TYPE_SCALE),
            far=tuple(to_number(word, OUTPUT_FAR_SCALE) for word in words[4:6]),
        )
