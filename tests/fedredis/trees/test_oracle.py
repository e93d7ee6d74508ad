"""The trees are those of scikit-learn's histogram boosting, given the same bins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

ROUNDS = 8


def theirs(table: Any, kind: str, missing: int, **options: Any) -> Any:
    """Fit on codes as if they were numbers: each code becomes a bin of its own."""
    X = np.where(table.codes == missing, np.nan, table.codes.astype(float))
    settings = {
        "max_iter": ROUNDS,
        "max_depth": options["depth"],
        "max_leaf_nodes": options.get("leaves") or None,
        "learning_rate": 0.1,
        "l2_regularization": 1.0,
        "min_samples_leaf": 20,
        "early_stopping": False,
        "categorical_features": [3] if "category_counts" in table.known else None,
    }
    if table.classes:
        model = HistGradientBoostingClassifier(**settings)
    else:
        loss = "poisson" if kind == "poisson" else "squared_error"
        model = HistGradientBoostingRegressor(loss=loss, **settings)
    return X, model.fit(X, table.y, sample_weight=table.weights)


CASES: dict[str, dict[str, Any]] = {
    "plain": {"depth": 4},
    "gaps and categories": {"depth": 4, "gaps": True, "sets": True},
    "best first": {"depth": 6, "leaves": 11, "gaps": True},
    "weights": {"depth": 4, "gaps": True, "weighed": True},
}
KINDS = ("log", "softmax", "squared", "poisson")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_same_trees(make_table, grow, kind, case):
    options = dict(CASES[case])
    rows = {name: options.pop(name, False) for name in ("gaps", "sets", "weighed")}
    # So many rows that no two categories of a node have the same mean: there the order is free.
    table = make_table(kind, n=4000, **rows)
    loss = "poisson" if kind == "poisson" else "auto"
    forest, ensemble = grow(table, ROUNDS, loss=loss, **options)
    X, reference = theirs(table, kind, int(forest.last[0]), **options)
    for number, of_round in enumerate(reference._predictors):
        leaves = (ensemble.round(number).left == 0).sum()
        assert leaves == sum(predictor.get_n_leaf_nodes() for predictor in of_round)
    raw = ensemble.raw(np.ascontiguousarray(table.codes.T), forest.last)
    expected = np.atleast_2d(reference._raw_predict(X).T)
    for scores in (raw, expected):
        # Of several classes only differences count.
        scores -= scores.mean(axis=0) if len(scores) > 1 else 0
    # Every row is in the same leaf of each tree.
    assert raw == pytest.approx(expected, abs=1e-5)
    assert np.isnan(X).any() == rows["gaps"]
