"""The languages that readers are written in, and their files in a folder."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from bridge.codegen.python import python
from bridge.codegen.schema import Schema
from bridge.codegen.solidity import IMPORT_FROM, solidity
from bridge.codegen.source import Source
from bridge.codegen.typescript import typescript
from bridge.core.storage import write_atomic


class Language(Enum):
    """One file each."""

    SOLIDITY = "solidity"
    PYTHON = "python"
    TYPESCRIPT = "typescript"


def source(schema: Schema, language: Language, import_from: str = IMPORT_FROM) -> Source:
    """The reader of a model in a language: the same schema gives the same text. `import_from` is for Solidity."""
    match language:
        case Language.SOLIDITY:
            return solidity(schema, import_from)
        case Language.PYTHON:
            return python(schema)
        case Language.TYPESCRIPT:
            return typescript(schema)


def write(
    schema: Schema, out: Path, languages: Iterable[Language], import_from: str = IMPORT_FROM
) -> dict[Language, Path]:
    """Write the readers of a model into a folder. Raises `DiskFull`, `NotWritable`."""
    written = {}
    for language in languages:
        made = source(schema, language, import_from)
        written[language] = out / made.file
        write_atomic(written[language], made.text)
    return written
