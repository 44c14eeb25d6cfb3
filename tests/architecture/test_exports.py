"""What the package shows of itself: its names, and its tree of errors."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import bridge
from bridge import errors
from bridge.errors import BridgeError

DUMMIES: dict[Any, Any] = {
    Path: Path("some/file"),
    str: "something",
    int: 7,
    float: 0.5,
    tuple[int, ...]: (2, 3),
    tuple[str, ...]: ("one", "two"),
    tuple[tuple[str, str], ...]: (("name", "value"),),
    str | None: "maybe",
}
"""A value for each type that a field of an error has."""


def drawn(docstring: str) -> list[tuple[int, str]]:
    """(depth, name) of every line of the tree in the docstring, in order."""
    tree = []
    for line in docstring.splitlines():
        found = re.match(r"^    ((?:│   |    )*)(├── |└── )?(\w+)", line)
        if found:
            tree.append((len(found[1]) // 4 + bool(found[2]), found[3]))
    return tree


def real(root: type, depth: int = 0) -> Iterator[tuple[int, str]]:
    """The same of a class and its subclasses, in order of definition."""
    yield depth, root.__name__
    for child in root.__subclasses__():
        yield from real(child, depth + 1)


def leaves() -> list[type[BridgeError]]:
    return [
        value
        for _, value in inspect.getmembers(errors, inspect.isclass)
        if issubclass(value, BridgeError) and dataclasses.is_dataclass(value)
    ]


def example_of(error: type[BridgeError]) -> BridgeError:
    types = get_type_hints(error)
    return error(**{item.name: DUMMIES[types[item.name]] for item in dataclasses.fields(error)})


def test_the_names_are_sorted_and_all_of_them_are_there() -> None:
    assert bridge.__all__ == sorted(bridge.__all__)
    assert dir(bridge) == bridge.__all__
    for name in bridge.__all__:
        assert getattr(bridge, name).__name__ == name


def test_a_name_that_is_not_exported_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such_verb'"):
        bridge.no_such_verb  # noqa: B018 - looking is the test


def test_importing_the_package_loads_no_room() -> None:
    """A child process that needs one room must not pay for all of them."""
    assert set(bridge._ELSEWHERE) <= set(bridge.__all__)
    imported = {
        line.split()[1] for line in inspect.getsource(bridge).splitlines() if line.startswith(("from ", "import "))
    }
    assert imported == {"__future__", "importlib", "typing"}


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    assert drawn(errors.__doc__ or "") == list(real(BridgeError))


def test_a_drawn_tree_that_lacks_a_class_would_be_noticed() -> None:
    picture = (errors.__doc__ or "").replace("    │   ├── InputOutOfRange\n", "")
    assert drawn(picture) != list(real(BridgeError))
    moved = (errors.__doc__ or "").replace("│   ├── FidelityTooLow", "├── FidelityTooLow")
    assert drawn(moved) != list(real(BridgeError))


def test_every_class_that_can_be_raised_is_a_record() -> None:
    """Only the families are bare classes."""
    families = {name for depth, name in real(BridgeError) if getattr(errors, name).__subclasses__()}
    bare = {name for _, name in real(BridgeError)} - {leaf.__name__ for leaf in leaves()}
    assert bare == families


@pytest.mark.parametrize("error", leaves(), ids=lambda error: error.__name__)
def test_an_error_says_what_and_how_to_mend_it(error: type[BridgeError]) -> None:
    raised = example_of(error)
    assert str(raised) == f"{raised.what}. {raised.fix}."
    for text in (raised.what, raised.fix):
        assert text.strip() == text
        assert text
        assert not text.endswith(".")
        assert "\n" not in text
        # ".json ({"name": nested lists} …" is what one fix shows; anything else in braces was left unformatted.
        assert not re.search(r"\{\w+\}", text)
    assert raised.fix[0].isupper()
    named = [field for field in dataclasses.fields(error) if field.name not in {"log", "reason"}]
    assert any(str(_bare(getattr(raised, field.name))) in str(raised) for field in named) or not named


@pytest.mark.parametrize("error", leaves(), ids=lambda error: error.__name__)
def test_an_error_is_caught_by_the_root_and_by_its_family(error: type[BridgeError]) -> None:
    family = error.__mro__[1]
    with pytest.raises(family):
        raise example_of(error)
    with pytest.raises(BridgeError):
        raise example_of(error)


def _bare(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value and not isinstance(value[0], tuple) else value
