import numpy as np
import pytest
import sklearn.metrics as reference

from fedredis.arrays import Scope, Sum
from fedredis.arrays.figures import figures
from fedredis.errors import BoundError
from fedredis.metrics import Regression, measure

MEASURE = Regression()


def measured(y, predicted, mean, scale, cuts=()):
    """Sum up tests of slaves as they travel; return the figures."""
    known = {"label_mean": np.array(mean), "label_scale": np.array(scale)}
    z, p = (y - mean) / scale, (predicted - mean) / scale
    rule = Sum(MEASURE.quantities(), Scope(len(cuts) + 1, max(1, len(y))))
    total = rule.schema.zeros()
    for of_z, of_p in zip(np.split(z, cuts), np.split(p, cuts), strict=True):
        sums = MEASURE.sums(of_p[np.newaxis, :, np.newaxis], of_z[np.newaxis])
        samples = np.array([len(of_z)])
        encoded = rule.encode(sums, samples)
        assert rule.reasons(np.array([1]), samples, encoded) == [None]
        total = [one + other[0] for one, other in zip(total, encoded, strict=True)]
    return MEASURE.summary(rule.decode(total), known)


@pytest.mark.parametrize("offset", [0, 1e8, 1.7e9, 1e11])
def test_figures_are_those_of_scikit_learn_however_the_rows_are_cut(offset):
    rng = np.random.default_rng(0)
    y = offset + rng.normal(5, 2, 300)
    predicted = y + rng.normal(0, 1, 300)
    found = measured(y, predicted, offset + 4.5, 2.5, (50, 50))
    assert found == {
        "rows": 300,
        "r2": pytest.approx(reference.r2_score(y, predicted), rel=1e-9),
        "mse": pytest.approx(reference.mean_squared_error(y, predicted), rel=1e-9),
        "rmse": pytest.approx(reference.root_mean_squared_error(y, predicted), rel=1e-9),
        "mae": pytest.approx(reference.mean_absolute_error(y, predicted), rel=1e-9),
    }


def test_no_rows_and_values_that_do_not_vary():
    nothing = measured(np.empty(0), np.empty(0), 0.0, 1.0)
    assert nothing.pop("rows") == 0
    assert set(nothing.values()) == {None}
    alike = measured(np.array([2.1, 2.1]), np.array([1.1, 3.1]), 0.3, 1.0)
    assert (alike["r2"], alike["mse"]) == (0.0, pytest.approx(1.0))


def test_a_tiny_error_and_a_model_that_is_lost():
    y = np.random.default_rng(0).normal(size=50)
    assert measured(y, y + 1e-6, 0, 1)["rmse"] == pytest.approx(1e-6, rel=1e-4)
    assert measured(y, y + 1e8, 0, 1)["rmse"] == pytest.approx(1e8)
    with pytest.raises(BoundError, match="array 'moments' comes to"):
        measured(y, y + 1e15, 0, 1)


def test_a_square_that_is_no_float_is_no_figure():
    found = measured(np.array([0, 1e153]), np.array([0, 1e162]), 0, 1e153)
    assert (found["mse"], found["rmse"]) == (None, pytest.approx(1e162 / 2**0.5))


@pytest.mark.parametrize("k", [1, 3, 17])
@pytest.mark.parametrize("n", [0, 1, 7, 129])
def test_facts_of_a_stack_have_the_bits_of_each_alone(k, n):
    rng = np.random.default_rng([k, n])
    y, p = rng.normal(size=(k, n)), rng.normal(size=(k, n, 1))
    known = {"label_scale": np.array(3.0)}
    together = MEASURE.sums(p, y)
    facts = MEASURE.facts(together, np.full(k, n), known)
    for i in range(k):
        alone = MEASURE.sums(p[i : i + 1], y[i : i + 1])
        assert [a[i].tobytes() for a in together] == [a[0].tobytes() for a in alone]
        found = MEASURE.summary([a[0] for a in alone], known)
        told, its = [facts["r2"][i], facts["mse"][i]], figures([found["r2"], found["mse"]])
        assert np.array_equal(told, its, equal_nan=True)


def test_whatever_is_in_the_sums_ends_in_figures():
    rng = np.random.default_rng(0)
    rule, known = Sum(MEASURE.quantities(), Scope(1, 9)), {"label_scale": np.array(1e150)}
    for _ in range(200):
        shape = rule.schema.fields[1].shape
        total = [np.array([9]), rng.choice([0, 1, -1, 2**61, -(2**61)], shape)]
        assert MEASURE.summary(rule.decode(total), known)["rows"] == 9


def test_labels_that_are_numbers_are_measured_by_regression():
    assert measure(0) == MEASURE
    assert measure(3).primary == "accuracy"
