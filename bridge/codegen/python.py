"""A Python module that reads a model's records as numbers, typed. It needs the package `proofbridge` beside it."""

from __future__ import annotations

import keyword
from collections.abc import Iterator

from bridge.codegen.identifier import unreserved
from bridge.codegen.schema import Field, Schema
from bridge.codegen.source import WARNING, Source, lines

RESERVED = frozenset(
    # What the class body has names for is kept for it: a field of that name would stand in front.
    [*keyword.kwlist, *keyword.softkwlist, "classmethod", "cls", "float", "read", "record", "self", "tuple", "words"]
)


def python(schema: Schema) -> Source:
    """The module of a model."""
    text = _FILE.format(
        warning=WARNING,
        title=schema.title,
        name=schema.name.pascal,
        model_id=schema.model_id,
        words=schema.output_words,
        scales=lines(f"{_scale(field)} = {field.tensor.scale}" for field in schema.outputs),
        members=lines(_members(schema.outputs), 4),
        numbers=lines(_numbers(schema.outputs), 12),
    )
    return Source(f"{schema.name.snake}_model.py", text)


def _members(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        yield f"# {field.about}"
        yield f"{_member(field)}: {'float' if field.words == 1 else 'tuple[float, ...]'}"


def _numbers(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        if field.words == 1:
            yield f"{_member(field)}=to_number(words[{field.start}], {_scale(field)}),"
        else:
            words = f"words[{field.start}:{field.end}]"
            yield f"{_member(field)}=tuple(to_number(word, {_scale(field)}) for word in {words}),"


def _member(field: Field) -> str:
    return unreserved(field.name.snake, RESERVED)


def _scale(field: Field) -> str:
    return f"OUTPUT_{field.name.screaming}_SCALE"


_FILE = '''\
"""Reads what one model says. {warning}"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.field import to_number
from bridge.core.reading import Record, output_words
from bridge.core.word import Hex32

# {title}
MODEL_ID = Hex32("{model_id}")
OUTPUT_WORDS = {words}
"""Of one row; each has 32 bytes."""
{scales}


@dataclass(frozen=True, slots=True)
class {name}Output:
    """One row's outputs, row-major."""

{members}

    @classmethod
    def read(cls, record: Record) -> {name}Output:
        """The outputs of a record. Raises `OutputOfAnotherModel`, `OutputMisshapen`."""
        words = output_words(record, MODEL_ID, OUTPUT_WORDS)
        return cls(
{numbers}
        )
'''
