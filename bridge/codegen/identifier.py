"""Names of tensors as identifiers. A name in an ONNX file is a stranger's: of it only ASCII letters and digits are taken.

What is left of a name is its words, and each language writes them its own way. Whatever else a name holds is shown in a
comment at most, as one line of printable ASCII.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MOST_LETTERS = 40
"""Of a name that an identifier holds."""
MOST_SHOWN = 80
"""Characters of a name that a comment shows."""

_WORD = re.compile(r"[A-Z]?[a-z]+[0-9]*|[A-Z]+(?![a-z])[0-9]*|[0-9]+")


@dataclass(frozen=True, slots=True)
class Identifier:
    """The words of a name, lower-case; the first starts with a letter."""

    words: tuple[str, ...]

    @property
    def snake(self) -> str:
        """As in like_this."""
        return "_".join(self.words)

    @property
    def screaming(self) -> str:
        """As in LIKE_THIS."""
        return self.snake.upper()

    @property
    def camel(self) -> str:
        """As in likeThis."""
        first, *rest = self.words
        return first + "".join(map(str.capitalize, rest))

    @property
    def pascal(self) -> str:
        """As in LikeThis."""
        return "".join(map(str.capitalize, self.words))


def identifier(name: str, otherwise: str) -> Identifier:
    """What can be called by this name; `otherwise` stands in front of a digit, and for a name of no letters at all."""
    words = _words(name)
    return Identifier(words if words and words[0][0].isalpha() else (otherwise, *words))


def distinct(names: Sequence[str], otherwise: str) -> tuple[Identifier, ...]:
    """An identifier for each name. No two are equal, however a language writes them: the later of two is numbered."""
    taken: set[str] = set()
    chosen = []
    for place, name in enumerate(names):
        plain = made = identifier(name, otherwise if _words(name) else f"{otherwise}{place}")
        number = 2
        while "".join(made.words) in taken:
            made = Identifier((*plain.words, str(number)))
            number += 1
        taken.add("".join(made.words))
        chosen.append(made)
    return tuple(chosen)


def unreserved(name: str, reserved: frozenset[str]) -> str:
    """The name, with an underscore where a language keeps it for itself. No identifier ends with one otherwise."""
    return f"{name}_" if name in reserved else name


def shown(name: str) -> str:
    """A name for a comment: quoted, in one line, without anything that could end it."""
    cut = name if len(name) <= MOST_SHOWN else name[:MOST_SHOWN] + "…"
    # Escaping leaves letters, digits and the marks of ASCII; of those these open or close comments, tags or templates somewhere.
    return re.sub(r"[*/`@$<>\x7f]", lambda mark: f"\\u{ord(mark[0]):04x}", json.dumps(cut))


def _words(name: str) -> tuple[str, ...]:
    """The letters and digits of a name, accents left off."""
    letters = unicodedata.normalize("NFKD", name[:MOST_LETTERS]).encode("ascii", "ignore").decode()
    return tuple(word.lower() for word in _WORD.findall(letters[:MOST_LETTERS]))
