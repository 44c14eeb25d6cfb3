"""A name out of a stranger's file becomes an identifier or a comment, and nothing else, in any language."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codegen import python, solidity, typescript
from bridge.codegen.identifier import MOST_LETTERS, distinct, identifier, shown, unreserved
from bridge.codegen.languages import Language, source
from tests.codegen.schemas import HOSTILE_NAMES, named, schema

Token = tuple[str, str]
"""Kind and text."""

LEXEME = re.compile(
    r"""(?P<comment>//[^\n\r\u2028\u2029]*|/\*.*?\*/)
      | (?P<string>"[^"\n\\]*"|'[^'\n\\]*'|`[^`]*`)
      | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
      | (?P<number>[0-9][0-9A-Za-z_.]*)
      | (?P<space>\s+)
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
"""Of Solidity and TypeScript, as far as the templates go."""


def curly(text: str) -> Iterator[Token]:
    """What a compiler of Solidity or TypeScript sees, but for space and comments."""
    for found in LEXEME.finditer(text):
        if found.lastgroup not in {"space", "comment"}:
            yield str(found.lastgroup), found[0]


def pythonic(text: str) -> Iterator[Token]:
    """What Python sees."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in {tokenize.COMMENT, tokenize.NL}:
            yield tokenize.tok_name[token.type].lower(), token.string


TOKENS: dict[Language, Callable[[str], Iterator[Token]]] = {
    Language.SOLIDITY: curly,
    Language.PYTHON: pythonic,
    Language.TYPESCRIPT: curly,
}
RESERVED = {
    Language.SOLIDITY: solidity.RESERVED,
    Language.PYTHON: python.RESERVED,
    Language.TYPESCRIPT: typescript.RESERVED,
}

names = st.one_of(
    st.text(max_size=60), st.sampled_from(HOSTILE_NAMES), st.text("*/\"'`\\\n\r#{}$<>@;:_-aZ09", max_size=20)
)


def tokens(language: Language, *names: str, model: str) -> list[Token]:
    """Of the reader of a model with these outputs. `__class__` and the like have one shape whatever the names are."""
    text = source(schema(model, named(*names), named(*names)), language).text
    assert text.isascii()
    assert not set(text) - set("\n") - set(map(chr, range(32, 127)))
    return list(TOKENS[language](text))


@pytest.mark.parametrize("language", Language)
@given(names=st.lists(names, min_size=1, max_size=5), model=names)
def test_hostile_names_change_no_token_but_identifiers(language: Language, names: list[str], model: str) -> None:
    hostile = tokens(language, *names, model=model)
    harmless = tokens(language, *(f"tensor {place}" for place in range(len(names))), model="harmless")
    assert [kind for kind, _ in hostile] == [kind for kind, _ in harmless]
    for (kind, got), (_, expected) in zip(hostile, harmless, strict=True):
        if kind == "name":
            assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", got)
            # Either a word of the template, or one of ours in the place of one of theirs.
            assert got == expected or "ensor" in expected.lower() or "armless" in expected
        else:
            assert got == expected


@pytest.mark.parametrize("language", Language)
@given(names=st.lists(names, min_size=1, max_size=8))
def test_each_tensor_has_a_member_of_its_own_that_the_language_allows(language: Language, names: list[str]) -> None:
    made = distinct(names, "output")
    for spelled in ("snake", "camel", "pascal", "screaming"):
        assert len({getattr(each, spelled) for each in made}) == len(names)
    members = {
        unreserved(each.snake if language is Language.PYTHON else each.camel, RESERVED[language]) for each in made
    }
    assert len(members) == len(names)
    assert not members & RESERVED[language]
    for member in members:
        assert re.fullmatch(r"[a-z][A-Za-z0-9_]*", member)
        assert not keyword.iskeyword(member) or language is not Language.PYTHON


@given(names)
def test_a_name_in_a_comment_is_one_line_that_ends_nothing(name: str) -> None:
    text = shown(name)
    assert text.isascii()
    assert text.isprintable()
    assert text[0] == text[-1] == '"'
    assert not set("*/`@$<>") & set(text)


@given(names)
def test_an_identifier_is_as_short_as_it_may_be(name: str) -> None:
    assert len(identifier(name, "output").snake) <= 2 * MOST_LETTERS + len("output_")


@pytest.mark.parametrize(
    ("name", "snake", "camel"),
    [
        ("output_probability", "output_probability", "outputProbability"),
        ("denseOut:0", "dense_out_0", "denseOut0"),
        ("HTTPScore2", "http_score2", "httpScore2"),
        ("/layer.1/Gemm_output_0", "layer_1_gemm_output_0", "layer1GemmOutput0"),
        ("Größe", "groe", "groe"),
        ("crème brûlée", "creme_brulee", "cremeBrulee"),
        ("2nd", "output_2_nd", "output2Nd"),
        ("__proto__", "proto", "proto"),
    ],
)
def test_a_readable_name_stays_readable(name: str, snake: str, camel: str) -> None:
    made = identifier(name, "output")
    assert (made.snake, made.camel) == (snake, camel)


def test_names_that_would_be_written_alike_are_numbered_in_order() -> None:
    made = distinct(["a b", "aB", "AB", "ab2", "名", "前"], "output")
    assert [each.snake for each in made] == ["a_b", "a_b_2", "ab_3", "ab2_2", "output4", "output5"]


def test_the_same_schema_gives_the_same_text() -> None:
    for language in Language:
        texts = {source(schema("m", named("x"), named("y", "z")), language).text for _ in range(2)}
        assert len(texts) == 1
