"""Models that work for several slaves at once, and models of the user's own that do not."""

import numpy as np
import pytest

from fedredis.arrays import Field, Schema
from fedredis.errors import FedredisError
from fedredis.models import LogisticRegression, SteeredModel, TrainingSettings, stack
from fedredis.models.protocol import GradientTerm, lacks

SETTINGS = TrainingSettings(1, 4, 0.5, 0.0)
RNG = np.random.default_rng(0)
XS, YS = RNG.normal(size=(3, 9, 2)), RNG.integers(0, 2, (3, 9))
TERMS = [GradientTerm(0.5, [RNG.normal(size=(3, 2))]) for _ in range(3)]
SENT = [RNG.normal(size=(3, 2))]


class Wrapped:
    """A model of the user's own, with the fewest arguments, around another."""

    def __init__(self, width, classes):
        self.model = LogisticRegression(width, classes)

    def schema(self):
        return self.model.schema()

    def initialise(self, rng):
        return self.model.initialise(rng)

    def train(self, p, X, y, s, rng):
        return self.model.train(p, X, y, s, rng)

    def predict(self, p, X):
        return self.model.predict(p, X)


class Steered(Wrapped):
    def train(self, p, X, y, s, rng, term=None):
        return self.model.train(p, X, y, s, rng, term)


class Noted(LogisticRegression):
    """Something is done beside the training of a stack."""

    def train_stack(self, parameters, X, y, *more):
        assert len(X) == 3
        return super().train_stack(parameters, X, y, *more)


class WithoutTerms(LogisticRegression):
    def train_stack(self, parameters, X, y, settings, rngs):
        return super().train_stack(parameters, X, y, settings, rngs)

    def train(self, parameters, X, y, settings, rng, term=None):
        return LogisticRegression(2, 2).train(parameters, X, y, settings, rng, term)


class Halved(LogisticRegression):
    """Trains and predicts otherwise, one slave at a time."""

    def train(self, *arguments):
        return [array / 2 for array in LogisticRegression(2, 2).train(*arguments)]

    def predict(self, parameters, X):
        return super().predict(parameters, X) / 2


def trained(model, *terms):
    rngs = [np.random.default_rng(i) for i in range(3)]
    return stack.train(model, SENT, XS, YS, SETTINGS, rngs, *terms)


def bits(arrays):
    return [array.tobytes() for array in arrays]


@pytest.mark.parametrize("kind", [Wrapped, Steered, Noted, WithoutTerms])
def test_the_bits_are_the_same(kind):
    model, plain = kind(2, 2), LogisticRegression(2, 2)
    assert bits(trained(model)) == bits(trained(plain))
    told = [stack.predict(which, SENT, XS) for which in (model, plain)]
    assert told[0].tobytes() == told[1].tobytes()
    if kind is Wrapped:
        assert lacks(model, SteeredModel) == (
            "a sixth argument of train, the term to add to every gradient"
        )
    else:
        assert lacks(model, SteeredModel) == ""
        assert bits(trained(model, TERMS)) == bits(trained(plain, TERMS))
        assert bits(trained(model, TERMS)) != bits(trained(plain))


def test_what_a_subclass_does_for_one_slave_it_does_for_several():
    """The stack that it has inherited knows nothing of that."""
    for one, whole in zip(trained(Halved(2, 2)), trained(LogisticRegression(2, 2)), strict=True):
        np.testing.assert_array_equal(one[0], whole[0] / 2)
    halves = stack.predict(Halved(2, 2), SENT, XS)
    np.testing.assert_array_equal(halves, stack.predict(LogisticRegression(2, 2), SENT, XS) / 2)


@pytest.mark.parametrize(
    "returned", [[], [np.zeros((3, 1))], [np.zeros((3, 2)), np.zeros(1)], [1.0]]
)
def test_parameters_that_are_not_of_the_schema(returned, monkeypatch):
    monkeypatch.setattr(Wrapped, "train", lambda self, *arguments: returned)
    with pytest.raises(FedredisError, match=r"train returned arrays .*, its schema says \[\(3, 2"):
        trained(Wrapped(2, 2))


@pytest.mark.parametrize("returned", [np.zeros(9), np.zeros((8, 2)), 0.5])
def test_predictions_that_are_not_a_line_a_row(returned, monkeypatch):
    monkeypatch.setattr(Wrapped, "predict", lambda self, *arguments: returned)
    with pytest.raises(FedredisError, match=r"predict returned .* for 9 rows, and not a line of"):
        stack.predict(Wrapped(2, 2), SENT, XS)


def test_schemas_of_several_arrays():
    class Two(Wrapped):
        def schema(self):
            return Schema((Field("a", "<f8", (2,)), Field("b", "<f4", ())))

        def train(self, p, X, y, s, rng):
            return [np.full(2, len(y)), np.float32(1)]

    rngs = [RNG] * 3
    found, _ = stack.train(Two(2, 2), Two(2, 2).schema().zeros(), XS, YS, SETTINGS, rngs)
    assert found.tolist() == [[9, 9]] * 3
