"""How values of our own stand in the JSON of an answer; beside a type, so that a record is described where it is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar, dataclass_transform

from pydantic import ConfigDict, Field, PlainSerializer, WithJsonSchema, with_config

from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Address, Hex32, HexBytes

T = TypeVar("T")

_DOCUMENTED = ConfigDict(use_attribute_docstrings=True)


@dataclass_transform(frozen_default=True)
def answer(record: type[T]) -> type[T]:
    """A record of an answer: slotted and frozen, its fields' docstrings are what the API's description says of them."""
    return with_config(_DOCUMENTED)(dataclass(frozen=True, slots=True)(record))


GradeLabel = Annotated[
    Grade,
    PlainSerializer(lambda grade: grade.label, return_type=str),
    WithJsonSchema({"type": "string", "enum": [grade.label for grade in Grade]}),
]
FinalityLabel = Annotated[
    Finality,
    PlainSerializer(lambda finality: finality.label, return_type=str),
    WithJsonSchema({"type": "string", "enum": [finality.label for finality in Finality]}),
]
Id = Annotated[Hex32, Field(pattern="^0x[0-9a-f]{64}$")]
Account = Annotated[Address, Field(pattern="^0x[0-9a-fA-F]{40}$")]
Bytes = Annotated[HexBytes, Field(pattern="^0x([0-9a-f]{2})*$")]
Wei = Annotated[
    int,
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+$"}),
]
"""Up to 256 bits, in decimal digits: a number of JSON ends at 53."""
