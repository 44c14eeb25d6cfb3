from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.core.rows import Row, check_range, check_rows, read_rows, to_ezkl
from bridge.core.tensor import CircuitTensor, TensorSpec
from bridge.errors import (
    InputError,
    InputNotFinite,
    InputOutOfRange,
    InputShapeMismatch,
    InputTypeMismatch,
    UnreadableInput,
)

FLOATS = TensorSpec("x", (1, 3), "float32")
SQUARE = TensorSpec("m", (2, 2), "float32")
FLAGS = TensorSpec("flag", (1, 2), "bool")
COUNTS = TensorSpec("count", (1, 2), "int64")
TABLE = [[1.0, 2.0, 3.0], [4.0, 5.5, -6.0]]

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to


def npy(value: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(value), allow_pickle=True)
    return stream.getvalue()


def npz(**values: object) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **{name: np.asarray(value) for name, value in values.items()})
    return stream.getvalue()


def numbers(rows: tuple[Row, ...]) -> list[list[float]]:
    """Every row of a model with one input, flat."""
    return [row[0].reshape(-1).tolist() for row in rows]


GOOD = [
    ("named.json", json.dumps({"x": TABLE})),
    ("named-with-more.json", json.dumps({"x": TABLE, "label": ["a", "b"]})),
    ("positional.json", json.dumps({"input_data": [TABLE]})),
    ("flat.json", json.dumps({"input_data": [TABLE[0] + TABLE[1]]})),
    ("stacked.json", json.dumps({"x": [[row] for row in TABLE]})),
    ("CAPITALS.JSON", json.dumps({"x": TABLE})),
    ("rows.npz", npz(x=np.array(TABLE, np.float32))),
    ("doubles.npz", npz(x=TABLE)),
    ("rows.npy", npy(TABLE)),
    ("stacked.npy", npy([[row] for row in TABLE])),
    ("plain.csv", "1,2,3\n4,5.5,-6\n"),
    ("header.csv", "a,b,c\n1,2,3\n4,5.5,-6\n"),
    ("excel.csv", "\ufeffa,b,c\r\n1,2,3\r\n\r\n4,5.5,-6e0\r\n"),
]


@pytest.mark.parametrize(("name", "content"), GOOD, ids=[name for name, _ in GOOD])
def test_every_format_gives_the_same_rows(write: Write, name: str, content: str | bytes) -> None:
    rows = read_rows(write(name, content), [FLOATS])
    assert numbers(rows) == TABLE
    for (array,) in rows:
        assert array.shape == (1, 3)
        assert array.dtype == np.float32


@pytest.mark.parametrize("value", [[1, 2, 3], [[1, 2, 3]], [[[1, 2, 3]]]])
def test_one_row_may_come_without_its_leading_one(write: Write, value: object) -> None:
    assert numbers(read_rows(write("one.json", json.dumps({"x": value})), [FLOATS])) == [[1.0, 2.0, 3.0]]


def test_a_tensor_named_input_data_is_read_by_name(write: Write) -> None:
    spec = TensorSpec("input_data", (1, 2), "float32")
    assert numbers(read_rows(write("n.json", '{"input_data": [[1, 2], [3, 4]]}'), [spec])) == [[1.0, 2.0], [3.0, 4.0]]


def test_many_rows_of_many_tensors_stay_together(write: Write) -> None:
    specs = [FLOATS, SQUARE]
    content = {"x": TABLE, "m": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]}
    from_json = read_rows(write("two.json", json.dumps(content)), specs)
    from_npz = read_rows(write("two.npz", npz(**content)), specs)
    from_csv = read_rows(write("two.csv", "1,2,3,1,2,3,4\n4,5.5,-6,5,6,7,8\n"), specs)
    for rows in (from_json, from_npz, from_csv):
        assert [[array.tolist() for array in row] for row in rows] == [
            [[TABLE[0]], [[1, 2], [3, 4]]],
            [[TABLE[1]], [[5, 6], [7, 8]]],
        ]


def test_rows_come_out_as_ezkl_reads_them() -> None:
    rows = check_rows({"x": TABLE, "m": [[1, 2], [3, 4], [5, 6], [7, 8]]}, [FLOATS, SQUARE][:1])
    assert json.loads(to_ezkl(rows)) == {"input_data": [[1, 2, 3, 4, 5.5, -6]]}


@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=1)
)
def test_rows_survive_the_way_to_ezkl_and_back(table: list[list[float]]) -> None:
    rows = check_rows({"x": table}, [FLOATS])
    (flat,) = json.loads(to_ezkl(rows))["input_data"]
    assert numbers(check_rows({"x": flat}, [FLOATS])) == table


UNREADABLE = [
    ("text.json", "hello", "not JSON"),
    ("half.json", '{"x": [1, 2', "not JSON"),
    ("latin.json", b'{"x": "\xff"}', "not JSON"),
    ("list.json", "[1, 2, 3]", "not an object"),
    ("other.json", '{"y": [1, 2, 3]}', "lacks the inputs x"),
    ("deep.json", '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}", "not JSON"),
    ("digits.json", '{"x": [' + "9" * 10_000 + ", 1, 1]}", "not JSON"),
    ("count.json", '{"input_data": [[1, 2, 3], [1, 2, 3]]}', "holds 2 tensors, the model takes 1"),
    ("object.json", '{"input_data": {"x": 1}}', "holds 0 tensors"),
    ("empty.json", "", "not JSON"),
    ("other.npz", npz(y=[1.0]), "lacks the inputs x"),
    ("text.npz", "hello", "not a numpy file"),
    ("array.npz", npy([1.0, 2.0, 3.0]), "not an .npz archive"),
    ("pickle.npy", npy([{"a": 1}]), "not a numpy file"),
    ("pickle.npz", npz(x=[{"a": 1}]), "not an .npz archive"),
    ("half.npy", npy([1.0, 2.0, 3.0])[:-4], "not a numpy file"),
    ("empty.npy", b"", "not a numpy file"),
    ("empty.csv", "", "holds no rows"),
    ("header.csv", "a,b,c\n", "holds no rows"),
    ("narrow.csv", "1,2,3\n1,2\n", "row 2 has 2 columns, expected 3"),
    ("wide.csv", "a,b,c\n1,2,3,4\n", "row 1 has 4 columns, expected 3"),
    ("words.csv", "1,2,3\n4,five,6\n", "row 2"),
    ("latin.csv", b"1,2,\xff\n", "not CSV"),
    ("rows.xlsx", "1,2,3", "'.xlsx' is not known"),
    ("rows", "1,2,3", "'' is not known"),
]


@pytest.mark.parametrize(("name", "content", "reason"), UNREADABLE, ids=[f"{n}: {r}" for n, _, r in UNREADABLE])
def test_a_file_that_cannot_be_read_says_why(write: Write, name: str, content: str | bytes, reason: str) -> None:
    path = write(name, content)
    with pytest.raises(UnreadableInput) as refused:
        read_rows(path, [FLOATS])
    assert reason in refused.value.what
    assert str(path) in refused.value.what
    assert "\n" not in str(refused.value)


def test_a_damaged_archive_is_named_wherever_it_is_damaged(write: Write) -> None:
    """numpy answers damage with errors of numpy, zipfile, zlib and tokenize."""
    sound = npz(x=np.linspace(0, 1, 60).reshape(20, 3))
    assert len(read_rows(write("sound.npz", sound), [FLOATS])) == 20
    chance, refused = random.Random(0), 0  # noqa: S311 - a repeatable choice of places
    for seed in (sound, npy(TABLE)):
        for _ in range(200):
            damaged = bytearray(seed)
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            try:
                read_rows(write("damaged.npz" if seed is sound else "damaged.npy", bytes(damaged)), [FLOATS])
            except InputError:
                refused += 1
    assert refused > 100


def test_an_archive_that_unpacks_without_end_is_not_unpacked(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.core.rows._MAX_FILE_BYTES", 10_000)
    bomb = npz(x=np.zeros(3000))
    assert len(bomb) < 10_000
    with pytest.raises(UnreadableInput, match="unpacks to more than 10000 bytes"):
        read_rows(write("bomb.npz", bomb), [FLOATS])
    assert len(read_rows(write("small.npz", npz(x=np.zeros(300))), [FLOATS])) == 100


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(600 * 2**20)  # a hole, not 600 MiB
    with pytest.raises(UnreadableInput, match="larger than"):
        read_rows(path, [FLOATS])


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="No such file"):
        read_rows(tmp_path / "missing.json", [FLOATS])
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(UnreadableInput, match="directory"):
        read_rows(tmp_path / "folder.json", [FLOATS])


def test_one_array_does_not_fill_two_inputs(write: Write) -> None:
    with pytest.raises(UnreadableInput, match="one array cannot fill the 2 inputs x, m"):
        read_rows(write("rows.npy", npy(TABLE)), [FLOATS, SQUARE])


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ([1, 2], (2,)),
        ([[1, 2, 3, 4]], (1, 4)),
        ([[1], [2], [3]], (3, 1)),
        ([[[[1, 2, 3]]]], (1, 1, 1, 3)),
        ([], (0,)),
        (5, ()),
        ([[1, 2, 3], [4, 5]], (2,)),
        ([[1, 2, 3], 4], (2,)),
    ],
)
def test_a_wrong_shape_says_what_was_expected_and_what_was_found(value: object, got: tuple[int, ...]) -> None:
    with pytest.raises(InputShapeMismatch) as refused:
        check_rows({"x": value}, [FLOATS])
    assert refused.value.tensor == "x"
    assert refused.value.expected == (1, 3)
    assert refused.value.got == got
    assert f"expected [1, 3] for each row, got {list(got)}" in str(refused.value)


def test_tensors_with_different_numbers_of_rows_are_refused() -> None:
    with pytest.raises(InputShapeMismatch) as refused:
        check_rows({"x": TABLE, "m": [[1, 2], [3, 4]]}, [FLOATS, SQUARE])
    assert (refused.value.tensor, refused.value.expected, refused.value.got) == ("m", (2, 2, 2), (1, 2, 2))


@pytest.mark.parametrize(
    ("value", "spec", "got"),
    [
        (["1", "2", "3"], FLOATS, "text"),
        ([1, "2", 3], FLOATS, "text"),
        ([1, None, 3], FLOATS, "mixed values"),
        ([{"a": 1}, 2, 3], FLOATS, "mixed values"),
        ([10**400, 1, 1], FLOATS, "mixed values"),
        (np.array([1j, 2, 3]), FLOATS, "complex numbers"),
        (np.array([b"1", b"2", b"3"]), FLOATS, "bytes"),
        ([True, False, True], FLOATS, "bool"),
        ([0.5, 1], COUNTS, "fraction"),
        ([2**63, 0], COUNTS, "beyond its range"),
        ([float(2**63), 0], COUNTS, "beyond its range"),
        ([-1, 0], TensorSpec("count", (1, 2), "uint8"), "beyond its range"),
        ([256, 0], TensorSpec("count", (1, 2), "uint8"), "beyond its range"),
        ([0.5, 1], FLAGS, "other than 0 and 1"),
        ([2, 1], FLAGS, "other than 0 and 1"),
    ],
)
def test_a_wrong_type_says_what_was_expected_and_what_was_found(value: object, spec: TensorSpec, got: str) -> None:
    with pytest.raises(InputTypeMismatch) as refused:
        check_rows({spec.name: value}, [spec])
    assert refused.value.expected == spec.dtype
    assert got in refused.value.got


@pytest.mark.parametrize(
    ("value", "spec", "taken"),
    [
        ([True, False], FLAGS, [True, False]),
        ([1, 0], FLAGS, [True, False]),
        ([1.0, 0.0], FLAGS, [True, False]),
        ([3, -4], COUNTS, [3, -4]),
        ([3.0, -4.0], COUNTS, [3, -4]),
        ([2**63 - 1, -(2**63)], COUNTS, [2**63 - 1, -(2**63)]),
        ([255, 0], TensorSpec("count", (1, 2), "uint8"), [255, 0]),
        ([1, 2, 3], FLOATS, [1.0, 2.0, 3.0]),
    ],
)
def test_values_that_fit_the_type_are_taken_exactly(value: object, spec: TensorSpec, taken: list[object]) -> None:
    ((array,),) = check_rows({spec.name: value}, [spec])
    assert array.reshape(-1).tolist() == taken
    assert array.dtype == spec.dtype


@pytest.mark.parametrize(
    ("text", "index", "value"),
    [
        ("[1, NaN, 3]", 1, "nan"),
        ("[1, 2, Infinity]", 2, "inf"),
        ("[-Infinity, 2, 3]", 0, "-inf"),
        ("[1, 1e39, 3]", 1, "inf"),
        ("[1, -1e39, 3]", 1, "-inf"),
        ("[1e999, 2, 3]", 0, "inf"),
    ],
)
def test_a_number_that_is_not_finite_is_named_with_its_place(write: Write, text: str, index: int, value: str) -> None:
    for path in (write("bad.json", f'{{"x": {text}}}'), write("bad.csv", text.strip("[]"))):
        with pytest.raises(InputNotFinite) as refused:
            read_rows(path, [FLOATS])
        assert (refused.value.tensor, refused.value.index, str(refused.value.value)) == ("x", index, value)


def test_the_largest_float32_is_finite() -> None:
    largest = float(np.finfo(np.float32).max)
    assert numbers(check_rows({"x": [largest, -largest, 1e-39]}, [FLOATS]))[0][:2] == [largest, -largest]


def test_nan_in_a_model_of_integers_is_not_finite_rather_than_a_fraction() -> None:
    with pytest.raises(InputNotFinite):
        check_rows({"count": [float("nan"), 1.0]}, [COUNTS])


@pytest.mark.parametrize(("value", "index"), [(-1.001, 1), (2.001, 1), (1e30, 1)])
def test_a_value_outside_the_calibrated_range_is_refused_on_both_sides(value: float, index: int) -> None:
    tensor = CircuitTensor("x", (1, 3), "float32", 13, low=-1.0, high=2.0)
    (row,) = check_rows({"x": [0.0, value, 0.0]}, [FLOATS])
    with pytest.raises(InputOutOfRange) as refused:
        check_range(row, [tensor])
    assert (refused.value.tensor, refused.value.index) == ("x", index)
    assert "[-1, 2]" in str(refused.value)


@pytest.mark.parametrize("values", [[-1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
def test_the_ends_of_the_calibrated_range_are_inside(values: list[float]) -> None:
    tensor = CircuitTensor("x", (1, 3), "float32", 13, low=-1.0, high=2.0)
    check_range(check_rows({"x": values}, [FLOATS])[0], [tensor])


@pytest.mark.parametrize(("edge", "beyond"), [(-1.0, -np.inf), (2.0, np.inf)])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_number_next_to_an_end_of_the_range_is_outside(edge: float, beyond: float, place: int) -> None:
    """The smallest step that the model's element type can make."""
    tensor = CircuitTensor("x", (1, 3), "float32", 13, low=-1.0, high=2.0)
    values = np.zeros(3, dtype=np.float32)
    values[place] = edge
    check_range(check_rows({"x": values}, [FLOATS])[0], [tensor])
    values[place] = np.nextafter(np.float32(edge), np.float32(beyond))
    with pytest.raises(InputOutOfRange) as refused:
        check_range(check_rows({"x": values}, [FLOATS])[0], [tensor])
    assert (refused.value.index, refused.value.low, refused.value.high) == (place, -1.0, 2.0)
    inside = np.nextafter(np.float32(edge), np.float32(-beyond))
    values[place] = inside
    check_range(check_rows({"x": values}, [FLOATS])[0], [tensor])


def test_every_tensor_is_held_to_its_own_range() -> None:
    specs = [FLOATS, replace(FLOATS, name="z")]
    tensors = [
        CircuitTensor(spec.name, (1, 3), "float32", 13, low=-reach, high=reach)
        for spec, reach in zip(specs, (1.0, 5.0), strict=True)
    ]
    check_range(check_rows({"x": [0, 1, 0], "z": [0, 5, 0]}, specs)[0], tensors)
    for values, name in (({"x": [0, 5, 0], "z": [0, 1, 0]}, "x"), ({"x": [0, 1, 0], "z": [0, 6, 0]}, "z")):
        with pytest.raises(InputOutOfRange) as refused:
            check_range(check_rows(values, specs)[0], tensors)
        assert refused.value.tensor == name


def test_a_tensor_without_a_range_takes_anything() -> None:
    check_range(check_rows({"x": [1e30, 0, 0]}, [FLOATS])[0], [CircuitTensor("x", (1, 3), "float32", 13)])
    flags = CircuitTensor("flag", (1, 2), "bool", 0, low=1.0, high=1.0)
    check_range(check_rows({"flag": [0, 1]}, [FLAGS])[0], [flags])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "m", "y"]), inner, max_size=3),
    max_leaves=12,
)


@given(json_values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_json_holds_is_rows_or_a_named_error(tmp_path: Path, value: object) -> None:
    path = tmp_path / "any.json"
    path.write_text(json.dumps({"x": value}))
    try:
        rows = read_rows(path, [FLOATS])
    except InputError:
        rows = ()
    assert all(array.shape == (1, 3) and np.isfinite(array).all() for (array,) in rows)
