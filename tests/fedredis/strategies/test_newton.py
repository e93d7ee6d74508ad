"""Newton's method ends where pooled rows would: beside scikit-learn, however rows are dealt."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression as LinearReference
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.linear_model import Ridge

from fedredis.errors import FedredisError, UsageError
from fedredis.models import LinearRegression, LogisticRegression
from fedredis.strategies import Global, Returned
from fedredis.strategies.newton import Newton

STRATEGY = Newton()


def cuts(X, y):
    """Deal rows in four ways: all to one, evenly, by label and doubling in number, and anyhow."""
    rng = np.random.default_rng(0)
    order, by_label = rng.permutation(len(y)), np.argsort(y, kind="stable")
    ends = np.cumsum(len(y) * 2.0 ** np.arange(10) / 1023).astype(int)[:-1]
    anywhere = np.sort(rng.integers(0, len(y), 30))
    for parts in (
        [order],
        np.array_split(order, 10),
        np.split(by_label, ends),
        np.split(order, anywhere),
    ):
        yield [(X[part], y[part]) for part in parts if len(part)]


@pytest.fixture
def path(federation):
    """Return what goes through rounds until the method has converged: all global models."""

    def run(model, slaves, l2, start=None):
        federation.model, federation.slaves = model, slaves
        federation.settings = replace(federation.settings, l2=l2)
        models = [start or first(model)]
        while len(models) < 2 or not STRATEGY.converged(*models[-2:]):
            assert len(models) < 100
            models.append(federation.round(STRATEGY, models[-1], len(models)))
        return models

    return run


def first(model, parameters=None):
    return Global(parameters or model.schema().zeros(), STRATEGY.initial(model))


def derivatives(model, current, slaves):
    """Return those of all rows as if they were in one place."""
    rows = [np.concatenate(parts) for parts in zip(*slaves, strict=True)]
    return model.derivatives(current.parameters, *rows)


def loss(model, current, slaves, l2):
    (w,), (mask,) = current.parameters, model.penalised()
    rows = sum(len(y) for _, y in slaves)
    return derivatives(model, current, slaves).loss / rows + l2 / 2 * float((mask * w**2).sum())


@pytest.fixture(scope="module")
def table():
    """Return 3,000 rows of wide inputs, which hang together, and their labels in three classes."""
    rng = np.random.default_rng(8)
    base = rng.normal(size=(3_000, 8)) + rng.normal(size=(3_000, 1))
    products = [
        base[:, i] * base[:, j] for i, j in itertools.combinations_with_replacement(range(8), 2)
    ]
    X = np.column_stack([base, *products])
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    scores = X @ rng.normal(0, 0.4, (44, 3)) + rng.gumbel(size=(3_000, 3))
    return X, scores.argmax(axis=1)


@pytest.mark.parametrize("classes", [2, 3])
def test_on_every_cut_it_is_the_solution_of_scikit_learn(table, path, classes):
    X, y, l2 = table[0], np.minimum(table[1], classes - 1), 1e-3
    # Theirs is C times the sum of the log loss, plus half the squared norm; weights of two
    # classes, one the negative of the other, are half the penalty of their difference.
    scale = (2 if classes == 2 else 1) / (len(y) * l2)
    reference = Reference(C=scale, solver="newton-cholesky", tol=1e-13).fit(X, y)
    pooled = None
    for slaves in cuts(X, y):
        models = path(LogisticRegression(44, classes), slaves, l2)
        assert len(models) <= 12
        (weights,) = models[-1].parameters
        pooled = weights if pooled is None else pooled
        assert np.abs(weights - pooled).max() < 1e-13
        found = weights[:, 1:] - weights[:, :1] if classes == 2 else weights
        np.testing.assert_allclose(found[:-1].T, reference.coef_, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found[-1], reference.intercept_, rtol=0, atol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 1e9])
@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_on_every_cut_least_squares_take_one_step(table, path, l2, offset):
    X, noise = table[0], np.random.default_rng(1).normal(size=3_000)
    label = offset + 1e3 * (X @ np.linspace(-1, 1, 44) + noise)
    mean, scale = label.mean(), label.std()
    reference = Ridge(alpha=l2 * 3_000) if l2 else LinearReference()
    reference.fit(X, label)
    for slaves in cuts(X, (label - mean) / scale):
        models = path(LinearRegression(44), slaves, l2)
        assert len(models) == 3
        for current in models[1:]:
            (weights,) = current.parameters
            coefficients, intercept = weights[:-1, 0] * scale, weights[-1, 0] * scale + mean
            np.testing.assert_allclose(coefficients, reference.coef_, rtol=1e-9, atol=1e-9 * scale)
            np.testing.assert_allclose(intercept, reference.intercept_, rtol=1e-9)


def test_of_least_squares_with_several_solutions_it_is_the_shortest(path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    X, y = np.column_stack((X, X[:, 0], X[:, 1] + X[:, 2])), rng.normal(size=60)
    expected = np.linalg.lstsq(np.column_stack((X, np.ones(60))), y, rcond=None)[0]
    for slaves in cuts(X, y):
        (weights,) = path(LinearRegression(5), slaves, 0.0)[-1].parameters
        np.testing.assert_allclose(weights[:, 0], expected, atol=1e-9)


@pytest.mark.parametrize("l2", [0.0, 1e-4])
def test_what_changes_nothing_does_not_move(path, l2):
    """A shift of all classes alike."""
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(300, 4)), rng.integers(0, 3, 300)
    model, (_, evenly, unevenly, _) = LogisticRegression(4, 3), cuts(X, y)
    for current in path(model, unevenly, l2):
        np.testing.assert_allclose(current.parameters[0].sum(axis=1), 0, atol=1e-9)
    shifted = first(model, [np.vstack((np.zeros((4, 3)), np.full((1, 3), 7.0)))])
    ended = path(model, evenly, l2, shifted)[-1].parameters[0]
    np.testing.assert_allclose(ended.sum(axis=1), [0, 0, 0, 0, 21], atol=1e-9)


@pytest.fixture
def far():
    """Return slaves, and a model so far off that a full step from it leads too far."""
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(200, 2)), rng.integers(0, 3, 200)
    model = LogisticRegression(2, 3)
    return model, list(cuts(X, y))[1], first(model, [rng.normal(0, 4, (3, 3))])


def test_a_step_that_leads_too_far_is_halved(far, path):
    model, slaves, start = far
    after, halved, *_ = path(model, slaves, 0.0, start)[1:]
    assert loss(model, after, slaves, 0.0) > loss(model, start, slaves, 0.0)
    middle = (start.parameters[0] + after.parameters[0]) / 2
    np.testing.assert_array_equal(halved.parameters[0], middle)
    assert halved.state is after.state
    np.testing.assert_array_equal(halved.state["last.weights"], start.parameters[0])


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_steps_are_halved_until_the_loss_falls(far, path, l2):
    model, slaves, start = far
    models = path(model, slaves, l2, start)
    accepted = [start]
    for before, after in itertools.pairwise(models[1:]):
        if after.state is not before.state:
            accepted.append(before)
    losses = [loss(model, current, slaves, l2) for current in accepted]
    assert len(accepted) < len(models) - 1, "none was halved"
    assert all(later <= sooner * (1 + 1e-12) for sooner, later in itertools.pairwise(losses))
    best = path(model, slaves, l2)[-1]
    np.testing.assert_allclose(
        model.predict(models[-1].parameters, slaves[0][0]),
        model.predict(best.parameters, slaves[0][0]),
        atol=1e-7,
    )


def test_a_loss_that_is_larger_by_its_rounding_is_not_larger(far, federation):
    federation.model, federation.slaves, start = far
    federation.settings = replace(federation.settings, l2=0.0)
    here = loss(*far[:1], start, far[1], 0.0)

    def is_halved(last):
        current = Global(start.parameters, {**start.state, "loss": np.array([last])})
        return federation.round(STRATEGY, current, 1).state is current.state

    assert not is_halved(here * (1 - 1e-14))
    assert is_halved(here * (1 - 1e-10))


@pytest.mark.parametrize("rounds", [(range(10), range(9)), (range(9), range(10))])
def test_losses_of_other_rows_are_not_compared(far, federation, rounds):
    """As above, but for a slave that was not counted, in this round or in the one before."""
    federation.model, federation.slaves, start = far
    after = federation.round(STRATEGY, start, 1, rounds[0])
    assert federation.round(STRATEGY, after, 2, rounds[1]).state is not after.state


def test_labels_that_can_be_told_apart_without_a_penalty(federation):
    """The optimum is infinitely far away; the model goes on towards it, and stays finite."""
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    y = np.array([0, 0, 1, 1])
    federation.model, federation.slaves = LogisticRegression(1, 2), [(X, y)]
    federation.settings = replace(federation.settings, l2=0.0)
    current = first(federation.model)
    for number in range(60):
        current = federation.round(STRATEGY, current, number)
    assert np.isfinite(current.parameters[0]).all()
    probabilities = federation.model.predict(current.parameters, X)
    assert probabilities[[0, 1, 2, 3], y].min() > 1 - 1e-6


def test_convergence_is_a_matter_of_the_largest_step_and_of_size():
    def converged(step, w, tolerance):
        before, after = np.array([[0.0, w]]), np.array([[step, w]])
        return Newton(tolerance).converged(Global([before]), Global([after]))

    assert converged(1e-3, 0.5, 1e-3)
    assert not converged(1.1e-3, 0.5, 1e-3)
    assert converged(0.09, 100.0, 1e-3)
    assert not converged(0.11, 100.0, 1e-3)
    assert converged(0.0, 1.0, 0.0)


def test_a_run_that_ends_too_early_says_so():
    here, there = Global([np.zeros(2)]), Global([np.array([0.25, 0.0])])
    assert STRATEGY.warnings(here, here, 20) == ()
    assert STRATEGY.warnings(here, there, 20) == (
        "Newton's method has not converged after 20 rounds: the last one still moved a parameter "
        "by 2.5e-01, and tolerance=1e-09; give it rounds=40, or a larger l2",
    )


def test_a_model_that_is_too_wide(federation):
    model = LogisticRegression(2_000, 5)
    limits = replace(federation.limits, inputs=np.ones(2_000))
    with pytest.raises(UsageError) as caught:
        STRATEGY.quantities(model, first(model), limits)
    assert str(caught.value) == (
        "`strategy` newton: the Hessian of 10,005 parameters (weights 2001 x 5: inputs and an "
        "intercept by classes) would take 801 MB, more than 537: `features=plain`, fewer columns, "
        "or another strategy"
    )


def test_a_tolerance_below_nothing():
    with pytest.raises(UsageError, match="tolerance must be 0 or more"):
        Newton(tolerance=-1e-9)


@pytest.mark.parametrize("curvature", [0.0, -1.0, 1e300])
def test_hessians_that_are_none_move_nothing_far(federation, curvature):
    """What a dishonest slave may send within the bounds."""
    model = federation.model
    total = [np.ones(9), np.full(45, curvature), np.ones(1)]
    after = STRATEGY.move(model, first(model), Returned(total, 9, 4, 4), federation.settings)
    assert np.abs(after.parameters[0]).max() < 1e3


def test_slaves_without_rows(federation):
    with pytest.raises(FedredisError, match="no rows to learn from"):
        STRATEGY.move(
            federation.model,
            first(federation.model),
            Returned([np.zeros(9), np.zeros(45), np.zeros(1)], 0, 2, 2),
            federation.settings,
        )
