"""What may stand in a path or a query: checked by form before anything is looked up."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Address, Hex32, parse_address, parse_hex32

LARGEST = 2**53 - 1
"""Of an integer that every reader of JSON reads the same."""

MOST_ITEMS = 200
"""Of a page."""


def _known(text: str, kind: type[Grade | Finality]) -> Any:
    return kind.parse(text)


def _schema(pattern: str, example: str, description: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": pattern, "examples": [example], "description": description}, mode="validation"
    )


HexId = Annotated[
    str,
    AfterValidator(parse_hex32),
    _schema("^0x[0-9a-fA-F]{64}$", "0x" + "1f" * 32, "0x and 64 hex digits."),
]
AccountText = Annotated[
    str,
    AfterValidator(parse_address),
    _schema(
        "^0x[0-9a-fA-F]{40}$",
        "0x5FbDB2315678afecb367f032d93F642f64180aa3",
        "0x and 40 hex digits: of one case, or with a true EIP-55 checksum.",
    ),
]
GradeText = Annotated[
    str,
    AfterValidator(lambda text: _known(text, Grade).label),
    WithJsonSchema({"type": "string", "enum": [grade.label for grade in Grade]}),
]
FinalityText = Annotated[
    str,
    AfterValidator(lambda text: _known(text, Finality).label),
    WithJsonSchema({"type": "string", "enum": [finality.label for finality in Finality]}),
]
Count = Annotated[int, Field(ge=0, le=LARGEST)]


class Question(BaseModel):
    """A query: a name that it does not know is refused, and not taken for no filter at all."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PageQuestion(Question):
    """What every listing takes."""

    limit: int = Field(50, ge=1, le=MOST_ITEMS)
    """Items of a page at most."""
    cursor: str | None = Field(None, max_length=64, examples=["AAAAAAAAAGQAAAAAAAAAAAECAwQFBgcI"])
    """`next` of the page before; every filter has to be as it was there."""


def hex32_or_none(text: str | None) -> Hex32 | None:
    """An id that was checked."""
    return None if text is None else Hex32(text)


def address_or_none(text: str | None) -> Address | None:
    """An account that was checked."""
    return None if text is None else Address(text)
