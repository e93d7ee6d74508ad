import itertools

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Reference

from fedredis.errors import UsageError
from fedredis.models import LogisticRegression, SecondOrderModel, StackedModel, TrainingSettings
from fedredis.models import triangle as upper
from fedredis.models.protocol import GradientTerm, SteeredModel, lacks

WIDTH, CLASSES = 4, 3
MODEL = LogisticRegression(WIDTH, CLASSES)


@pytest.fixture
def data():
    """Make 200 rows of three overlapping classes: X (200, 4), y (200,)."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, CLASSES, 200)
    return rng.normal(0, 1, (200, WIDTH)) + rng.normal(0, 1, (CLASSES, WIDTH))[y], y


@pytest.fixture
def parameters():
    return [np.random.default_rng(1).normal(0, 0.5, (WIDTH + 1, CLASSES))]


def loss(weights, X, y, l2):
    """Mean log loss and penalty, written down a second time, row by row."""
    total = 0.0
    for x, label in zip(X, y, strict=True):
        logits = x @ weights[:-1] + weights[-1]
        total += np.log(np.exp(logits).sum()) - logits[label]
    return total / len(y) + l2 / 2 * (weights[:-1] ** 2).sum()


def test_it_is_what_strategies_ask_for():
    for protocol in (SteeredModel, SecondOrderModel, StackedModel):
        assert lacks(MODEL, protocol) == ""
    with pytest.raises(UsageError, match="needs classes, and the labels are numbers"):
        LogisticRegression(3, 0)
    initial = MODEL.initialise(np.random.default_rng(0))
    MODEL.schema().views(initial)  # raises if they do not fit
    assert not initial[0].any()


@pytest.mark.parametrize(
    ("batch_size", "rate", "epochs", "tolerance"), [(200, 0.3, 1000, 1e-6), (50, 0.01, 1500, 0.02)]
)
def test_converges_to_the_solution_of_scikit_learn(data, batch_size, rate, epochs, tolerance):
    X, y = data
    l2 = 0.1
    settings = TrainingSettings(epochs, batch_size, rate, l2)
    initial = MODEL.initialise(np.random.default_rng(0))
    trained = MODEL.train(initial, X, y, settings, np.random.default_rng(0))[0]
    # Theirs is C times the sum of the log loss, plus half the squared norm.
    reference = Reference(C=1 / (l2 * len(y)), tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(trained[:-1].T, reference.coef_, atol=tolerance)
    np.testing.assert_allclose(trained[-1], reference.intercept_, atol=tolerance)


@pytest.mark.parametrize("classes", [2, 3, 9])
def test_predict_is_the_softmax(data, classes):
    X, model = data[0], LogisticRegression(WIDTH, classes)
    w = np.random.default_rng(1).normal(0, 0.5, (WIDTH + 1, classes))
    powers = np.exp(X @ w[:-1] + w[-1])
    np.testing.assert_allclose(model.predict([w], X), powers / powers.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("size", [1e3, 1e100, 1e300])
def test_huge_inputs(data, parameters, size):
    probabilities = MODEL.predict(parameters, data[0] * size)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


# Several slaves at once.


def make_stack(k, n, width, classes):
    """Make k slaves' rows: inputs (k, n, width) and labels (k, n), and parameters."""
    rng = np.random.default_rng([k, n, width, classes])
    X, y = rng.normal(0, 2, (k, n, width)), rng.integers(0, classes, (k, n))
    return X, y, [rng.normal(0, 0.5, (width + 1, classes))]


def bits(arrays):
    return [array.tobytes() for array in arrays]


def generators(k):
    return [np.random.default_rng([3, slave]) for slave in range(k)]


SHAPES = [
    *itertools.product(
        (1, 3, 8, 40),
        (1, 7, 63, 64, 65, 199),
        ((1, 2), (77, 3), (11, 6), (77, 7)),
    ),
    *((k, 30, (11, 3)) for k in range(1, 41, 3)),
    *((6, n, (78, 3)) for n in range(1, 201, 9)),
]


@pytest.mark.parametrize(("k", "n", "inputs"), SHAPES)
def test_a_stack_gives_the_same_bits_as_each_alone(k, n, inputs):
    model = LogisticRegression(*inputs)
    Xs, ys, parameters = make_stack(k, n, *inputs)
    settings = TrainingSettings(local_epochs=2, batch_size=64, learning_rate=0.3, l2=1e-3)
    together = model.train_stack(parameters, Xs, ys, settings, generators(k))
    predicted = model.predict_stack(parameters, Xs)
    assert predicted.shape == (k, n, inputs[1])
    for i, rng in enumerate(generators(k)):
        own = [stack[i] for stack in together]
        model.schema().views(own)
        assert bits(own) == bits(model.train(parameters, Xs[i], ys[i], settings, rng))
        assert predicted[i].tobytes() == model.predict(parameters, Xs[i]).tobytes()


@pytest.mark.parametrize("k", [1, 5])
def test_a_stack_without_rows_is_tested(k):
    Xs, _, parameters = make_stack(k, 0, 11, 3)
    assert LogisticRegression(11, 3).predict_stack(parameters, Xs).shape == (k, 0, 3)


@pytest.mark.parametrize("others", [(5, 4, 3, 2, 1, 0), (2,), (4, 0), (1, 5, 3)])
def test_beside_whom_a_slave_is_trained_makes_no_difference(others):
    Xs, ys, parameters = make_stack(6, 50, 11, 3)
    settings = TrainingSettings(local_epochs=2, batch_size=16, learning_rate=0.3, l2=1e-3)
    term = np.random.default_rng(0).normal(0, 0.1, (6, 12, 3))

    def train(*slaves):
        rngs = [np.random.default_rng([3, slave]) for slave in slaves]
        of = Xs[list(slaves)], ys[list(slaves)]
        terms = [GradientTerm(0.1 * slave, [term[slave]]) for slave in slaves]
        return LogisticRegression(11, 3).train_stack(parameters, *of, settings, rngs, terms)

    (everyone,) = train(*range(6))
    (some,) = train(*others)
    for slave, trained in zip(others, some, strict=True):
        assert trained.tobytes() == everyone[slave].tobytes()


def test_slaves_of_huge_inputs_do_not_touch_the_others():
    Xs, ys, parameters = make_stack(3, 20, 11, 3)
    model = LogisticRegression(11, 3)
    settings = TrainingSettings(local_epochs=1, batch_size=8, learning_rate=0.3, l2=1e-3)
    (before,) = model.train_stack(parameters, Xs, ys, settings, generators(3))
    Xs[1] = Xs[1] * 1e150
    (after,) = model.train_stack(parameters, Xs, ys, settings, generators(3))
    same = [one.tobytes() == other.tobytes() for one, other in zip(before, after, strict=True)]
    assert same == [True, False, True]


def test_training_leaves_its_arguments_alone():
    Xs, ys, parameters = make_stack(4, 20, 11, 3)
    for array in (Xs, ys, *parameters):
        array.flags.writeable = False
    model = LogisticRegression(11, 3)
    settings = TrainingSettings(local_epochs=2, batch_size=8, learning_rate=0.3, l2=1e-3)
    (trained,) = model.train_stack(parameters, Xs, ys, settings, generators(4))
    for i, weights in enumerate(trained):
        assert weights.flags.writeable
        assert not np.shares_memory(weights, parameters[0])
        assert not any(np.shares_memory(weights, other) for other in trained[:i])


def test_rows_in_any_layout_and_type_give_the_same_bits():
    Xs, ys, parameters = make_stack(3, 40, 11, 3)
    model = LogisticRegression(11, 3)
    settings = TrainingSettings(local_epochs=2, batch_size=16, learning_rate=0.3, l2=1e-3)
    one = model.train_stack(parameters, Xs, ys, settings, generators(3))
    predicted = model.predict_stack(parameters, Xs)
    for X in (np.asfortranarray(Xs), np.repeat(Xs, 2, axis=1)[:, ::2]):
        for y in (ys.astype(np.int32), np.asfortranarray(ys).astype(np.uint8)):
            other = model.train_stack(parameters, X, y, settings, generators(3))
            assert bits(one) == bits(other)
        assert predicted.tobytes() == model.predict_stack(parameters, X).tobytes()


# What strategies ask of it beyond training.


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("n", [0, 50, 1100])
def test_derivatives_are_those_of_the_loss_and_within_their_bounds(classes, n):
    (X,), (y,), parameters = make_stack(1, n, 3, classes)
    model, step, p = LogisticRegression(3, classes), 1e-6, 4 * classes
    at = model.derivatives(parameters, X, y)
    assert (at.gradient.shape, at.hessian.shape) == ((p,), (upper.size(p),))
    assert at.loss == pytest.approx(n * loss(parameters[0], X, y, 0) if n else 0)
    hessian = upper.unpack(at.hessian, p)
    hessian += np.triu(hessian, 1).T
    for i in range(p):
        moved = [parameters[0] + step * np.eye(p)[i].reshape(4, classes)]
        there = model.derivatives(moved, X, y)
        assert (there.loss - at.loss) / step == pytest.approx(at.gradient[i], rel=1e-3, abs=1e-2)
        slope = (there.gradient - at.gradient) / step
        np.testing.assert_allclose(slope, hessian[i], rtol=1e-3, atol=1e-2)
    for row in range(0, n, 7):
        one = model.derivatives(parameters, X[row : row + 1], y[row : row + 1])
        most = model.derivative_bounds(parameters, np.abs(X[row]), 1.0)
        assert one.loss <= most.loss
        assert (np.abs(one.gradient) <= most.gradient).all()
        assert (np.abs(one.hessian) <= most.hessian).all()


def test_a_loss_that_no_probability_could_tell():
    """Which a method that compares losses has to know."""
    far = [np.array([[1000.0, -1000.0], [0.0, 0.0]])]
    model = LogisticRegression(1, 2)
    at = model.derivatives(far, np.array([[1.0]]), np.array([1]))
    assert at.loss == 2000
    assert model.derivative_bounds(far, np.ones(1), 1.0).loss >= 2000
