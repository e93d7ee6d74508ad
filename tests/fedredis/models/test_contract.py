"""What every model has to hold, whatever it is made of."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from fedredis.models import (
    LinearRegression,
    LogisticRegression,
    SklearnSGD,
    TorchMLP,
    TrainingSettings,
)
from fedredis.models.protocol import GradientTerm, Model, SecondOrderModel, SteeredModel, lacks

WIDTH = 4
NEEDS_TORCH = pytest.mark.skipif(
    find_spec("torch") is None, reason="PyTorch is not installed: pip install 'fedredis[torch]'"
)
#: Those that take a step after each batch, and a term; with their classes, 0 for numbers.
STEERED = [
    pytest.param(LinearRegression, 0, id="linear"),
    pytest.param(LogisticRegression, 2, id="logistic-2"),
    pytest.param(LogisticRegression, 3, id="logistic-3"),
    *(pytest.param(TorchMLP, n, id=f"torch-mlp-{n}", marks=NEEDS_TORCH) for n in (0, 2, 3)),
]
ALL = [*STEERED, *(pytest.param(SklearnSGD, n, id=f"sklearn-sgd-{n}") for n in (0, 2, 3))]

steered = pytest.mark.parametrize(("kind", "classes"), STEERED)
everyone = pytest.mark.parametrize(("kind", "classes"), ALL)


def make(kind: Any, classes: int) -> Any:
    return kind(WIDTH, classes, **({"hidden": 3} if kind is TorchMLP else {}))


def make_rows(classes: int, n: int = 200) -> tuple[Any, Any]:
    """Make rows X (n, 4) and labels y (n,): of overlapping classes, or along a line."""
    rng = np.random.default_rng(5)
    X = rng.normal(0, 1, (n, WIDTH))
    if not classes:
        return X, X @ [1.0, -2.0, 0.5, 0.0] + 3 + rng.normal(0, 0.1, n)
    y = rng.integers(0, classes, n)
    return X + rng.normal(0, 1, (classes, WIDTH))[y], y


def make_parameters(model: Any, seed: int = 1) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 0.5, field.shape) for field in model.schema().fields]


def settings(**changes: Any) -> TrainingSettings:
    given = {"local_epochs": 1, "batch_size": 20, "learning_rate": 0.1, "l2": 1e-2}
    return TrainingSettings(**{**given, **changes})


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def bits(arrays: Any) -> list[bytes]:
    return [array.tobytes() for array in arrays]


def penalised(model: Any, parameters: list[Any]) -> list[Any]:
    """Return the arrays on which the penalty is, without intercepts."""
    if isinstance(model, TorchMLP):
        return [array for array in parameters if array.ndim == 2]
    return [parameters[0][:-1]]


def loss(model: Any, parameters: list[Any], X: Any, y: Any, l2: float) -> float:
    """Mean loss and penalty, by what is predicted."""
    told = model.predict(parameters, X)
    lost = -np.log(told[np.arange(len(y)), y]) if model.classes else (told[:, 0] - y) ** 2 / 2
    return lost.mean() + l2 / 2 * sum((w**2).sum() for w in penalised(model, parameters))


@everyone
def test_it_begins_as_its_generator_says(kind, classes):
    model = make(kind, classes)
    assert lacks(model, Model) == ""
    initial = model.initialise(rng())
    model.schema().views(initial)  # raises if they do not fit
    assert bits(initial) == bits(model.initialise(rng()))


@everyone
def test_same_arguments_same_bits(kind, classes):
    model, (X, y) = make(kind, classes), make_rows(classes)
    parameters = make_parameters(model)

    def train(X, y=y, seed=4, epochs=3):
        return bits(model.train(parameters, X, y, settings(local_epochs=epochs), rng(seed)))

    again = [train(X), train(X), train(np.asfortranarray(X)), train(np.repeat(X, 2, axis=0)[::2])]
    assert all(one == other for one, other in pairwise(again))
    assert again[0] == train(X, y.astype(np.int32) if classes else y)
    assert again[0] != train(X, seed=5)
    assert again[0] != train(X, epochs=2)


@everyone
def test_training_leaves_its_arguments_alone(kind, classes):
    model, (X, y) = make(kind, classes), make_rows(classes)
    parameters = make_parameters(model)
    for array in (X, y, *parameters):
        array.flags.writeable = False
    term = [GradientTerm(0.1, parameters)] if lacks(model, SteeredModel) == "" else []
    trained = model.train(parameters, X, y, settings(), rng(), *term)
    model.schema().views(trained)
    for before, after in zip(parameters, trained, strict=True):
        assert after.flags.writeable
        assert not np.shares_memory(before, after)


@everyone
def test_one_row_moves_it_to_its_label(kind, classes):
    model, X = make(kind, classes), np.ones((1, WIDTH))
    before, y = make_parameters(model), np.array([1 if classes else 100.0])
    trained = model.train(before, X, y, settings(batch_size=1, learning_rate=1e-3), rng())
    of = int(y[0]) if classes else 0
    assert model.predict(trained, X)[0, of] > model.predict(before, X)[0, of]


@everyone
def test_predictions_far_out_and_of_no_rows(kind, classes):
    model, (X, _) = make(kind, classes), make_rows(classes)
    parameters = [array * 1e4 for array in make_parameters(model)]
    told = model.predict(parameters, np.vstack((X, 1e3 * X)))
    assert np.isfinite(told).all()
    if classes:
        np.testing.assert_allclose(told.sum(axis=1), 1)
    assert model.predict(parameters, X[:0]).shape == (0, classes or 1)


@steered
def test_a_step_follows_the_gradient_of_the_loss(kind, classes):
    model, (X, y) = make(kind, classes), make_rows(classes, 30)
    rate, l2, h, parameters = 0.1, 0.3, 1e-6, make_parameters(model)
    how = settings(batch_size=len(y), learning_rate=rate, l2=l2)
    stepped = model.train(parameters, X, y, how, rng())
    for number, array in enumerate(parameters):
        gradient = np.empty_like(array)
        for at in np.ndindex(array.shape):
            sides = []
            for step in (h, -h):
                moved = [other.copy() for other in parameters]
                moved[number][at] += step
                sides.append(loss(model, moved, X, y, l2))
            gradient[at] = (sides[0] - sides[1]) / (2 * h)
        np.testing.assert_allclose((array - stepped[number]) / rate, gradient, atol=1e-7)
    if lacks(model, SecondOrderModel) == "":
        # Newton's method, which takes no such steps, is told where the penalty is.
        (mask,) = model.penalised()
        assert mask[:, 0].tolist() == [1, 1, 1, 1, 0]


@steered
def test_every_row_of_an_epoch_counts_once_the_short_batch_included(kind, classes):
    model, (X, y) = make(kind, classes), make_rows(classes)
    parameters = expected = make_parameters(model)
    how = settings(local_epochs=2, batch_size=64)
    trained = model.train(parameters, X, y, how, rng(9))
    drawn = rng(9)
    for _ in range(2):
        order = drawn.permutation(len(y))
        for start in (0, 64, 128, 192):  # 64, 64, 64 and 8 rows
            batch = order[start : start + 64]
            step = settings(batch_size=len(batch))
            expected = model.train(expected, X[batch], y[batch], step, rng())
    for array, other in zip(trained, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-9, atol=1e-12)


@steered
def test_a_term_is_part_of_each_steps_gradient(kind, classes):
    """The proximal one pulls back to what was sent, from the second step on."""
    model, (X, y), rate, mu = make(kind, classes), make_rows(classes), 0.1, 2.0
    assert lacks(model, SteeredModel) == ""
    sent, correction = make_parameters(model), make_parameters(model, seed=2)
    one, two = (settings(batch_size=len(y), l2=0.0, local_epochs=n) for n in (1, 2))
    for nothing in (GradientTerm(), GradientTerm(0.0, [0 * c for c in correction])):
        plain = model.train(sent, X, y, two, rng(3))
        assert bits(model.train(sent, X, y, two, rng(3), nothing)) == bits(plain)
    first = model.train(sent, X, y, one, rng())
    first = [w - rate * c for w, c in zip(first, correction, strict=True)]
    second = model.train(first, X, y, one, rng())
    trained = model.train(sent, X, y, two, rng(), GradientTerm(mu, correction))
    for there, w_0, w_1, w_2, c in zip(trained, sent, first, second, correction, strict=True):
        expected = w_2 - rate * (mu * (w_1 - w_0) + c)
        np.testing.assert_allclose(there, expected, rtol=1e-10, atol=1e-12)


@steered
def test_weights_of_rows_multiply_their_losses(kind, classes):
    model, (X, y) = make(kind, classes), make_rows(classes, 30)
    parameters, how = make_parameters(model), settings(batch_size=30, l2=0.0)
    weights = np.repeat([0.0, 2.0], 15)
    trained = model.train(parameters, X, y, how, rng(), weights=weights)
    half = settings(batch_size=15, l2=0.0)
    expected = model.train(parameters, X[15:], y[15:], half, rng())
    for array, other in zip(trained, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-9, atol=1e-12)
