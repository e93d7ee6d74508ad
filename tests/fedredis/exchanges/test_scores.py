"""The scores of each kind of classifier, beside scikit-learn on all slaves' held-out rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fedredis.exchanges.here import drive
from fedredis.exchanges.scores import COUNTS, Scoring
from fedredis.exchanges.stacks import Stack
from fedredis.metrics.scores import EDGES, area
from tests.fedredis.exchanges.conftest import rows_of, setup_of

MODELS: dict[str, dict[str, Any]] = {
    "logistic": {},
    "newton": {"strategy": "newton", "features": "quadratic", "patience": 1, "rounds": 9},
    "sklearn-sgd": {"model": "sklearn-sgd"},
    "torch-mlp": {"model": "torch-mlp"},
    "trees": {
        "model": "trees",
        "strategy": "boosting",
        "features": "bins",
        "rounds": 5,
        "patience": 1,
        "options": {"depth": "2", "min-rows": "5"},
    },
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", MODELS)
def test_they_are_those_of_all_held_out_rows(model, classes):
    if model == "torch-mlp":
        pytest.importorskip("torch")
    rows = rows_of(4, held_out=40)
    if classes == 2:
        for one in rows.values():
            np.minimum(one.train_y, 1, out=one.train_y)
            np.minimum(one.test_y, 1, out=one.test_y)
    setup = setup_of(rows, **{"classes": ("cat", "dog", "eel")[:classes], **MODELS[model]})
    seen = []
    progress = drive(setup, rows, together=3, seen=lambda exchange, step: seen.append(exchange))
    scoring, chosen = seen[-1], progress.best if setup.config.patience else progress.round
    assert isinstance(scoring, Scoring)
    assert str(scoring.name) == f"scores:{chosen}"
    assert sum(isinstance(exchange, Scoring) for exchange in seen) == 1
    prepared = [setup.prepare(scoring.known, one) for one in rows.values()]
    stacks = [Stack("test", (slave,), (one,)) for slave, one in zip(rows, prepared, strict=True)]
    predicted = np.concatenate([scoring._predict(stack)[0] for stack in stacks])
    y = np.concatenate([one.test_y for one in rows.values()])
    found = progress.artifacts[f"scores:{chosen}"][COUNTS]
    for place, table in zip(scoring.scores.told, found, strict=True):
        ours, within = area(table)
        assert ours is not None
        assert abs(ours - roc_auc_score(y == place, predicted[:, place])) <= within + 1e-12
        # And exactly, of the intervals that scores lie in.
        lower = EDGES[np.searchsorted(EDGES, predicted[:, place], side="right") - 1]
        assert ours == pytest.approx(roc_auc_score(y == place, lower), rel=1e-12)
