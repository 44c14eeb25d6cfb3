from __future__ import annotations

import pytest

from bridge.core.field import to_instance
from bridge.core.tensor import CircuitTensor, TensorSpec, decode

TENSORS = (CircuitTensor("a", (1, 2), "float32", 1), CircuitTensor("b", (3,), "float32", 0))


def test_instances_become_numbers_tensor_by_tensor() -> None:
    words = [to_instance(number) for number in (3, -3, 7, 0, -1)]
    assert decode(words, TENSORS) == ((1.5, -1.5), (7.0, 0.0, -1.0))


@pytest.mark.parametrize("count", [0, 4, 6])
def test_another_number_of_instances_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} instances"):
        decode([0] * count, TENSORS)


def test_a_scalar_has_one_element_and_an_empty_tensor_none() -> None:
    assert TensorSpec("s", (), "float32").elements == 1
    assert TensorSpec("e", (1, 0), "float32").elements == 0
    assert TENSORS[0].spec == TensorSpec("a", (1, 2), "float32")
