"""A TypeScript module that reads a model's records as numbers, typed. It needs the packages `@proofbridge/client` and `viem`."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.codegen.identifier import unreserved
from bridge.codegen.schema import Field, Schema
from bridge.codegen.source import WARNING, Source, lines

_INHERITED = """
    constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf
"""
"""Every object has these already, with types of their own."""
RESERVED = frozenset((*_INHERITED.split(), "then"))
"""With a property `then`, an object is taken for a promise."""


def typescript(schema: Schema) -> Source:
    """The module of a model."""
    text = _FILE.format(
        warning=WARNING,
        title=schema.title,
        name=schema.name.pascal,
        model_id=schema.model_id,
        words=schema.output_words,
        scales=lines(f"export const {_scale(field)} = {field.tensor.scale};" for field in schema.outputs),
        members=lines(_members(schema.outputs), 2),
        numbers=lines(_numbers(schema.outputs), 4),
    )
    return Source(f"{schema.name.camel}Model.ts", text)


def _members(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        yield f"// {field.about}"
        yield f"readonly {_member(field)}: {'number' if field.words == 1 else 'readonly number[]'};"


def _numbers(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        if field.words == 1:
            yield f"{_member(field)}: toNumber(words[{field.start}]!, {_scale(field)}),"
        else:
            words = f"words.slice({field.start}, {field.end})"
            yield f"{_member(field)}: {words}.map((word) => toNumber(word, {_scale(field)})),"


def _member(field: Field) -> str:
    return unreserved(field.name.camel, RESERVED)


def _scale(field: Field) -> str:
    return f"OUTPUT_{field.name.screaming}_SCALE"


_FILE = """\
// {warning}

import {{ outputWords, toNumber, type OutputRecord }} from "@proofbridge/client";
import type {{ Hex }} from "viem";

// {title}
export const MODEL_ID = "{model_id}" as const satisfies Hex;
/** Of one row; each has 32 bytes. */
export const OUTPUT_WORDS = {words};
{scales}

/** One row's outputs, row-major. */
export interface {name}Output {{
{members}
}}

/** The outputs of a record. Throws `OutputOfAnotherModel`, `OutputMisshapen`. */
export function read{name}Output(record: OutputRecord): {name}Output {{
  const words = outputWords(record, MODEL_ID, OUTPUT_WORDS);
  return {{
{numbers}
  }};
}}
"""
