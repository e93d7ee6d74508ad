from __future__ import annotations

import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.models import LinearRegression, TrainingSettings
from fedredis.models.protocol import GradientTerm, Model, SecondOrderModel, SteeredModel

MODEL = LinearRegression(3)
RNG = np.random.default_rng(0)
X = RNG.normal(0, 2, (40, 3))
y = X @ [1.0, -2.0, 0.5] + 3 + RNG.normal(0, 0.1, 40)
WEIGHTS = [RNG.normal(0, 1, (4, 1))]


def settings(**changes: float) -> TrainingSettings:
    given = {"local_epochs": 1, "batch_size": 16, "learning_rate": 0.05, "l2": 0.0}
    return TrainingSettings(**{**given, **changes})  # type: ignore[arg-type]


def test_it_is_what_strategies_ask_for() -> None:
    for protocol in (Model, SteeredModel, SecondOrderModel):
        assert isinstance(MODEL, protocol)
    with pytest.raises(UsageError, match="predicts numbers, and the labels are classes"):
        LinearRegression(3, 2)


def test_training_comes_near_the_least_squares() -> None:
    trained = MODEL.initialise(RNG)
    for number in range(200):
        rng = np.random.default_rng(number)
        trained = MODEL.train(trained, X, y, settings(), rng)
    expected = np.linalg.lstsq(np.column_stack((X, np.ones(40))), y)[0]
    np.testing.assert_allclose(trained[0][:, 0], expected, atol=0.02)
    np.testing.assert_allclose(MODEL.predict(trained, X)[:, 0], y, atol=0.5)


def test_one_batch_is_one_step_down_the_gradient() -> None:
    term = GradientTerm(proximal=0.5, correction=[np.full((4, 1), 0.25)])
    rate, l2 = 0.05, 0.3
    how = settings(batch_size=40, learning_rate=rate, l2=l2, local_epochs=2)
    of_loss = lambda w: MODEL.derivatives([w], X, y).gradient[:, np.newaxis] / 40  # noqa: E731
    penalty = l2 * np.array([[1.0], [1], [1], [0]])
    expected = WEIGHTS[0].copy()
    for _ in range(2):
        steered = 0.5 * (expected - WEIGHTS[0]) + 0.25
        expected = expected - rate * (of_loss(expected) + penalty * expected + steered)
    trained = MODEL.train_steered(WEIGHTS, X, y, how, np.random.default_rng(1), term)
    np.testing.assert_allclose(trained[0], expected, rtol=1e-12)


def test_derivatives_are_those_of_the_loss() -> None:
    at = MODEL.derivatives(WEIGHTS, X, y)
    assert at.rows == 40
    assert at.loss == pytest.approx(((MODEL.predict(WEIGHTS, X)[:, 0] - y) ** 2).sum() / 2)
    for i in range(4):
        for_size = 1e-6
        moved = [WEIGHTS[0] + for_size * np.eye(4)[:, [i]]]
        there = MODEL.derivatives(moved, X, y)
        assert (there.loss - at.loss) / for_size == pytest.approx(at.gradient[i], rel=1e-3)
        slope = (there.gradient - at.gradient) / for_size
        np.testing.assert_allclose(slope, at.hessian[i], rtol=1e-5, atol=1e-3)


def test_derivatives_add_up_over_slaves_and_no_rows_add_nothing() -> None:
    whole = MODEL.derivatives(WEIGHTS, X, y)
    parts = [MODEL.derivatives(WEIGHTS, X[a:b], y[a:b]) for a, b in ((0, 9), (9, 9), (9, 40))]
    assert sum(part.loss for part in parts) == pytest.approx(whole.loss)
    np.testing.assert_allclose(sum(part.gradient for part in parts), whole.gradient)
    np.testing.assert_allclose(sum(part.hessian for part in parts), whole.hessian)
