"""Fits end where scikit-learn does, with the preprocessing of their own rows."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.linear_model import Ridge

from fedredis.api.study.fitting import fit
from fedredis.data.partition import Partition
from fedredis.data.reading import Reading
from fedredis.errors import UsageError
from fedredis.exchanges import Setup
from fedredis.exchanges.here import drive
from fedredis.features.protocol import Column

#: Cells may be missing.
GAPS = Reading(missing="mean")


def dealt(seed, sizes, classes=3):
    """Make each slave's rows: two columns, a label that leans on them, four rows held out."""
    rng = np.random.default_rng(seed)
    parts = {}
    for slave, n in enumerate(sizes):
        X = rng.normal([10, 15], [3, 4], (n + 4, 2))
        y = X @ [1.0, -0.5] + rng.normal(0, 2, n + 4)
        if classes:
            y = np.digitize(y, [1.0, 4.0])
        parts[str(slave)] = Partition(X[:n], y[:n], X[n:], y[n:])
    return parts


@pytest.mark.parametrize("features", ["plain", "quadratic"])
def test_it_is_what_scikit_learn_fits_on_all_rows(make_config, features):
    config, parts = make_config(features=features, l2=0.01), dealt(1, (70, 20, 110))
    fitted = fit(config, parts, rounds=3, name="pooled")
    X = np.concatenate([part.train_X for part in parts.values()])
    y = np.concatenate([part.train_y for part in parts.values()])
    inputs = fitted.setup.features.transform(fitted.known, X)
    reference = Reference(C=1 / (0.01 * len(y)), tol=1e-10, max_iter=10_000).fit(inputs, y)
    assert fitted.solver == "newton"
    np.testing.assert_allclose(fitted.parameters[0][:-1].T, reference.coef_, atol=1e-5)
    np.testing.assert_allclose(fitted.predict(X), reference.predict_proba(inputs), atol=1e-5)


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("class_weight", ["none", "balanced"])
def test_rows_weigh_what_they_weigh_in_scikit_learn(make_config, class_weight, column):
    config = make_config(features="plain", l2=0.01, class_weight=class_weight)
    config = replace(config, reading=Reading(weights="w" if column else None))
    parts, rng = dealt(4, (70, 20, 110)), np.random.default_rng(4)
    if column:
        weighed = ((s, rng.exponential(3, len(p.train_y))) for s, p in parts.items())
        parts = {s: replace(parts[s], train_w=w) for s, w in weighed}
    fitted = fit(config, parts, rounds=3, name="pooled")
    X = np.concatenate([part.train_X for part in parts.values()])
    y = np.concatenate([part.train_y for part in parts.values()])
    w = np.concatenate([p.train_w if column else np.ones(len(p.train_y)) for p in parts.values()])
    if class_weight == "balanced":
        w = w / np.bincount(y, w)[y]
    w *= len(y) / w.sum()
    inputs = (X - X.mean(axis=0)) / X.std(axis=0)
    reference = Reference(C=1 / (0.01 * len(y)), tol=1e-10, max_iter=10_000)
    reference.fit(inputs, y, sample_weight=w)
    np.testing.assert_allclose(fitted.parameters[0][:-1].T, reference.coef_, atol=1e-5)


def test_it_is_what_scikit_learn_fits_to_numbers(make_config):
    config = make_config(model="linear", classes=(), l2=0.01)
    parts = dealt(2, (70, 20), classes=0)
    fitted = fit(config, parts, rounds=3, name="pooled")
    X = np.concatenate([part.train_X for part in parts.values()])
    y = np.concatenate([part.train_y for part in parts.values()])
    inputs = (X - X.mean(axis=0)) / X.std(axis=0)
    reference = Ridge(alpha=0.01 * len(y)).fit(inputs, y)
    np.testing.assert_allclose(fitted.predict(X)[:, 0], reference.predict(inputs), rtol=1e-9)


def test_how_rows_are_dealt_makes_no_difference(make_config):
    config = make_config(features="quadratic")
    part = dealt(3, (120,))["0"]
    halves = [
        replace(part, train_X=part.train_X[rows], train_y=part.train_y[rows])
        for rows in (slice(0, 30), slice(30, None))
    ]
    one, two = (
        fit(config, dict(enumerate(parts)), rounds=3, name="pooled") for parts in ([part], halves)
    )
    np.testing.assert_allclose(one.predict(part.test_X), two.predict(part.test_X), atol=1e-9)


def test_a_slave_scales_by_its_own_statistics(make_config):
    config, parts = make_config(), dealt(4, (40, 50))
    own = fit(config, {"0": parts["0"]}, rounds=3, name="0")
    np.testing.assert_allclose(own.known["mean"], parts["0"].train_X.mean(axis=0))
    np.testing.assert_allclose(own.known["scale"], parts["0"].train_X.std(axis=0))


def test_what_is_learnt_of_all_rows_is_what_a_run_learns(make_config):
    config, parts = make_config(features="quadratic", rounds=1), dealt(4, (40, 50, 20))
    run = drive(Setup(config), parts)
    known = fit(config, parts, rounds=1, name="pooled").known
    for name, array in run.artifacts[run.preprocessing].items():
        np.testing.assert_allclose(known[name], array, rtol=1e-9, atol=1e-12)


def test_the_rows_of_a_masked_run_are_fitted_without_masks(make_config):
    """A slave alone can't mask, and needs not."""
    config, parts = make_config(), dealt(4, (40, 50, 20))
    plain, masked = (
        fit(replace(config, threshold=share), parts, rounds=1, name="pooled")
        for share in (0.0, 0.67)
    )
    assert (masked.sha256, masked.solver) == (plain.sha256, "newton")


def test_a_class_that_a_slave_has_never_seen(make_config):
    """Its intercept has no optimum; the fit ends all the same, and gives it no chance."""
    config, part = make_config(features="quadratic"), dealt(5, (60,))["0"]
    seen = part.train_y != 2
    part = replace(part, train_X=part.train_X[seen], train_y=part.train_y[seen])
    told = fit(config, {"0": part}, rounds=3, name="0").predict(part.test_X)
    assert np.isfinite(told).all()
    assert (told[:, 2] < 1e-6).all()


def test_a_single_row(make_config):
    part = dealt(6, (1,))["0"]
    told = fit(make_config(features="quadratic"), {"0": part}, rounds=3, name="0").predict(
        part.test_X
    )
    assert (told.argmax(axis=1) == part.train_y[0]).all()


def test_without_a_penalty_it_ends_too(make_config):
    """Rows that a line parts let weights grow for ever."""
    X = np.array([[0.0, 0], [1, 1], [2, 0], [8, 1], [9, 0], [10, 1]])
    part = Partition(X, np.array([0, 0, 0, 1, 1, 1]), X, np.array([0, 0, 0, 1, 1, 1]))
    fitted = fit(make_config(l2=0.0), {"0": part}, rounds=3, name="0")
    assert (fitted.predict(X).argmax(axis=1) == part.test_y).all()


MIXED = (Column("age"), Column("dose"), Column("ward", kind="category"))


def test_a_column_without_a_cell_takes_no_part(make_config):
    config = make_config(columns=MIXED, reading=GAPS, model="linear", classes=())
    rng = np.random.default_rng(7)
    X, y = rng.normal(5, 1, (30, 3)), rng.normal(0, 1, 30)
    X[:, 1:] = np.nan
    fitted = fit(config, {"0": Partition(X, y, X, y)}, rounds=3, name="0")
    assert fitted.blank.tolist() == [False, True, True]
    elsewhere = X.copy()
    elsewhere[:, 1] = 1e6
    elsewhere[:, 2] = 4711.0
    assert np.array_equal(fitted.predict(X), fitted.predict(elsewhere))


def test_one_slave_without_a_cell_is_filled_by_the_others(make_config):
    config = make_config(columns=MIXED[:2], reading=GAPS, model="linear", classes=())
    rng = np.random.default_rng(8)
    X, y = rng.normal(5, 1, (30, 2)), rng.normal(0, 1, 30)
    gaps = X.copy()
    gaps[:, 1] = np.nan
    fitted = fit(
        config,
        {"0": Partition(X, y, X, y), "1": Partition(gaps, y, X, y)},
        rounds=3,
        name="x",
    )
    assert not fitted.blank.any()
    np.testing.assert_allclose(fitted.known["fill"], [X[:, 0].mean(), X[:, 1].mean()])


def test_other_models_go_through_the_epochs_of_the_run(make_config):
    config = make_config(model="sklearn-sgd", rounds=4, local_epochs=2)
    parts = dealt(9, (40, 30))
    fitted = fit(config, parts, rounds=3, name="1")
    X = np.concatenate([part.train_X for part in parts.values()])
    inputs = (X - fitted.known["mean"]) / fitted.known["scale"]
    model = Setup(config).model(fitted.known)
    parameters = model.initialise(np.random.default_rng([config.seed, 0]))
    y = np.concatenate([part.train_y for part in parts.values()])
    for number in (1, 2, 3):
        (rng,) = config.local_rngs(number, ["1"])
        parameters = model.train(parameters, inputs, y, config.training(number), rng)
    assert fitted.solver == "sgd"
    for found, expected in zip(fitted.parameters, parameters, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_too_many_parameters_for_a_hessian(make_config, monkeypatch):
    monkeypatch.setattr("fedredis.strategies.newton.MOST_BYTES", 100)
    fitted = fit(make_config(), dealt(10, (40,)), rounds=3, name="0")
    assert fitted.solver == "sgd"


def test_a_model_of_ones_own_must_be_allowed(make_config):
    config = make_config(model="nosuch:Model")
    with pytest.raises(UsageError, match="is not allowed here"):
        fit(config, dealt(11, (40,)), rounds=3, name="0")
