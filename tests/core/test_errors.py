"""The tree of errors: every one travels from a prover's process to the relayer as it is."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import pytest

from bridge.errors import BridgeError


def kinds(root: type[BridgeError]) -> Iterator[type[BridgeError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


NAMED = sorted((kind for kind in kinds(BridgeError) if is_dataclass(kind)), key=lambda kind: kind.__name__)


def test_there_are_errors() -> None:
    assert len(NAMED) > 60


@pytest.mark.parametrize("kind", NAMED)
def test_an_error_is_the_same_in_another_process(kind: type[BridgeError]) -> None:
    values = {field.name: f"the {field.name}" for field in fields(kind)}  # type: ignore[arg-type]
    error = kind(**values)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(again) is kind
    assert {name: getattr(again, name) for name in values} == values
