"""The best few candidates, made for real: which one is taken, and what becomes of those that fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.circuit import tune as tuning
from bridge.circuit.model import read_model
from bridge.circuit.order import Code, Order
from bridge.circuit.ranking import Bounds, Ranking
from bridge.circuit.search import search
from bridge.circuit.settings import Objective
from bridge.circuit.tune import Bench, Made, Task, make, tune
from bridge.core.bundle import VERIFIER_SOURCE, VERIFIER_VKA
from bridge.core.circuit import Visibility
from bridge.core.rows import read_rows
from bridge.errors import BudgetExceeded, CodeTooLarge
from bridge.prover import prove as prover
from bridge.solidity.limits import Limits
from bridge.solidity.verifier import FEW_RUNS, MANY_RUNS, compile_verifier

BENCH = Bench(prover.prove, lambda _verifier, _proof: 400_000)


@pytest.fixture(scope="module")
def task(order: Order) -> Task:
    """The example, one row at a time."""
    model = read_model(order.model)
    return Task(order, model, model, read_rows(order.sample, model.inputs))


@pytest.fixture(scope="module")
def ranking(task: Task) -> Ranking:
    """What the search finds for it."""
    order = task.order
    return search(task.model, task.batches, objective=order.objective, bounds=Bounds(), visibility=Visibility.PUBLIC)


def test_the_best_is_made_and_what_could_not_win_is_not(task: Task, ranking: Ranking, tmp_path: Path) -> None:
    tuned = tune(task, ranking, BENCH, tmp_path)
    assert [attempt.chosen for attempt in tuned.attempts].count(True) == 1
    assert len(tuned.attempts) == len(ranking.best)
    least = tuned.made.cost.weight(task.order.objective)
    for attempt in tuned.attempts:
        made = attempt.measured is not None
        assert made or attempt.ranked.cost.weight(task.order.objective) > least
    assert any(attempt.measured is None for attempt in tuned.attempts)


def test_what_is_worse_than_the_default_is_not_taken_where_something_is_not(
    ranking: Ranking,
) -> None:
    """However cheap it seems by the objective: here everything but the last takes more gas than a default that is made up."""
    assert ranking.default is not None
    last = ranking.best[-1]
    modest = replace(last, cost=replace(last.cost, gas=300_000.0))
    cheap = replace(ranking.default, cost=replace(ranking.default.cost, seconds=100.0, gas=600_000.0))
    dear = [replace(item, cost=replace(item.cost, gas=700_000.0)) for item in ranking.best[:1]]
    made_up = replace(ranking, default=cheap, best=(*dear, modest))
    assert made_up.place(dear[0].cost) > made_up.place(modest.cost)
    assert made_up.place(dear[0].cost)[1] < made_up.place(modest.cost)[1]
    assert not made_up.place(cheap.cost)[0], "the default is not worse than itself"
    gas = replace(made_up, objective=Objective.LATENCY)
    assert gas.place(dear[0].cost) < gas.place(modest.cost), "an objective may give up the rest"


def test_the_choice_needs_no_chain(task: Task, ranking: Ranking, tmp_path: Path) -> None:
    """What gas was measured, or whether it was, decides nothing: the length of a proof tells it exactly enough."""
    chosen = []
    for number, gas in enumerate((None, 1, 10**6)):
        place = tmp_path / f"{number}"
        place.mkdir()
        bench = Bench(prover.prove, lambda _verifier, _proof, gas=gas: gas)  # type: ignore[misc]
        chosen.append(tune(task, ranking, bench, place).made.ranked.candidate)
    assert chosen[0] == chosen[1] == chosen[2]


def test_a_candidate_that_fails_leaves_it_to_the_next(
    task: Task, ranking: Ranking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ranking.best[0]

    def failing(task: Task, ranked: Any, *arguments: Any, **options: Any) -> Made:
        if ranked is first:
            raise CodeTooLarge(unit="the generated verifier", size=30_000, limit=24_576)
        return make(task, ranked, *arguments, **options)

    monkeypatch.setattr(tuning, "make", failing)
    tuned = tune(task, ranking, BENCH, tmp_path)
    assert tuned.made.ranked is not first
    assert tuned.attempts[0].refusal == CodeTooLarge(unit="the generated verifier", size=30_000, limit=24_576).what
    assert not tuned.attempts[0].chosen


def test_where_all_fail_the_first_failure_is_told(task: Task, ranking: Ranking, tmp_path: Path) -> None:
    small = replace(task, order=replace(task.order, limits=Limits(runtime_bytes=1000)))
    with pytest.raises(CodeTooLarge) as refused:
        tune(small, replace(ranking, best=ranking.best[:2]), BENCH, tmp_path)
    assert refused.value.limit == 1000


def test_where_no_code_of_a_circuits_own_fits_the_shared_verifier_is_taken(task: Task, tmp_path: Path) -> None:
    """The code of a hashed input's own is longer; the shared one's is the same for every circuit."""
    order = replace(task.order, visibility=Visibility.HASHED, limits=Limits(runtime_bytes=11_500))
    hashed = replace(task, order=order)
    found = search(task.model, task.batches, objective=order.objective, bounds=Bounds(), visibility=order.visibility)
    one = replace(found, best=found.best[:1])
    tuned = tune(hashed, one, BENCH, tmp_path)
    assert tuned.made.verifier.vka
    assert tuned.made.measurements.verifier_runtime_bytes <= order.limits.runtime_bytes
    assert [(attempt.is_shared, attempt.chosen) for attempt in tuned.attempts] == [(False, False), (True, True)]
    assert "bytes" in (tuned.attempts[0].refusal or "")
    assert (tuned.made.folder / VERIFIER_VKA).is_file()

    (tmp_path / "own").mkdir()
    with pytest.raises(CodeTooLarge) as refused:
        tune(replace(hashed, order=replace(order, verifier=Code.OWN)), one, BENCH, tmp_path / "own")
    assert refused.value.unit == "the generated verifier"


@pytest.mark.parametrize(
    ("option", "bound", "kept"),
    [
        ("--max-gas", {"max_gas": 399_999}, {"max_gas": 400_000}),
        ("--max-prove-seconds", {"max_prove_seconds": 0.0}, {"max_prove_seconds": 600.0}),
        ("--max-memory", {"max_memory": 1}, {"max_memory": 10**12}),
        ("--max-bytecode", {"max_bytecode": 15_000}, {"max_bytecode": 20_000}),
    ],
)
def test_a_bound_that_is_measured_to_be_missed_is_named(
    task: Task, ranking: Ranking, tmp_path: Path, option: str, bound: dict[str, Any], kept: dict[str, Any]
) -> None:
    one = replace(ranking, best=ranking.best[:1])
    (tmp_path / "kept").mkdir()
    assert tune(replace(task, order=replace(task.order, **kept)), one, BENCH, tmp_path / "kept").made
    if option == "--max-bytecode":  # there is a smaller way to compile it
        (tmp_path / "small").mkdir()
        tuned = tune(replace(task, order=replace(task.order, **bound)), one, BENCH, tmp_path / "small")
        assert tuned.made.measurements.verifier_runtime_bytes <= bound["max_bytecode"]
        bound = {"max_bytecode": 10_000}
    with pytest.raises(BudgetExceeded) as refused:
        tune(replace(task, order=replace(task.order, **bound)), one, BENCH, tmp_path)
    assert refused.value.option == option


def test_code_is_compiled_to_be_run_often_where_there_is_room(task: Task, ranking: Ranking, tmp_path: Path) -> None:
    made = make(task, ranking.best[0], BENCH, tmp_path)
    source = (tmp_path / VERIFIER_SOURCE).read_text()
    small, fast = (compile_verifier(source, task.order.evm, runs=runs) for runs in (FEW_RUNS, MANY_RUNS))
    assert len(small.runtime) < len(fast.runtime)
    assert made.verifier.code.runtime == fast.runtime
