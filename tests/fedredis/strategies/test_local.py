"""What all strategies have slaves do: stacks of slaves, and points that are not too far away."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from fedredis.errors import BoundError, FedredisError, UsageError
from fedredis.models import LogisticRegression, SklearnSGD, TorchMLP, make
from fedredis.strategies import STRATEGIES, FedAvg, Returned, check
from fedredis.strategies import make as strategy_of
from fedredis.strategies.state import stepped


@pytest.mark.parametrize("name", STRATEGIES)
def test_slaves_beside_each_other_do_what_they_do_alone(federation, name):
    federation.slaves = [(X[:8], y[:8]) for X, y in federation.slaves]
    strategy = STRATEGIES[name]()
    sent = federation.first(strategy)
    together = federation.work(strategy, sent, 1, 0, 1, 2, 3)
    for slave in range(4):
        alone = federation.work(strategy, sent, 1, slave)
        for one, other in zip(together.arrays, alone.arrays, strict=True):
            assert one[slave].tobytes() == other[0].tobytes()


@pytest.mark.parametrize(
    "name", [name for name, strategy in STRATEGIES.items() if name != "newton"]
)
@pytest.mark.parametrize("rate", [1e6, 1e200, 1e308])
def test_a_slave_that_goes_too_far_says_how_far_and_in_what(federation, name, rate):
    federation.settings = replace(federation.settings, learning_rate=rate, l2=0.0)
    strategy = STRATEGIES[name]()
    with (
        pytest.raises(BoundError, match=r"away from .*, more than max_norm=1e\+04, in 'weights'"),
        np.errstate(all="ignore"),
    ):
        federation.work(strategy, federation.first(strategy), 1, 2)


def test_a_global_model_that_is_no_number_any_more():
    with pytest.raises(FedredisError, match="beyond all numbers: try a smaller learning_rate"):
        stepped([np.full(2, 1e308)], [np.full(2, 1e308)])


def test_slaves_without_rows(federation):
    nothing = Returned([np.zeros((3, 3))], 0, 2, 2)
    with pytest.raises(FedredisError, match="no rows to learn from"):
        FedAvg().move(federation.model, federation.first(FedAvg()), nothing, federation.settings)


@pytest.mark.parametrize(
    ("name", "model", "problem"),
    [
        ("fedprox", SklearnSGD(2, 3), "a sixth argument of train, the term .* SteeredModel in"),
        ("scaffold", SklearnSGD(2, 3), "a sixth argument of train"),
        ("newton", SklearnSGD(2, 3), "the method derivative_bounds, derivatives, penalised"),
    ],
)
def test_a_model_that_a_strategy_asks_too_much_of(name, model, problem):
    with pytest.raises(UsageError, match=f"^`strategy` {name} can't train .* 'mine', which"):
        check(name, strategy_of(name, {}), model, "mine")
    with pytest.raises(UsageError, match=problem):
        check(name, strategy_of(name, {}), model, "mine")


@pytest.mark.parametrize("name", STRATEGIES)
def test_models_that_will_do(name):
    models = [LogisticRegression(2, 3), make("linear", 2, 0)]
    models += [TorchMLP(2, 3)] if name != "newton" and find_spec("torch") else []
    models += [] if name in ("newton", "fedprox", "scaffold") else [SklearnSGD(2, 3)]
    for model in models:
        check(name, strategy_of(name, {}), model, "mine")
