"""Write the readers that the repository keeps: those of the tests' schemas, which each language runs over the same vectors."""

from __future__ import annotations

from bridge.codegen.languages import source
from tests.codegen.schemas import HOSTILE, WEATHER

if __name__ == "__main__":
    for golden in (WEATHER, HOSTILE):
        for language, file in golden.files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source(golden.schema, language, "src/").text)
            print(f"wrote {file}")
