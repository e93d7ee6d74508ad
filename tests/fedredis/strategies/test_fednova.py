from dataclasses import replace

import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.models import LinearRegression, TrainingSettings
from fedredis.strategies import FedAvg
from fedredis.strategies.fednova import FedNova

#: Steps that the slaves of `federation` take.
STEPS = (2, 8, 10, 4)


def test_it_goes_as_the_paper_says(federation, sgd):
    (w,) = federation.first(FedNova()).parameters
    (moved,) = federation.train(FedNova(), 2).parameters
    rate, n = federation.settings.learning_rate, sum(len(y) for _, y in federation.slaves)
    for number in (1, 2):
        direction, effective = np.zeros_like(w), 0.0
        for slave, (X, y) in enumerate(federation.slaves):
            trained = sgd(w, (X, y), federation.rng(number, slave))
            # G_k a_k / ||a_k||_1: the mean of the gradients along the way
            d = (w - trained) / (rate * STEPS[slave])
            direction = direction + len(y) / n * d
            effective += len(y) / n * STEPS[slave]
        w = w - effective * rate * direction
    np.testing.assert_allclose(moved, w, rtol=1e-11, atol=1e-13)


def test_with_equal_steps_it_is_fedavg(federation):
    federation.slaves = [(X[:8], y[:8]) for X, y in federation.slaves]
    (ours,) = federation.train(FedNova(), 3).parameters
    (plain,) = federation.train(FedAvg(), 3).parameters
    np.testing.assert_allclose(ours, plain, rtol=1e-12, atol=1e-14)


def test_more_steps_do_not_pull_the_model_their_way(federation):
    """A slave of 20 rows in 20 batches knows zeros only, one of 2 rows in 2 batches ones only.

    The best intercept is the mean of all rows, 1 / 11. At a small learning rate FedAvg comes to
    rest where ``20 * 20 b = 2 * 2 (1 - b)``, at 1 / 101, and FedNova where ``20 b = 2 (1 - b)``.
    """
    federation.model, federation.classes = LinearRegression(1), 0
    federation.settings = TrainingSettings(1, 1, 1e-3, 0.0)
    federation.slaves = [(np.zeros((n, 1)), np.full(n, y)) for n, y in ((20, 0.0), (2, 1.0))]

    def rest(strategy):
        return float(federation.train(strategy, 400).parameters[0][-1, 0])

    assert rest(FedAvg()) == pytest.approx(1 / 101, rel=0.05)
    assert rest(FedNova()) == pytest.approx(1 / 11, rel=0.05)


def test_steps_are_counted_and_no_more_than_can_be(federation):
    sent = federation.first(FedNova())
    for slave, n in enumerate((8, 25, 40, 9)):
        integers, _ = federation.integers(FedNova(), sent, 1, slave)
        assert integers[-1].tolist() == [n * STEPS[slave]]
    limits = replace(federation.limits, rows=1 << 40)
    with pytest.raises(UsageError, match="fewer epochs, or larger batches"):
        FedNova().quantities(federation.model, sent, limits)
