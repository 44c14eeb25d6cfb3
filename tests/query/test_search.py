"""Filters find what a look at every row would find, pages miss nothing and repeat nothing, and plans use the indexes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, Select, event, insert, text, true

from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Hex32
from bridge.database import index
from bridge.database.engine import reading, writing
from bridge.database.index import numbers, verifications
from bridge.errors import (
    ConditionMalformed,
    ConditionNeedsModel,
    CursorMalformed,
    CursorOfAnotherQuery,
    PlaceNotKept,
    TensorUnknown,
)
from bridge.query.answers import search as searching
from bridge.query.answers.condition import parse_condition, resolve
from bridge.query.answers.cursor import read_cursor, write_cursor
from bridge.query.answers.face import face
from bridge.query.answers.horizon import horizon
from bridge.query.answers.inferences import SIGHTINGS, Inference
from bridge.query.answers.place import NEWEST, Page, Place
from bridge.query.answers.search import Search, by_number, search, walking
from tests.query.story import ALICE, BOB, CHAIN, GENESIS, Story, circuit, word


@pytest.fixture
def story(engine: Engine) -> Iterator[Story]:
    """A chain of a hundred blocks, of which sixty are safe and thirty final."""
    told = Story(engine)
    told.chain(100, safe=60, final=30)
    return told


def page(story: Story, wanted: Search, cursor: str | None = None, limit: int = 50) -> Page[Inference]:
    with reading(story.engine) as connection:
        now = horizon(connection, CHAIN)
        return search(connection, now, lambda model_id: face(connection, CHAIN, model_id), wanted, cursor, limit)


def ids(story: Story, **wanted: Any) -> list[Hex32]:
    conditions = tuple(parse_condition(each) for each in wanted.pop("where", ()))
    return [each.inference_id for each in page(story, Search(where=conditions, **wanted)).items]


def all_pages(story: Story, wanted: Search, limit: int) -> Iterator[Inference]:
    cursor = None
    while True:
        found = page(story, wanted, cursor, limit)
        yield from found.items
        cursor = found.next
        if cursor is None:
            return


def test_each_filter_keeps_what_it_is_for_and_nothing_else(story: Story) -> None:
    one, other = story.model("one"), story.model("other")
    first = story.verified(one, 10, (1, 2, 3), (4, 5))
    second = story.verified(one, 40, (1, 2, 4), (4, 5), by=BOB, grade=Grade.SIGNED)
    third = story.verified(other, 70, (1, 2, 3), (4, 5))
    assert ids(story) == [third, second, first]
    assert ids(story, model_id=one) == [second, first]
    assert ids(story, submitter=BOB) == [second]
    assert ids(story, submitter=BOB, model_id=other) == []
    assert ids(story, min_grade=Grade.ATTESTED) == [third, first]
    assert ids(story, min_finality=Finality.SAFE) == [second, first]
    assert ids(story, min_finality=Finality.FINAL) == [first]
    assert ids(story, since=GENESIS + 400) == [third, second]
    assert ids(story, since=GENESIS + 401) == [third]
    assert ids(story, until=GENESIS + 400) == [second, first]
    assert ids(story, until=GENESIS + 99) == []
    assert ids(story, from_block=11, to_block=69) == [second]


def test_a_statement_that_is_seen_again_is_listed_once_where_it_was_first(story: Story) -> None:
    model_id = story.model("digits")
    identity = story.verified(model_id, 10, (1, 2, 3), (4, 5))
    later = story.verified(model_id, 20, (3, 2, 1), (4, 5))
    story.verified(model_id, 30, (1, 2, 3), (4, 5))
    assert ids(story) == [later, identity]


@pytest.mark.parametrize("few", [0, 10_000], ids=["walked", "sorted"])
@pytest.mark.parametrize(
    ("where", "passes"),
    [
        (["output.score>=0.5"], lambda n: n[3] >= 0.5),
        (["output.score[1]<0"], lambda n: n[4] < 0),
        (["output.score[0,1]<0"], lambda n: n[4] < 0),
        (["output[1]<=-0.25"], lambda n: n[4] <= -0.25),
        (["input.x[2]>0.75"], lambda n: n[2] > 0.75),
        (["input.x=0.5"], lambda n: n[0] == 0.5),
        (["output.score!=0.5"], lambda n: n[3] != 0.5),
        (["output.score>0.25", "input.x[1]<-0.25"], lambda n: n[3] > 0.25 and n[1] < -0.25),
        (["output.score>1e3"], lambda n: n[3] > 1000),
    ],
)
def test_conditions_find_what_a_look_at_every_row_finds(
    story: Story,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    where: list[str],
    passes: Callable[[tuple[float, ...]], bool],
) -> None:
    """On both ways: through the sorted numbers, and by walking; with other models' numbers between them."""
    monkeypatch.setattr(searching, "FEW", few)
    dice = random.Random(7)  # noqa: S311 - its dice must fall the same way again
    one, other = story.model("one"), story.model("other")
    expected = []
    for block in range(10, 60):
        x = tuple(dice.randint(-4, 4) / 4 for _ in range(3))
        y = tuple(dice.randint(-4, 4) / 4 for _ in range(2))
        story.verified(other, block, x, y)
        is_new = len(story.told)
        identity = story.verified(one, block, x, y)
        if len(story.told) > is_new and passes((*x, *y)):
            expected.append(identity)
    conditions = tuple(map(parse_condition, where))
    found = [each.inference_id for each in all_pages(story, Search(model_id=one, where=conditions), 7)]
    assert found == expected[::-1]


def test_pages_go_on_right_over_a_reorganisation(story: Story) -> None:
    model_id = story.model("digits")
    made = {block: story.verified(model_id, block, (block / 4, 0, 0), (1, 2)) for block in range(10, 20)}
    first = page(story, Search(), limit=4)
    assert [each.block_number for each in first.items] == [19, 18, 17, 16]
    story.reorganised(17)
    again = {block: story.verified(model_id, block, (block / 4, 1, 0), (1, 2)) for block in range(17, 23)}
    second = page(story, Search(), first.next, limit=10)
    assert [each.inference_id for each in second.items] == [made[block] for block in range(15, 9, -1)]
    assert again[17] not in {each.inference_id for each in second.items}


def test_a_page_over_rows_that_hardly_ever_hold_ends_early_and_says_where_to_go_on(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.query.answers.place.MOST_LOOKED_AT", 5)
    model_id = story.model("digits")
    wanted = story.verified(model_id, 10, (1, 2, 3), (4, 5), grade=Grade.PROVEN)
    for block in range(11, 60):
        story.verified(model_id, block, (block / 4, 2, 3), (4, 5), grade=Grade.CLAIMED)
    short = page(story, Search(min_grade=Grade.PROVEN), limit=2)
    assert (short.items, short.next is None) == ((), False)
    assert [each.inference_id for each in all_pages(story, Search(min_grade=Grade.PROVEN), 2)] == [wanted]


@given(st.builds(Place, st.integers(0, 2**62), st.integers(0, 2**31), st.integers(0, 2**31)))
def test_a_cursor_is_the_place_that_it_was_made_of(place: Place) -> None:
    query = Search(model_id=word("one"))
    assert read_cursor(write_cursor(place, query), query) == place


def test_a_cursor_of_another_query_is_refused() -> None:
    cursor = write_cursor(Place(1, 2, 3), Search(min_grade=Grade.PROVEN))
    with pytest.raises(CursorOfAnotherQuery):
        read_cursor(cursor, Search(min_grade=Grade.SIGNED))
    assert read_cursor(None, Search()) == NEWEST


@given(st.text(max_size=64))
def test_what_is_no_cursor_is_refused_by_name(garbage: str) -> None:
    with pytest.raises((CursorMalformed, CursorOfAnotherQuery)):
        read_cursor(garbage, Search())


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "score>1",
        "output.score",
        "output.score>",
        "output.score>=nan",
        "output.score>inf",
        "output.score>1e999",
        "output.score > 1",
        "output.score>0x10",
        "output.score[1>2",
        "output.score[-1]>2",
        "output.score>1;DROP TABLE verifications",
        "output.score>1 OR 1=1",
        "output.score' OR '1'='1>0",
        "output.score>" + "1" * 300,
        "output.score>=\N{FULLWIDTH DIGIT ONE}",
        "output.score>1\x00",
        "output.\nscore>1",
    ],
)
def test_what_is_no_condition_is_refused_by_name(garbage: str) -> None:
    with pytest.raises(ConditionMalformed):
        parse_condition(garbage)


@given(st.text(max_size=80))
def test_any_text_is_a_condition_or_a_named_error(garbage: str) -> None:
    try:
        parse_condition("output" + garbage)
    except ConditionMalformed as error:
        assert garbage[:10] in str(error) or repr(garbage[:10])[1:-1] in str(error)  # noqa: PT017 - what it says is the test


def test_conditions_on_what_the_model_has_not_are_refused_by_name() -> None:
    shape = circuit(inputs=30)
    with pytest.raises(TensorUnknown, match=r"output\.label; it has output\.score"):
        resolve(parse_condition("output.label>1"), shape)
    with pytest.raises(TensorUnknown, match="none that is known"):
        resolve(parse_condition("output.label>1"), None)
    for beyond in ("input.x[16]>1", "input[29]>1", "output.score[2]>1", "output.score[1,0]>1", "output.score[0,0,0]>1"):
        with pytest.raises(PlaceNotKept):
            resolve(parse_condition(beyond), shape)
    assert resolve(parse_condition("input.x[0,15]>1"), shape).place == 15


def test_a_condition_without_a_model_is_refused(story: Story) -> None:
    with pytest.raises(ConditionNeedsModel, match="model=ID"):
        ids(story, where=["output.score>1"])


def test_sql_in_a_name_is_a_name_that_no_tensor_has(story: Story) -> None:
    model_id = story.model("digits")
    identity = story.verified(model_id, 10, (1, 2, 3), (4, 5))
    with pytest.raises(TensorUnknown):
        ids(story, model_id=model_id, where=["output.score';DELETE/**/FROM/**/verifications;-->1"])
    assert ids(story) == [identity]


FILL = 30_000


@pytest.fixture
def filled(story: Story) -> Story:
    """Enough rows of two models that a planner has a reason to use an index, and knows it."""
    models = [story.model("one"), story.model("other")]
    rows = [
        {
            "chain_id": CHAIN,
            "block_number": 100 + at,
            "log_index": 0,
            "row": 0,
            "inference_id": f"0x{at:064x}",
            "model_id": models[at % 2],
            "input_commitment": word("input"),
            "output": b"",
            "outputs": "[1, 2]",
            "grade": 3,
            "caller": ALICE,
            "submitter": BOB if at % 100 == 0 else ALICE,
            "tx_hash": word("tx"),
            "gas_used": 1,
            "block_time": GENESIS + at,
            "stored": True,
            "is_first": at % 10 > 0,
        }
        for at in range(FILL)
    ]
    with writing(story.engine) as connection:
        connection.execute(insert(verifications), rows)
        made = {"chain_id": CHAIN, "model_id": models[0], "side": "output", "place": 0}
        number = connection.scalar(insert(index.series).values(**made).returning(index.series.c.id))
        values = [
            {"series": number, "value": at / FILL, "block_number": 100 + at, "log_index": 0, "row": 0}
            for at in range(FILL)
        ]
        connection.execute(insert(numbers), values)
    with story.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return story


def plan(engine: Engine, query: Select[Any], parameters: dict[str, Any] | None = None) -> str:
    """What the database would do, in its own words, asked exactly as it is asked for the rows."""
    word = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:

        @event.listens_for(connection, "before_cursor_execute", retval=True)
        def _explain(_0: Any, _1: Any, statement: str, values: Any, _2: Any, _3: Any) -> tuple[str, Any]:
            return f"{word} {statement}", values

        return "\n".join(str(row[-1]) for row in connection.execute(query, parameters or {}).cursor.fetchall())


@pytest.mark.parametrize(
    ("leading", "named"),
    [
        (true(), "_verifications"),
        (verifications.c.model_id == word("model one"), "ix_verifications_model"),
        (verifications.c.submitter == BOB, "ix_verifications_submitter"),
    ],
    ids=["all", "model", "submitter"],
)
def test_a_page_is_read_off_an_index_in_order(filled: Story, leading: Any, named: str) -> None:
    told = plan(filled.engine, walking(CHAIN, leading, Place(20_000, 0, 0), 51))
    assert named in told  # PostgreSQL may take the primary key for all, in order as well
    assert "Seq Scan" not in told
    assert "SCAN" not in told
    assert "Sort" not in told  # PostgreSQL
    assert "TEMP B-TREE" not in told  # SQLite


def test_a_page_by_few_numbers_is_read_off_their_key_and_joined_by_place(filled: Story) -> None:
    told = plan(filled.engine, by_number(CHAIN, 1, numbers.c.value >= 0.5, Place(130, 0, 0), 51, first=100))
    assert "Seq Scan" not in told
    if filled.engine.dialect.name == "sqlite":
        assert "SEARCH numbers USING PRIMARY KEY (series=? AND value>?)" in told
        assert "SEARCH verifications USING INDEX sqlite_autoindex_verifications_1" in told
    else:
        assert "Index" in told  # it has statistics, and goes by either end
        assert "pk_verifications" in told


def test_an_inference_is_found_by_its_id_without_a_scan(filled: Story) -> None:
    told = plan(filled.engine, SIGHTINGS, {"chain_id": CHAIN, "ids": [f"0x{77:064x}"]})
    assert "ix_verifications_inference" in told
    assert "Seq Scan" not in told
    assert "SCAN" not in told


def test_a_plan_without_an_index_would_be_noticed(filled: Story) -> None:
    told = plan(filled.engine, verifications.select().where(verifications.c.gas_used == 1).limit(5))
    assert "Seq Scan" in told or "SCAN" in told
