"""Newton's method ends where pooled rows would: beside scikit-learn, however rows are dealt."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression as LinearReference
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.linear_model import Ridge

from fedredis import features
from fedredis.data.source import load
from fedredis.data.synthetic import generate
from fedredis.errors import FedredisError, UsageError
from fedredis.metrics import measure
from fedredis.models import LinearRegression, LogisticRegression, TrainingSettings
from fedredis.strategies import Global, Returned
from fedredis.strategies.local import LocalSlave, LocalWork
from fedredis.strategies.newton import Newton

STRATEGY = Newton()


def settings(l2):
    """Only the penalty plays a part."""
    return TrainingSettings(local_epochs=1, batch_size=8, learning_rate=0.5, l2=l2)


def returned(model, current, slaves, total=None):
    """Return what comes back from slaves with rows (X, y), out of `total` of them."""
    of_slaves = [LocalSlave(X, y, np.random.default_rng(0)) for X, y in slaves]
    work = LocalWork(model, current, settings(0.0), measure(model.classes), of_slaves)
    updates = STRATEGY.local(work)
    for update in updates:
        STRATEGY.schema(model).encode(update)  # raises if they do not fit
    sums = [sum(arrays[1:], arrays[0]) for arrays in zip(*updates, strict=True)]
    rows = sum(len(y) for _, y in slaves)
    return Returned(sums, rows, len(slaves), total or len(slaves))


def first(model, parameters=None):
    return Global(parameters or model.schema().zeros(), STRATEGY.initial(model))


def path(model, slaves, l2, start=None):
    """Return the global models of all rounds, until the strategy has converged."""
    models = [start or first(model)]
    while len(models) < 2 or not STRATEGY.converged(*models[-2:]):
        assert len(models) < 100
        back = returned(model, models[-1], slaves)
        models.append(STRATEGY.move(model, models[-1], back, settings(l2)))
    return models


def loss(model, current, slaves, l2):
    """Mean loss of all rows, and the penalty."""
    parts = [model.derivatives(current.parameters, X, y) for X, y in slaves]
    (w,), (mask,) = current.parameters, model.penalised()
    mean = sum(part.loss for part in parts) / sum(part.rows for part in parts)
    return mean + l2 / 2 * float((mask * w**2).sum())


def evenly(X, y):
    """Deal rows at random to ten slaves, as many to each."""
    order = np.random.default_rng(0).permutation(len(y))
    return [(X[part], y[part]) for part in np.array_split(order, 10)]


def unevenly(X, y):
    """Deal rows in the order of their labels, to each slave twice as many as to the one before."""
    order = np.argsort(y, kind="stable")
    ends = np.cumsum(len(y) * 2.0 ** np.arange(10) / 1023).astype(int)[:-1]
    return [(X[part], y[part]) for part in np.split(order, ends)]


def inputs(table, kind):
    """Map a table's rows to inputs, with all of them known to the map."""
    mapping, known = features.make(kind, table.columns, "error"), {}
    while (name := mapping.next_pass(known)) is not None:
        known = mapping.learn(name, known, mapping.sums(name, known, table.X))
    return mapping.transform(known, table.X)


@pytest.fixture(scope="module")
def generated():
    return generate(4_000)


@pytest.fixture(params=["generated", "songs"])
def table(request):
    """Return songs, generated ones and, where they are, real ones."""
    found = request.getfixturevalue(request.param)
    return found if request.param == "generated" else load(found)


every_split = pytest.mark.parametrize("split", [evenly, unevenly])
every_map = pytest.mark.parametrize("kind", ["plain", "quadratic"])


@every_map
@every_split
def test_songs_end_at_the_solution_of_scikit_learn(table, kind, split) -> None:
    X, y, l2 = inputs(table, kind), table.y, 1e-4
    slaves = split(X, y)
    assert len(slaves) == 10
    models = path(LogisticRegression(X.shape[1], 3), slaves, l2)
    assert len(models) - 1 <= 10
    (weights,) = models[-1].parameters
    # Theirs is C times the sum of the log loss, plus half the squared norm.
    reference = Reference(C=1 / (len(y) * l2), solver="newton-cholesky", tol=1e-10).fit(X, y)
    assert np.abs(weights[:-1].T - reference.coef_).max() < 1e-6
    assert np.abs(weights[-1] - reference.intercept_).max() < 1e-6


@every_map
def test_two_classes_are_one_difference(table, kind) -> None:
    X, y, l2 = inputs(table, kind), (table.y == 2).astype(int), 1e-4
    models = path(LogisticRegression(X.shape[1], 2), unevenly(X, y), l2)
    assert len(models) - 1 <= 10
    (weights,) = models[-1].parameters
    # Weights of two classes, one the negative of the other: half the penalty of their difference.
    reference = Reference(C=2 / (len(y) * l2), solver="newton-cholesky", tol=1e-10).fit(X, y)
    difference = weights[:, 1] - weights[:, 0]
    assert np.abs(difference[:-1] - reference.coef_[0]).max() < 1e-6
    assert abs(difference[-1] - reference.intercept_[0]) < 1e-6
    predicted = LogisticRegression(X.shape[1], 2).predict([weights], X)
    np.testing.assert_allclose(predicted, reference.predict_proba(X), atol=1e-6)


@every_map
@every_split
@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_least_squares_take_one_step(table, kind, split, l2) -> None:
    # One of the inputs, made of the others: the rest of them is what is left to learn from.
    whole = inputs(table, kind)
    X, y = whole[:, 1:11], 3 + 5 * whole[:, 0]
    models = path(LinearRegression(X.shape[1]), split(X, y), l2)
    assert len(models) == 3
    reference = Ridge(alpha=l2 * len(y)) if l2 else LinearReference()
    reference.fit(X, y)
    for current in models[1:]:
        (weights,) = current.parameters
        np.testing.assert_allclose(weights[:-1, 0], reference.coef_, rtol=0, atol=1e-9)
        assert abs(weights[-1, 0] - reference.intercept_) < 1e-9


def test_of_least_squares_with_several_solutions_it_is_the_shortest() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    X, y = np.column_stack((X, X[:, 0], X[:, 1] + X[:, 2])), rng.normal(size=60)
    (weights,) = path(LinearRegression(5), evenly(X, y), 0.0)[-1].parameters
    expected = np.linalg.lstsq(np.column_stack((X, np.ones(60))), y, rcond=None)[0]
    np.testing.assert_allclose(weights[:, 0], expected, atol=1e-9)


@pytest.mark.parametrize("l2", [0.0, 1e-4])
def test_what_changes_nothing_does_not_move(l2) -> None:
    """A shift of all classes alike."""
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(300, 4)), rng.integers(0, 3, 300)
    model = LogisticRegression(4, 3)
    for current in path(model, unevenly(X, y), l2):
        np.testing.assert_allclose(current.parameters[0].sum(axis=1), 0, atol=1e-9)
    shifted = first(model, [np.vstack((np.zeros((4, 3)), np.full((1, 3), 7.0)))])
    ended = path(model, evenly(X, y), l2, shifted)[-1].parameters[0]
    np.testing.assert_allclose(ended.sum(axis=1), [0, 0, 0, 0, 21], atol=1e-9)


def test_a_step_is_that_of_the_pooled_rows() -> None:
    rng = np.random.default_rng(5)
    X, y, l2 = rng.normal(size=(200, 2)), rng.integers(0, 2, 200), 0.1
    model, start = LogisticRegression(2, 2), [rng.normal(size=(3, 2))]
    slaves = unevenly(X, y)[3:8]
    back = returned(model, first(model, start), slaves)
    stepped = STRATEGY.move(model, first(model, start), back, settings(l2)).parameters[0]
    rows = [np.concatenate(parts) for parts in zip(*slaves, strict=True)]
    d = model.derivatives(start, *rows)
    mask = np.array([1, 1, 1, 1, 0, 0])
    hessian = d.hessian / d.rows + l2 * np.diag(mask)
    gradient = d.gradient / d.rows + l2 * mask * start[0].ravel()
    step = np.linalg.pinv(hessian, rcond=1e-9) @ gradient
    np.testing.assert_allclose(stepped.ravel(), start[0].ravel() - step, atol=1e-12)


@pytest.fixture
def far():
    """Return slaves, and a model so far off that a full step from it leads too far."""
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(200, 2)), rng.integers(0, 3, 200)
    model = LogisticRegression(2, 3)
    return model, evenly(X, y), first(model, [rng.normal(0, 4, (3, 3))])


def test_a_step_that_leads_too_far_is_halved(far) -> None:
    model, slaves, start = far
    after, halved, *_ = path(model, slaves, 0.0, start)[1:]
    assert loss(model, after, slaves, 0.0) > loss(model, start, slaves, 0.0)
    middle = (start.parameters[0] + after.parameters[0]) / 2
    np.testing.assert_array_equal(halved.parameters[0], middle)
    assert halved.state is after.state
    np.testing.assert_array_equal(halved.state["last.weights"], start.parameters[0])


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_steps_are_halved_until_the_loss_falls(far, l2) -> None:
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


def test_a_loss_that_is_larger_by_its_rounding_is_not_larger(far) -> None:
    model, slaves, start = far
    back, here = returned(model, start, slaves), loss(model, start, slaves, 0.0)

    def is_halved(last):
        state = {**start.state, "loss": np.array([last])}
        current = Global(start.parameters, state)
        return STRATEGY.move(model, current, back, settings(0.0)).state is state

    assert not is_halved(here * (1 - 1e-14))
    assert is_halved(here * (1 - 1e-10))


def test_losses_of_other_rows_are_not_compared(far) -> None:
    model, slaves, start = far
    after = STRATEGY.move(model, start, returned(model, start, slaves), settings(0.0))
    # As above, but for a slave that was not counted, in this round or in the one before.
    back = returned(model, after, slaves[:9], total=10)
    assert STRATEGY.move(model, after, back, settings(0.0)).state is not after.state
    after = STRATEGY.move(
        model, start, returned(model, start, slaves[:9], total=10), settings(0.0)
    )
    back = returned(model, after, slaves)
    assert STRATEGY.move(model, after, back, settings(0.0)).state is not after.state


def test_labels_that_can_be_told_apart_without_a_penalty() -> None:
    """The optimum is infinitely far away; the model goes on towards it, and stays finite."""
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    y, model = np.array([0, 0, 1, 1]), LogisticRegression(1, 2)
    current = first(model)
    for _ in range(60):
        current = STRATEGY.move(model, current, returned(model, current, [(X, y)]), settings(0.0))
    assert np.isfinite(current.parameters[0]).all()
    assert model.predict(current.parameters, X)[[0, 1, 2, 3], y].min() > 1 - 1e-6


def test_convergence_is_a_matter_of_the_largest_step_and_of_size() -> None:
    def converged(step, w, tolerance):
        before, after = np.array([[0.0, w]]), np.array([[step, w]])
        return Newton(tolerance).converged(Global([before]), Global([after]))

    assert converged(1e-3, 0.5, 1e-3)
    assert not converged(1.1e-3, 0.5, 1e-3)
    assert converged(0.09, 100.0, 1e-3)
    assert not converged(0.11, 100.0, 1e-3)
    assert converged(0.0, 1.0, 0.0)


def test_a_model_that_is_too_wide() -> None:
    assert STRATEGY.schema(LogisticRegression(77, 3)).nbytes == 8 * (234 + 234**2 + 1)
    with pytest.raises(UsageError) as caught:
        STRATEGY.schema(LogisticRegression(2_000, 5))
    assert str(caught.value) == (
        "--strategy newton: the Hessian of 10,005 parameters (weights 2001 x 5: inputs and an "
        "intercept by classes) would take 801 MB, more than 537: use --features plain, fewer "
        "columns, or another strategy"
    )


def test_a_tolerance_below_nothing() -> None:
    with pytest.raises(UsageError, match="tolerance must be 0 or more"):
        Newton(tolerance=-1e-9)


def test_slaves_without_rows() -> None:
    model = LogisticRegression(1, 2)
    nothing = Returned(STRATEGY.schema(model).zeros(), 0, 2, 2)
    with pytest.raises(FedredisError, match="no rows to learn from"):
        STRATEGY.move(model, first(model), nothing, settings(0.0))


def test_a_run_ends_once_it_has_converged(make_training) -> None:
    training = make_training(slaves=6, rounds=40, strategy="newton", l2=0.01)
    training.drive()
    state, history = training.state, training.history
    assert state.status == "finished"
    assert state.converged
    assert state.round < 12
    assert f"evaluate:{state.round}" in history
    assert f"train:{state.round + 1}" not in history
