"""Rows that weigh something grow the trees that scikit-learn grows of them, on the same bins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from fedredis.config import BALANCED
from fedredis.data.reading import Reading
from fedredis.exchanges import Setup
from fedredis.exchanges.here import drive
from fedredis.exchanges.setup import Prepared
from fedredis.features import Column
from fedredis.trees.ensemble import Ensemble

if TYPE_CHECKING:
    from collections.abc import Callable

#: Loss, classes, and whether classes are balanced and rows have weights of their own.
CASES = [
    *(("log", 2, *weighed) for weighed in ((False, True), (True, False), (True, True))),
    *(("log", 3, *weighed) for weighed in ((False, True), (True, False), (True, True))),
    ("squared", 0, False, True),
    ("poisson", 0, False, True),
]
ROUNDS, N = 8, 3000
OPTIONS = {"depth": "4", "shrinkage": "0.1", "l2": "1", "columns": "1", "rows": "1"}


def rows_of(loss: str, classes: int, *, column: bool) -> Prepared:
    """Make rows with gaps, whose weights go with their labels."""
    rng = np.random.default_rng(3)
    X = np.round(rng.normal(size=(N, 3)), 1)
    score = 5 + X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * rng.normal(size=N)
    X[rng.random(X.shape) < 0.05] = np.nan
    y = np.digitize(score, [6, 7][: classes - 1]) if classes else score
    if loss == "poisson":
        y = rng.poisson(np.exp(score / 4)).astype(float)
    weights = np.round(np.exp(score / 4 + 0.3 * rng.normal(size=N)), 3)
    return Prepared(X, y, X[:0], y[:0], weights if column else None)


def dealt(rows: Prepared, slaves: int) -> dict[str, Prepared]:
    parts = np.array_split(np.arange(N), slaves)
    return {
        str(i): Prepared(
            rows.train_X[at],
            rows.train_y[at],
            rows.test_X,
            rows.test_y,
            None if rows.train_w is None else rows.train_w[at],
        )
        for i, at in enumerate(parts)
    }


def setup_of(
    make_setup: Callable[..., Setup],
    slaves: dict[str, Prepared],
    loss: str,
    classes: int,
    *,
    balanced: bool,
    column: bool,
) -> Setup:
    return make_setup(
        slaves,
        columns=tuple(Column(name) for name in "abc"),
        classes=tuple("abc"[:classes]),
        reading=Reading(missing="mean", weights="w" if column else ""),
        class_weight=BALANCED if balanced else "none",
        rounds=ROUNDS,
        model="trees",
        strategy="boosting",
        features="bins",
        options=OPTIONS | {"loss": loss},
    )


@pytest.mark.parametrize(("loss", "classes", "balanced", "column"), CASES)
def test_the_trees_are_those_of_scikit_learn(make_setup, loss, classes, balanced, column):
    rows = rows_of(loss, classes, column=column)
    models = []
    for slaves in (dealt(rows, 1), dealt(rows, 7)):
        setup = setup_of(make_setup, slaves, loss, classes, balanced=balanced, column=column)
        setup.check()
        progress = drive(setup, slaves)
        models.append(Ensemble.of(progress.artifacts[progress.model]))
    pooled, federated = models
    for name, array in pooled.named().items():
        assert array.tobytes() == federated.named()[name].tobytes()
    known = progress.artifacts[progress.preprocessing]
    forest = setup.forest(known)
    codes = setup.features.transform(known, rows.train_X)
    X = np.where(codes == forest.last, np.nan, codes.astype(float))
    each = np.ones(N) if rows.train_w is None else rows.train_w
    if balanced:
        # Each class as much as any other, by what its rows weigh.
        each = each / np.bincount(rows.train_y, each)[rows.train_y]
    # What L2 and the least Hessian are beside, goes with the weights: 1 on average.
    each = each * N / each.sum()
    settings = {
        "max_iter": ROUNDS,
        "max_depth": 4,
        "max_leaf_nodes": None,
        "l2_regularization": 1.0,
        "early_stopping": False,
    }
    if classes:
        model = HistGradientBoostingClassifier(**settings)
    else:
        name = "poisson" if loss == "poisson" else "squared_error"
        model = HistGradientBoostingRegressor(loss=name, **settings)
    y = rows.train_y
    if loss == "squared":
        y = (y - known["label_mean"]) / known["label_scale"]
    model.fit(X, y, sample_weight=each)
    start = np.atleast_1d(np.ravel(model._baseline_prediction))
    assert pooled.start - pooled.start.mean() * (classes > 2) == pytest.approx(start, abs=1e-9)
    for number, of_round in enumerate(model._predictors):
        leaves = int((pooled.round(number).left == 0).sum())
        assert leaves == sum(predictor.get_n_leaf_nodes() for predictor in of_round)
    raw = pooled.raw(np.ascontiguousarray(codes.T), forest.last)
    expected = np.atleast_2d(model._raw_predict(X).T)
    for scores in (raw, expected):
        # Of several classes only differences count.
        scores -= scores.mean(axis=0) if classes > 2 else 0
    assert raw == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("loss", ["squared", "poisson"])
def test_the_mean_by_weight_has_the_same_bits_under_masks(make_setup, make_owner, loss):
    slaves = dealt(rows_of(loss, 0, column=True), 5)
    setup = setup_of(make_setup, slaves, loss, 0, balanced=False, column=True)
    setup = Setup(replace(setup.config, rounds=2))
    hidden = Setup(replace(setup.config, threshold=0.67), run="r1")
    plain, masked = drive(setup, slaves), drive(hidden, slaves, keys=make_owner(hidden))
    expected, found = (of.artifacts[of.model] for of in (plain, masked))
    assert expected["start"][0] != 0
    for name, array in expected.items():
        assert array.tobytes() == found[name].tobytes()
