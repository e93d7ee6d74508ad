from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.errors import FedredisError
from fedredis.exchanges import Reduced, Step
from fedredis.exchanges.plan import NO_TEST, Plan, Progress
from fedredis.keys import RoundName

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedredis.exchanges import Setup

MODEL = {"weights": np.zeros((3, 3))}
KNOWN = {"mean": np.zeros(2), "scale": np.ones(2), "rows": np.array([9])}


@pytest.fixture
def plan(make_rows: Callable[..., Any], make_setup: Callable[..., Setup]) -> Callable[..., Plan]:
    return lambda **changes: Plan(make_setup(make_rows(3), **changes))


def stands(round_: int, scores: dict[int, float | None] | None = None, **more: Any) -> Progress:
    """Where a run stands after some rounds, with the models that are not tested yet."""
    scores = scores or {}
    names = {round_} | {n for n in range(1, round_ + 1) if n not in scores}
    artifacts = {"preprocessing:1": KNOWN} | {f"model:{n}": MODEL for n in names}
    return Progress(round_, "preprocessing:1", f"model:{round_}", False, artifacts, scores, **more)


def names(plan: Plan, progress: Progress, *under_way: str) -> list[str]:
    open_ = [RoundName.parse(name) for name in under_way]
    return [str(exchange.name) for exchange in plan.due(progress, open_)]


def test_statistics_come_first_one_after_the_other(plan):
    assert names(plan(), Progress()) == ["statistics:1"]
    assert names(plan(), Progress(), "statistics:1") == []


def test_each_model_is_tested_beside_the_next_training(plan):
    assert names(plan(), stands(0)) == ["train:1"]
    assert names(plan(), stands(1)) == ["evaluate:1", "train:2"]
    assert names(plan(), stands(1), "train:2", "evaluate:1") == []
    # What is two rounds old is waited for.
    assert names(plan(), stands(2), "evaluate:1") == ["evaluate:2"]
    assert names(plan(), stands(2, {1: 0.5}), "evaluate:2") == ["train:3"]
    assert names(plan(), stands(3, {1: 0.5, 2: 0.5})) == ["evaluate:3"]
    tested = stands(3, {1: 0.5, 2: 0.5, 3: 0.5})
    # Once training is over, the scores of the model that the run stands for are counted.
    assert names(plan(), tested) == ["scores:3"]
    assert names(plan(), tested, "scores:3") == []
    tested.artifacts["scores:3"] = {}  # type: ignore[index]
    assert names(plan(), tested) == []


def test_a_test_that_was_lost_is_done_again(plan):
    assert names(plan(), stands(2, {2: 0.5})) == ["evaluate:1"]


def test_a_run_that_has_converged_or_lost_patience_ends(plan):
    ended = stands(1, {1: 0.5})
    assert names(plan(), type(ended)(**{**vars(ended), "converged": True})) == ["scores:1"]
    scores = {1: 0.9, 2: 0.5, 3: 0.5}
    over = stands(4, {**scores, 4: 0.6})
    over.artifacts["model:1"] = MODEL  # type: ignore[index]
    assert names(plan(rounds=9, patience=2), over) == ["scores:1"]
    assert names(plan(rounds=9, patience=3), stands(4, {**scores, 4: 0.6})) == ["train:5"]
    # Only the tests before the newest round's decide, whether that is in or not.
    assert names(plan(rounds=9, patience=2), stands(4, scores), "evaluate:4") == []


def committed(plan: Plan, progress: Progress, name: str, step: Step, counted: int = 3) -> Any:
    (exchange,) = (e for e in plan.due(progress) if str(e.name) == name)
    return plan.after(progress, exchange, step, Reduced([], 9, counted, 3))


def test_models_that_nobody_needs_any_more_are_dropped(plan):
    trained = Step({"model:4": MODEL}, {"round": "4", "model": "model:4"})
    before = stands(3, {1: 0.5, 2: 0.4, 3: 0.4})
    progress, step = committed(plan(rounds=9), before, "train:4", trained)
    # The best one of round 1 stays, that of round 3 may be under test.
    assert step.drop == ("model:2",)
    assert set(progress.artifacts) == {"preprocessing:1", "model:4"}
    tested = Step(entry={"accuracy": 0.9, "rows": 9})
    progress, step = committed(plan(rounds=9), progress, "evaluate:4", tested)
    assert (step.progress["best"], step.drop) == ("4", ("model:1",))


def test_a_test_that_slaves_are_missing_in_does_not_compete(plan):
    tested = Step(entry={"accuracy": 0.9, "rows": 9})
    progress, step = committed(plan(), stands(1), "evaluate:1", tested, counted=2)
    assert progress.scores == {1: None}
    assert "best" not in step.progress
    assert plan(patience=2).ending(progress) == (NO_TEST,)
    assert plan().ending(progress) == ()


def test_a_slave_that_has_nearly_all_rows_is_told(plan):
    (line,) = plan(names=("a", "b", "c"), each=(1, 98, 1)).ending(stands(1))
    assert line.startswith("slave b says that it has 98 of all 100 rows")
    assert plan(names=("a", "b", "c"), each=(10, 80, 10)).ending(stands(1)) == ()


def test_a_model_that_is_gone_is_told(plan):
    """By patience the run stands for a round of which Redis may have lost the model."""
    over = stands(4, {1: 0.9, 2: 0.5, 3: 0.5, 4: 0.6})
    with pytest.raises(FedredisError, match="has lost its model:1, which scores:1 needs"):
        plan(rounds=9, patience=2).due(over)


def test_slaves_are_told_what_to_read(plan):
    reads = plan(strategy="scaffold").reads(RoundName("train", 2), stands(1))
    assert reads == {"known": "preprocessing:1", "model": "model:1", "state": "strategy:1"}
    reads = plan().reads(RoundName("evaluate", 1), stands(1))
    assert reads == {"known": "preprocessing:1", "model": "model:1"}
