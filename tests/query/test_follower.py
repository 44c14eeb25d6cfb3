"""The index of a chain: what the contracts said, row by row, and nothing of how it was read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, select

from bridge.chain.anvil import local_chain
from bridge.chain.rpc import Rpc
from bridge.chain.span import Span
from bridge.core import field
from bridge.core.circuit import Visibility
from bridge.core.grade import Grade
from bridge.core.word import hex_bytes
from bridge.database import index as tables
from bridge.database.engine import open_database
from bridge.errors import IndexMoved, IndexOfAnother
from bridge.query.follower import Follower
from bridge.query.index import Index, Tail
from bridge.query.results import Filter, results
from tests.sim.following import different, untold
from tests.sim.stage import Code, Model
from tests.sim.theatre import Theatre, follower, theatre
from tests.sim.world import CHAIN_ID


def catch_up(following: Follower) -> int:
    """To the head; how many blocks were taken back on the way."""
    back = 0
    while (step := following.step()).blocks or not step.is_at_head:
        back += step.reorganised
    following.close()
    return back


def rows(engine: Engine, table: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(table)))


def replayed(engine: Engine, code: Code, url: str, *, depth: int | None = 64) -> list[str]:
    """How the tables differ from those of a replay from scratch, and what was told from what is there."""
    fresh = open_database("sqlite://")
    catch_up(follower(fresh, code, [url], depth=depth))
    with engine.connect() as one, fresh.connect() as other:
        return [*different(one, other), *untold(one)]


def public(played: Theatre, rows: int = 1) -> Model:
    """A model that is registered and bound, with an input that all may see."""
    model = played.stage.new_model(rows=rows, visibility=Visibility.PUBLIC)
    played.play(*played.stage.register(model))
    return model


def numbers(model: Model, words: tuple[int, ...]) -> list[float]:
    tensors = (*model.circuit.inputs, *model.circuit.outputs)
    scales = [tensor.scale for tensor in tensors for _ in range(tensor.elements)]
    return [field.to_number(word, scale) for word, scale in zip(words, scales, strict=True)]


def test_a_verification_is_a_row_with_all_that_the_chain_says_of_it(
    played: Theatre, engine: Engine, code: Code
) -> None:
    stage, model = played.stage, public(played)
    said = stage.statement(model)
    played.play(stage.verify(said, "verifyInference"))
    played.play(stage.verify(said, "verifyAndStoreInference"))
    catch_up(follower(engine, code, [played.url]))
    first, second = rows(engine, tables.verifications)
    inputs = model.circuit.input_instances
    assert json.loads(first.inputs) + json.loads(first.outputs) == numbers(model, said.words)
    assert len(json.loads(first.inputs)) == inputs
    assert first.output == said.output
    assert (first.inference_id, first.model_id, first.grade) == (stage.id_of(said), model.id, Grade.SIGNED)
    assert first.caller == first.submitter == played.signer.address
    assert (first.stored, second.stored) == (False, True)
    assert (first.is_first, second.is_first) == (True, False)
    receipt = played.truth.ask("eth_getTransactionReceipt", first.tx_hash)
    assert (first.gas_used, first.block_number) == (int(receipt["gasUsed"], 16), int(receipt["blockNumber"], 16))
    (told,) = rows(engine, tables.feed)
    assert (told.kind, told.inference_id, told.block_number) == ("verified", first.inference_id, first.block_number)
    assert len(rows(engine, tables.numbers)) == min(inputs, 16) + min(len(said.words) - inputs, 16), "of the first"


def test_the_index_holds_what_reading_the_chain_at_once_gives(played: Theatre, engine: Engine, code: Code) -> None:
    stage, model, many = played.stage, public(played), public(played, rows=3)
    for _ in range(3):
        played.play(stage.verify(stage.statement(model), "verifyAndStoreInference"))
    played.play(stage.store_batch(stage.statement(many)))
    catch_up(follower(engine, code, [played.url]))
    found = results(code.core(Rpc(played.url)), Filter(), span=1000)
    told = [row for row in rows(engine, tables.verifications) if row.is_first]
    assert [row.inference_id for row in told] == [record.inference_id for record in found]
    for row, record in zip(told, found, strict=True):
        assert json.loads(row.outputs) == [number for tensor in record.outputs for number in tensor]
        assert (row.grade, row.stored, row.submitter) == (record.grade, record.recorded, record.submitter)
        assert (row.block_time, row.gas_used) == (record.block_time, record.gas_used)
        assert (row.root, row.row) == ((record.batch.root, record.batch.row) if record.batch else (None, 0))


@pytest.mark.parametrize("how", ["verifyInference", "verifyAndStoreInference"])
def test_what_another_contract_sends_is_read_from_the_state(
    played: Theatre, engine: Engine, code: Code, how: str
) -> None:
    stage, model = played.stage, public(played)
    said = stage.statement(model)
    played.play(stage.through(*(stage.verify(each, how) for each in (said, stage.statement(model)))))
    catch_up(follower(engine, code, [played.url]))
    one, other = rows(engine, tables.verifications)
    assert one.stored is other.stored is (how == "verifyAndStoreInference")
    assert one.caller == other.caller == stage.passage[1] != one.submitter
    assert json.loads(one.inputs) + json.loads(one.outputs) == numbers(model, said.words), "found in its calldata"


@pytest.mark.parametrize("visibility", [Visibility.HASHED, Visibility.PRIVATE])
def test_an_input_that_is_not_public_is_in_no_table(
    played: Theatre, engine: Engine, code: Code, visibility: Visibility
) -> None:
    stage = played.stage
    model = stage.new_model(rows=1, visibility=visibility)
    played.play(*stage.register(model))
    played.play(stage.verify(stage.statement(model), "verifyInference"))
    catch_up(follower(engine, code, [played.url]))
    (row,) = rows(engine, tables.verifications)
    assert row.inputs is None
    assert json.loads(row.outputs)
    assert {series.side for series in rows(engine, tables.series)} == {"output"}


@pytest.mark.parametrize("passed_on", [False, True])
def test_the_rows_of_a_batch_come_from_the_calldata_and_get_records_of_their_own(
    played: Theatre, engine: Engine, code: Code, *, passed_on: bool
) -> None:
    stage, model = played.stage, public(played, rows=4)
    said = stage.statement(model)
    pass_on = stage.through if passed_on else lambda call: call
    played.play(pass_on(stage.store_batch(said)))
    ((_, batch),) = stage.batches
    played.play(pass_on(stage.store_row(model, batch, 2)))
    catch_up(follower(engine, code, [played.url]))
    (kept,) = rows(engine, tables.batches)
    assert (kept.root, kept.rows, kept.opened) == (batch.root, 4, True)
    *told, single = rows(engine, tables.verifications)
    assert [row.row for row in told] == [1, 2, 3, 4]
    assert [row.inference_id for row in told] == [row.inference_id for row in batch.rows]
    assert [hex_bytes(row.output) for row in told] == [row.output for row in batch.rows]
    assert {row.caller for row in told} == {stage.passage[1] if passed_on else played.signer.address}
    assert all(json.loads(row.inputs) for row in told)
    assert (single.inference_id, single.row, single.stored, single.is_first) == (told[2].inference_id, 0, True, False)
    assert not any(row.stored for row in told)


def test_registry_and_desk_are_followed_whatever_bytes_their_texts_are(
    played: Theatre, engine: Engine, code: Code
) -> None:
    stage, model, other = played.stage, public(played), public(played)
    said = stage.statement(model)
    played.play(stage.line("scores"), stage.append("scores", model), stage.update(model, b"\xff\x00uri"))
    played.play(stage.offer("scores", played.signer.address), stage.accept("scores"))
    played.play(stage.deprecate(other), stage.stop(said))
    second = public(played)
    said = stage.statement(second)
    now = int(played.truth.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    played.play(stage.request(said, now + 50_000))
    topic = code.core(Rpc(played.url)).desk.abi.topic("Requested")
    (log,) = played.truth.ask("eth_getLogs", {"fromBlock": "0x0", "topics": [topic]})
    played.play(*stage.fulfil(log["topics"][1], said))
    catch_up(follower(engine, code, [played.url]))
    changes = {(row.model_id, row.kind): row.value for row in rows(engine, tables.model_changes)}
    assert changes[model.id, "uri"] == "\ufffd\ufffduri"
    assert changes[other.id, "deprecated"] == ""
    assert changes[model.id, "stopped"] == code.addresses["SignedInferenceVerifier"]
    assert [row.name for row in rows(engine, tables.lines)] == ["scores"]
    assert [row.value for row in rows(engine, tables.line_changes)] == [played.signer.address]
    assert [(row.model_id, row.version) for row in rows(engine, tables.versions)] == [(model.id, 0)]
    (asked,) = rows(engine, tables.requests)
    assert asked.fee > 0
    kinds = [row.kind for row in rows(engine, tables.request_steps)]
    assert kinds[:2] == ["claimed", "fulfilled"] or kinds[0] == "claimed"
    assert rows(engine, tables.verifications)[-1].stored, "the desk asks the ledger for records only"
    assert {row.proof_system for row in rows(engine, tables.routes)} >= {model.commitment.proof_system}


@pytest.mark.parametrize("span", [1, 7, 1000])
def test_the_tables_do_not_depend_on_how_much_is_read_at_once(
    played: Theatre, engine: Engine, code: Code, span: int
) -> None:
    stage, model = played.stage, public(played)
    for _ in range(3):
        played.play(stage.verify(stage.statement(model), "verifyInference"))
        played.mine(4)
    catch_up(follower(engine, code, [played.url], span=Span(span), ahead=True, depth=5))
    assert replayed(engine, code, played.url, depth=5) == []


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_a_reorganisation_takes_back_what_it_took_and_tells_so(
    played: Theatre, engine: Engine, code: Code, depth: int
) -> None:
    stage, model = played.stage, public(played)
    said = [stage.statement(model) for _ in range(3)]
    for each in said:
        played.play(stage.verify(each, "verifyAndStoreInference"))
    catch_up(follower(engine, code, [played.url]))
    played.truth.ask("anvil_setCoinbase", "0x" + "77" * 20)
    played.truth.ask("anvil_reorg", depth, [])
    played.play(stage.verify(said[2], "verifyInference")) if depth < 3 else played.mine()
    back = catch_up(follower(engine, code, [played.url]))
    assert back == depth
    kept = 3 - min(depth, 3)
    assert [row.kind for row in rows(engine, tables.feed)].count("retracted") == 3 - kept
    assert replayed(engine, code, played.url) == []


def test_a_head_that_stands_still_is_no_news(played: Theatre, engine: Engine, code: Code) -> None:
    catch_up(follower(engine, code, [played.url]))
    before = rows(engine, tables.chains)[0]
    step = follower(engine, code, [played.url]).step()
    after = rows(engine, tables.chains)[0]
    assert (step.blocks, step.reorganised) == (0, 0)
    assert after.followed_at > before.followed_at
    assert (after.block_number, after.block_hash) == (before.block_number, before.block_hash)


def test_below_a_final_block_that_went_nothing_is_final_until_that_is_said(
    played: Theatre, engine: Engine, code: Code
) -> None:
    stage, model = played.stage, public(played)
    played.play(stage.verify(stage.statement(model), "verifyInference"))
    played.mine(6)
    catch_up(follower(engine, code, [played.url], depth=2))
    final = rows(engine, tables.chains)[0].final_number
    played.truth.ask("anvil_setCoinbase", "0x" + "77" * 20)
    played.truth.ask("anvil_reorg", 7, [])
    played.mine(3)
    catch_up(follower(engine, code, [played.url], depth=2))
    broken = rows(engine, tables.chains)[0]
    assert broken.broken_at is not None
    assert broken.broken_at <= final == broken.final_number, "it does not go on"
    assert not rows(engine, tables.verifications), "it follows the chain all the same"
    index = Index(engine, CHAIN_ID, code.addresses["InferenceLedger"], 1)
    index.trust_again()
    catch_up(follower(engine, code, [played.url], depth=2))
    assert replayed(engine, code, played.url, depth=2) == []


def test_a_reorganisation_above_what_is_final_breaks_nothing(played: Theatre, engine: Engine, code: Code) -> None:
    played.mine(6)
    catch_up(follower(engine, code, [played.url], depth=3))
    played.truth.ask("anvil_setCoinbase", "0x" + "77" * 20)
    played.truth.ask("anvil_reorg", 3, [])
    played.mine()
    assert catch_up(follower(engine, code, [played.url], depth=3)) == 3
    assert rows(engine, tables.chains)[0].broken_at is None


def test_a_chain_that_was_begun_anew_is_followed_from_its_beginning(
    played: Theatre, engine: Engine, code: Code
) -> None:
    stage, model = played.stage, public(played)
    played.play(stage.verify(stage.statement(model), "verifyInference"))
    played.mine(8)
    catch_up(follower(engine, code, [played.url], depth=0))
    with local_chain(options=("--timestamp", "1600000000")) as other, theatre(other.url, code, seed=2) as anew:
        anew.play(*anew.stage.register(anew.stage.new_model()))
        assert anew.head < played.head
        assert catch_up(follower(engine, code, [anew.url], depth=0)) > 0
        assert replayed(engine, code, anew.url, depth=0) != [], "what was final went, and that is kept in mind"
        Index(engine, CHAIN_ID, code.addresses["InferenceLedger"], 1).trust_again()
        anew.mine(20)
        catch_up(follower(engine, code, [anew.url], depth=0))
        assert replayed(engine, code, anew.url, depth=0) == []


def test_who_finds_the_checkpoint_moved_writes_nothing(played: Theatre, engine: Engine, code: Code) -> None:
    catch_up(follower(engine, code, [played.url]))
    index = Index(engine, CHAIN_ID, code.addresses["InferenceLedger"], 1)
    stands = index.checkpoint()
    assert stands is not None
    stale = replace(stands, number=stands.number - 1)
    with pytest.raises(IndexMoved):
        index.seen(stale, Tail(None, None))
    assert index.checkpoint() == stands
    assert index.seen(stands, Tail(None, None)) == stands


def test_a_database_follows_one_set_of_contracts(played: Theatre, engine: Engine, code: Code) -> None:
    catch_up(follower(engine, code, [played.url]))
    other = Index(engine, CHAIN_ID, code.addresses["InferenceDesk"], 1)
    with pytest.raises(IndexOfAnother, match=code.addresses["InferenceLedger"]):
        other.checkpoint()


def test_chains_do_not_see_each_other(played: Theatre, engine: Engine, code: Code) -> None:
    stage, model = played.stage, public(played)
    played.play(stage.verify(stage.statement(model), "verifyInference"))
    catch_up(follower(engine, code, [played.url]))
    (before,) = rows(engine, tables.verifications)
    other = Index(engine, CHAIN_ID + 1, code.addresses["InferenceLedger"], 1)
    assert other.checkpoint() is None
    number = before.block_number
    there = Index(engine, CHAIN_ID, code.addresses["InferenceLedger"], 1)
    played.play(stage.verify(stage.statement(model), "verifyAndStoreInference"))
    catch_up(follower(engine, code, [played.url]))
    stored = rows(engine, tables.verifications)[1].inference_id
    assert there.recorded([stored], number + 1) == {stored}
    assert there.recorded([stored], number) == set()
    assert other.recorded([stored], number + 1) == set()
