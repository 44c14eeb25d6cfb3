"""Input rows from a file: .json, .npz, .npy or .csv, checked against the tensors that a model takes.

Everything here is hostile until it has passed: sizes, shapes, element types and finiteness are checked before a number
reaches a circuit.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.core.tensor import CircuitTensor, TensorSpec
from bridge.errors import (
    InputNotFinite,
    InputOutOfRange,
    InputShapeMismatch,
    InputTypeMismatch,
    UnreadableInput,
)

Array = NDArray[np.generic]

Row = tuple[Array, ...]
"""One input of a model: an array for each input tensor, in the graph's order, each of its tensor's shape."""

_MAX_FILE_BYTES = 512 * 2**20


def read_rows(path: Path, specs: Sequence[TensorSpec]) -> tuple[Row, ...]:
    """All rows of a file, checked. Raises the members of `InputError` that name what does not fit."""
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= _MAX_FILE_BYTES else b""
    except OSError as error:
        raise UnreadableInput(path=path, reason=error.strerror or str(error)) from None
    if size > _MAX_FILE_BYTES:
        raise UnreadableInput(path=path, reason=f"it is larger than {_MAX_FILE_BYTES} bytes")
    match path.suffix.lower():
        case ".json":
            values = _from_json(path, raw, specs)
        case ".npz":
            values = _from_npz(path, raw, specs)
        case ".npy":
            values = {_only(path, specs).name: _load_numpy(path, raw)}
        case ".csv":
            values = _from_csv(path, raw, specs)
        case other:
            raise UnreadableInput(path=path, reason=f"the ending {other!r} is not known")
    return check_rows(values, specs)


def parse_row(raw: bytes, name: str, specs: Sequence[TensorSpec]) -> Row:
    """The one row of a JSON document that somebody sent, which `name` names in messages. Raises as `read_rows` does."""
    place = Path(name)
    rows = check_rows(_from_json(place, raw, specs), specs)
    if len(rows) != 1:
        raise UnreadableInput(path=place, reason=f"it holds {len(rows)} rows, expected one")
    return rows[0]


def row_json(row: Row, specs: Sequence[TensorSpec]) -> bytes:
    """A row as the JSON document that `parse_row` reads."""
    values = {spec.name: array.tolist() for spec, array in zip(specs, row, strict=True)}
    return json.dumps(values, allow_nan=False, separators=(",", ":")).encode()


def check_rows(values: Mapping[str, object], specs: Sequence[TensorSpec]) -> tuple[Row, ...]:
    """Rows out of values by tensor name; each value holds one row or many.

    A value may have the tensor's shape, that shape without its leading 1, either of them with a leading count of rows, or be
    flat with whole rows one after another. Raises `InputShapeMismatch`, `InputTypeMismatch`, `InputNotFinite`.
    """
    columns = [_rows_of(np.asarray(_rectangular(values[spec.name], spec)), spec) for spec in specs]
    counts = {len(column) for column in columns}
    if len(counts) != 1:
        longest = max(columns, key=len)
        spec = specs[columns.index(min(columns, key=len))]
        raise InputShapeMismatch(tensor=spec.name, expected=(len(longest), *spec.shape), got=(min(counts), *spec.shape))
    return tuple(zip(*columns, strict=True))


def check_range(row: Row, tensors: Sequence[CircuitTensor]) -> None:
    """Refuse values that the circuit was not calibrated for. Raises `InputOutOfRange`."""
    for array, tensor in zip(row, tensors, strict=True):
        if tensor.low is None or tensor.high is None or array.dtype.kind == "b":
            continue
        flat = array.astype(np.float64).reshape(-1)
        outside = np.flatnonzero((flat < tensor.low) | (flat > tensor.high))
        if outside.size:
            index = int(outside[0])
            raise InputOutOfRange(
                tensor=tensor.name, index=index, value=float(flat[index]), low=tensor.low, high=tensor.high
            )


def in_batches(rows: Sequence[Row], size: int) -> list[tuple[Row, ...]]:
    """Rows by `size`; what the last batch lacks are copies of the last row."""
    missing = -len(rows) % size
    filled = [*rows, *[rows[-1]] * missing]
    return [tuple(filled[at : at + size]) for at in range(0, len(filled), size)]


def stack(rows: Sequence[Row]) -> Row:
    """Rows as one row of the model over as many: each array is as long as all of theirs along its first axis."""
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))


def to_ezkl(rows: Sequence[Row]) -> str:
    """The JSON that ezkl reads: for each tensor, the elements of all rows flattened one after another."""
    flat = [np.concatenate([array.reshape(-1) for array in column]) for column in zip(*rows, strict=True)]
    return json.dumps({"input_data": [column.tolist() for column in flat]}, allow_nan=False)


def _only(path: Path, specs: Sequence[TensorSpec]) -> TensorSpec:
    if len(specs) != 1:
        names = ", ".join(spec.name for spec in specs)
        raise UnreadableInput(path=path, reason=f"one array cannot fill the {len(specs)} inputs {names}")
    return specs[0]


def _from_json(path: Path, raw: bytes, specs: Sequence[TensorSpec]) -> dict[str, object]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UnreadableInput(path=path, reason=f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise UnreadableInput(path=path, reason="the top level is not an object")
    positional = document.get("input_data")
    if positional is not None and not any(spec.name in document for spec in specs):
        if not isinstance(positional, list) or len(positional) != len(specs):
            found = len(positional) if isinstance(positional, list) else 0
            raise UnreadableInput(path=path, reason=f"input_data holds {found} tensors, the model takes {len(specs)}")
        return {spec.name: value for spec, value in zip(specs, positional, strict=True)}
    missing = [spec.name for spec in specs if spec.name not in document]
    if missing:
        raise UnreadableInput(path=path, reason=f"it lacks the inputs {', '.join(missing)}")
    return {spec.name: document[spec.name] for spec in specs}


def _load_numpy(path: Path, raw: bytes) -> object:
    try:
        return np.load(io.BytesIO(raw), allow_pickle=False)
    except Exception as error:  # numpy, zipfile, zlib and tokenize share no tree of errors
        raise UnreadableInput(path=path, reason=f"not a numpy file: {_said(error)}") from None


def _from_npz(path: Path, raw: bytes, specs: Sequence[TensorSpec]) -> dict[str, object]:
    archive = _load_numpy(path, raw)
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise UnreadableInput(path=path, reason="not an .npz archive")
    missing = [spec.name for spec in specs if spec.name not in archive.files]
    if missing:
        raise UnreadableInput(path=path, reason=f"it lacks the inputs {', '.join(missing)}")
    unpacked = sum(member.file_size for member in archive.zip.infolist()) if archive.zip else 0
    if unpacked > _MAX_FILE_BYTES:
        raise UnreadableInput(path=path, reason=f"it unpacks to more than {_MAX_FILE_BYTES} bytes")
    try:
        return {spec.name: archive[spec.name] for spec in specs}
    except Exception as error:  # see above
        raise UnreadableInput(path=path, reason=f"not an .npz archive: {_said(error)}") from None


def _said(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _from_csv(path: Path, raw: bytes, specs: Sequence[TensorSpec]) -> dict[str, object]:
    try:
        lines = [line for line in csv.reader(io.StringIO(raw.decode("utf-8-sig"))) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableInput(path=path, reason=f"not CSV: {error}") from None
    if lines and not _is_number(lines[0][0]):
        lines = lines[1:]  # a header
    if not lines:
        raise UnreadableInput(path=path, reason="it holds no rows")
    width = sum(spec.elements for spec in specs)
    table: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        if len(line) != width:
            raise UnreadableInput(path=path, reason=f"row {number} has {len(line)} columns, expected {width}")
        try:
            table.append([float(cell) for cell in line])
        except ValueError as error:
            raise UnreadableInput(path=path, reason=f"row {number}: {error}") from None
    values: dict[str, object] = {}
    start = 0
    for spec in specs:
        block = np.array(table)[:, start : start + spec.elements]
        values[spec.name] = block.reshape(-1) if spec.elements else block
        start += spec.elements
    return values


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _rectangular(value: object, spec: TensorSpec) -> object:
    """Nested lists to an array, refusing ragged and non-numeric ones by name."""
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        raise InputShapeMismatch(tensor=spec.name, expected=spec.shape, got=_ragged_shape(value)) from None
    if array.dtype.kind not in "fiub":
        raise InputTypeMismatch(tensor=spec.name, expected=spec.dtype, got=_type_name(array))
    return array


def _ragged_shape(value: object) -> tuple[int, ...]:
    return (len(value),) if isinstance(value, list) else ()


def _type_name(array: Array) -> str:
    return {"U": "text", "O": "mixed values", "S": "bytes", "c": "complex numbers"}.get(
        array.dtype.kind, str(array.dtype)
    )


def _rows_of(array: Array, spec: TensorSpec) -> list[Array]:
    if array.size == 0 or spec.elements == 0 or array.size % spec.elements:
        raise InputShapeMismatch(tensor=spec.name, expected=spec.shape, got=array.shape)
    inner = spec.shape[1:] if spec.shape[:1] == (1,) else spec.shape
    whole = array.shape in {spec.shape, inner}
    stacked = array.shape[1:] in {spec.shape, inner}
    flat = array.ndim == 1
    if not (whole or stacked or flat):
        raise InputShapeMismatch(tensor=spec.name, expected=spec.shape, got=array.shape)
    return [_typed(np.asarray(row), spec) for row in array.reshape(-1, *spec.shape)]


def _typed(row: Array, spec: TensorSpec) -> Array:
    """The row in the model's element type; nothing is rounded silently."""
    target = np.dtype(spec.dtype)
    values = row.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values.reshape(-1)))
    if bad.size:
        raise InputNotFinite(tensor=spec.name, index=int(bad[0]), value=float(values.reshape(-1)[bad[0]]))
    if target.kind == "f":
        if row.dtype.kind == "b":
            raise InputTypeMismatch(tensor=spec.name, expected=spec.dtype, got="bool")
        with np.errstate(over="ignore"):
            cast = row.astype(target)
        over = np.flatnonzero(~np.isfinite(cast.reshape(-1)))
        if over.size:
            raise InputNotFinite(tensor=spec.name, index=int(over[0]), value=float(cast.reshape(-1)[over[0]]))
        return cast
    if target.kind == "b" and not np.isin(values, (0.0, 1.0)).all():
        raise InputTypeMismatch(tensor=spec.name, expected="bool", got=f"numbers other than 0 and 1 ({row.dtype})")
    if target.kind in "iu":
        limits = np.iinfo(target)
        if not (values == np.floor(values)).all():
            raise InputTypeMismatch(tensor=spec.name, expected=spec.dtype, got="numbers with a fraction")
        if int(row.min()) < limits.min or int(row.max()) > limits.max:  # as integers: float64 rounds 2**63 - 1 up
            raise InputTypeMismatch(tensor=spec.name, expected=spec.dtype, got="numbers beyond its range")
    return row.astype(target)
