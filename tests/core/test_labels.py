from __future__ import annotations

import pytest

from bridge.core.finality import Finality
from bridge.core.grade import Grade


@pytest.mark.parametrize("kind", [Grade, Finality])
def test_a_label_in_any_case_is_read(kind: type[Grade | Finality]) -> None:
    for step in kind:
        assert kind.parse(step.label) is step
        assert kind.parse(step.label.upper()) is step
        assert kind.parse(step.label.lower()) is step


@pytest.mark.parametrize("text", ["", "proved", "Proven ", "3", "reorged", "prov\u00e9n"])
@pytest.mark.parametrize("kind", [Grade, Finality])
def test_another_word_is_refused_with_the_known_ones(kind: type[Grade | Finality], text: str) -> None:
    with pytest.raises(ValueError, match="expected one of") as refused:
        kind.parse(text)
    for step in kind:
        assert step.label in str(refused.value)


def test_grades_are_ordered_as_the_contract_numbers_them() -> None:
    assert [grade.label for grade in sorted(Grade)] == ["Claimed", "Signed", "Attested", "Proven"]
    assert list(map(int, Grade)) == [0, 1, 2, 3]


def test_finality_is_ordered() -> None:
    assert [step.label for step in sorted(Finality)] == ["mined", "safe", "final"]
