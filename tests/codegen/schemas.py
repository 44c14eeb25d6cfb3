"""Schemas to write readers of, and where the readers of one of them are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.codegen.identifier import identifier, shown
from bridge.codegen.languages import Language
from bridge.codegen.schema import Schema, fields_of
from bridge.core.circuit import Visibility
from bridge.core.tensor import CircuitTensor
from bridge.core.word import hex32

CHECKOUT = Path(__file__).parents[2]
VECTORS = CHECKOUT / "tests" / "vectors" / "readers.json"


@dataclass(frozen=True)
class Golden:
    """A schema whose readers are committed: each language runs its own over the same vectors."""

    schema: Schema
    files: dict[Language, Path]


def schema(
    name: str,
    inputs: tuple[CircuitTensor, ...],
    outputs: tuple[CircuitTensor, ...],
    *,
    visibility: Visibility = Visibility.PUBLIC,
    rows: int = 1,
) -> Schema:
    return Schema(
        name=identifier(name, "model"),
        title=shown(name),
        model_id=hex32(bytes(range(32))),
        visibility=visibility,
        rows=rows,
        inputs=fields_of(inputs, "input"),
        outputs=fields_of(outputs, "output"),
    )


def named(*names: str) -> tuple[CircuitTensor, ...]:
    """Tensors of these names: one number, three numbers, one number, and so on."""
    return tuple(
        CircuitTensor(name, (1,) if place % 2 == 0 else (1, 3), "float32", place) for place, name in enumerate(names)
    )


WEATHER = Golden(
    schema(
        "weather",
        (CircuitTensor("station", (1,), "int64", 0), CircuitTensor("last days", (2, 2), "float32", 7)),
        (
            CircuitTensor("temperature (°C)", (1, 3), "float32", 13),
            CircuitTensor("type", (1,), "int64", 0),
            CircuitTensor("far", (2, 1), "float64", -2),
        ),
        rows=2,
    ),
    {
        Language.SOLIDITY: CHECKOUT / "tests" / "codegen" / "golden" / "WeatherModel.sol",
        Language.PYTHON: CHECKOUT / "tests" / "codegen" / "golden" / "weather_model.py",
        Language.TYPESCRIPT: CHECKOUT / "clients" / "typescript" / "test" / "golden" / "weatherModel.ts",
    },
)

HOSTILE_NAMES = (
    "*/ } contract Evil { /*",
    '"; import os; os.system("true"); "',
    '"""\nimport os\n"""',
    "a\nb\r\nc\u2028d\u2029e\x0cf",
    "// @ts-ignore\nprocess.exit()",
    "`${process.exit()}`",
    "{0.__class__} {model_id} {{",
    "__proto__",
    "constructor",
    "toString",
    "then",
    "class",
    "type",
    "float",
    "uint256",
    "mapping",
    "self",
    "words",
    "\u202e\u2066 txet",
    "\u0085\x00\x1b[31m",
    "\ud800",
    "名前",
    "1",
    "",
    " ",
    "_",
    "\\",
    "\\u000aimport os",
    "output",
    "output0",
    "Output",
    "out_put",
    "x" * 10_000,
    "x" * 9_999,
    "@custom:evil @return @inheritdoc",
    "$(touch evil)",
    "<script>",
)

HOSTILE = Golden(
    schema('*/ } "evil"\n', named(*HOSTILE_NAMES), named(*HOSTILE_NAMES)),
    {Language.TYPESCRIPT: CHECKOUT / "clients" / "typescript" / "test" / "golden" / "evilModel.ts"},
)
