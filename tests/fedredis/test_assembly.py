from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from fedredis import assembly, models
from fedredis.config import RunConfig
from fedredis.errors import UsageError
from fedredis.features import Plain, Quadratic
from fedredis.metrics import Classification, Regression
from fedredis.models import LinearRegression, LogisticRegression
from fedredis.strategies import FedAvg

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., RunConfig]

KNOWN = {"mean": np.zeros(2)}


def test_what_a_config_names_is_made(make_config: Make) -> None:
    config = make_config()
    assert assembly.features_of(config) == Plain(config.columns)
    assert assembly.strategy_of(config) == FedAvg()
    assert assembly.measure_of(config) == Classification(3)
    assert assembly.model_of(config, KNOWN) == LogisticRegression(2, 3)
    config = make_config(features="quadratic")
    assert assembly.features_of(config) == Quadratic(config.columns)
    assert assembly.model_of(config, KNOWN) == LogisticRegression(5, 3)
    config = make_config(classes=(), model="linear")
    assert assembly.measure_of(config) == Regression()
    assert assembly.model_of(config, KNOWN) == LinearRegression(2)


def test_a_model_of_the_users_own(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.MODELS, "mine", lambda width, classes: ("mine", width, classes))
    config = make_config(model="mine")
    assert assembly.model_of(config, KNOWN) == ("mine", 2, 3)
    assert RunConfig.from_json(config.to_json()).model == "mine"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"model": "forest"}, "no model 'forest'; there are: "),
        ({"strategy": "fedwhat"}, "--strategy must be one of .*fedavg.*, not 'fedwhat'"),
        ({"options": {"mu": "1"}}, "--set mu: fedavg has no such option"),
        ({"model": "linear"}, "predicts numbers, and the labels are classes"),
        ({"strategy": "krum", "sample": 2}, "--strategy krum: 2 slaves in a round.* needs 3;"),
        ({"classes": ()}, "needs classes, and the labels are numbers"),
    ],
)
def test_what_does_not_go_together(make_config: Make, change: dict, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        assembly.check(make_config(**change))


def test_a_strategy_that_asks_more_of_a_model_than_it_does(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Picky(FedAvg):
        requires = models.StackedModel

    monkeypatch.setattr("fedredis.strategies.STRATEGIES", {"picky": Picky})
    with pytest.raises(UsageError, match=r"picky can't train the model 'linear'.*StackedModel"):
        assembly.check(make_config(strategy="picky", model="linear", classes=()))
    assembly.check(make_config(strategy="picky"))
