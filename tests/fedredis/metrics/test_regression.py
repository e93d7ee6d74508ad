from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference

from fedredis.metrics import Regression, measure

MEASURE = Regression()


def test_figures_are_those_of_scikit_learn_however_the_rows_are_cut() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(5, 2, 300)
    predicted = y + rng.normal(0, 1, 300)
    total = MEASURE.schema().zeros()
    for a, b in ((0, 50), (50, 50), (50, 300)):
        sums = MEASURE.sums(predicted[a:b, np.newaxis], y[a:b])
        MEASURE.schema().encode(sums)  # raises if they do not fit
        total = [one + other for one, other in zip(total, sums, strict=True)]
    figures = MEASURE.figures(total)
    assert figures["rows"] == 300
    assert figures["r2"] == pytest.approx(reference.r2_score(y, predicted))
    assert figures["mse"] == pytest.approx(reference.mean_squared_error(y, predicted))
    assert figures["rmse"] == pytest.approx(reference.root_mean_squared_error(y, predicted))
    assert figures["mae"] == pytest.approx(reference.mean_absolute_error(y, predicted))
    assert MEASURE.score(total, 300) == figures[MEASURE.primary]
    assert MEASURE.mean_loss(total, 300) == figures[MEASURE.loss]


def test_no_rows_and_values_that_do_not_vary() -> None:
    nothing = MEASURE.figures(MEASURE.schema().zeros())
    assert nothing == {"rows": 0, "r2": 0.0, "mse": 0.0, "rmse": 0.0, "mae": 0.0}
    alike = MEASURE.figures(MEASURE.sums(np.array([1.0, 3.0]), np.array([2.0, 2.0])))
    assert (alike["r2"], alike["mse"]) == (0.0, 1.0)


def test_labels_that_are_numbers_are_measured_by_regression() -> None:
    assert measure(0) == MEASURE
    assert measure(3).primary == "accuracy"
