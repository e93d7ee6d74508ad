from __future__ import annotations

import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.models import LinearRegression, SecondOrderModel, SteeredModel, TrainingSettings
from fedredis.models import triangle as upper
from fedredis.models.protocol import lacks

MODEL = LinearRegression(3)
RNG = np.random.default_rng(0)
X = RNG.normal(0, 2, (40, 3))
y = X @ [1.0, -2.0, 0.5] + 3 + RNG.normal(0, 0.1, 40)
WEIGHTS = [RNG.normal(0, 1, (4, 1))]


def settings(**changes: float) -> TrainingSettings:
    given = {"local_epochs": 1, "batch_size": 16, "learning_rate": 0.05, "l2": 0.0}
    return TrainingSettings(**{**given, **changes})  # type: ignore[arg-type]


def test_it_is_what_strategies_ask_for():
    assert not any(lacks(MODEL, protocol) for protocol in (SteeredModel, SecondOrderModel))
    with pytest.raises(UsageError, match="predicts numbers, and the labels are classes"):
        LinearRegression(3, 2)


def test_training_comes_near_the_least_squares():
    trained = MODEL.initialise(RNG)
    for number in range(200):
        rng = np.random.default_rng(number)
        trained = MODEL.train(trained, X, y, settings(), rng)
    expected = np.linalg.lstsq(np.column_stack((X, np.ones(40))), y)[0]
    np.testing.assert_allclose(trained[0][:, 0], expected, atol=0.02)
    np.testing.assert_allclose(MODEL.predict(trained, X)[:, 0], y, atol=0.5)


def test_derivatives_are_those_of_the_loss_and_within_their_bounds():
    at = MODEL.derivatives(WEIGHTS, X, y)
    assert at.loss == pytest.approx(((MODEL.predict(WEIGHTS, X)[:, 0] - y) ** 2).sum() / 2)
    design = np.column_stack((X, np.ones(40)))
    np.testing.assert_allclose(upper.unpack(at.hessian, 4), np.triu(design.T @ design))
    np.testing.assert_allclose(at.gradient, design.T @ (design @ WEIGHTS[0][:, 0] - y))
    most = MODEL.derivative_bounds(WEIGHTS, np.abs(X).max(axis=0), float(np.abs(y).max()))
    for row in range(40):
        one = MODEL.derivatives(WEIGHTS, X[row : row + 1], y[row : row + 1])
        assert one.loss <= most.loss
        assert (np.abs(one.gradient) <= most.gradient).all()
        assert (np.abs(one.hessian) <= most.hessian).all()
    none = MODEL.derivatives(WEIGHTS, X[:0], y[:0])
    assert not any(np.any(part) for part in (none.loss, none.gradient, none.hessian))
