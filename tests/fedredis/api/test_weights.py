"""Runs that weigh rows, as programs start them: what leaves slaves comes to the pooled fit."""

import numpy as np
import pandas as pd
import pytest

import fedredis
from fedredis.errors import UsageError


@pytest.fixture
def visits(folder):
    """A file with a rare class, and weights."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(300, 2)), columns=["dose", "age"])
    ill = frame["dose"] + rng.normal(size=300) > 1.5
    frame = frame.assign(w=rng.exponential(3, 300).round(2), outcome=np.where(ill, "ill", "well"))
    frame.to_csv(folder / "visits.csv", index=False)
    return folder / "visits.csv"


def test_a_weighted_run_is_the_pooled_fit(visits, server):
    how = {"label": "outcome", "strategy": "newton", "features": "plain", "workers": 1}
    found = {}
    for slaves, weights, class_weight in [
        (3, "w", "balanced"),
        (7, "w", "balanced"),
        (3, "w", "none"),
    ]:
        given = {"slaves": slaves, "weights": weights, "class_weight": class_weight}
        outcome = fedredis.run(visits, **how, **given, redis_url=server.url)
        test = fedredis.baseline(outcome.run, redis_url=server.url)
        assert test.federated["log_loss"] == pytest.approx(test.pooled["log_loss"], abs=1e-9)
        found[slaves, class_weight] = outcome
    balanced, plain = found[3, "balanced"], found[3, "none"]
    assert plain.accuracy > balanced.accuracy
    # Of the few that are ill, more are found.
    assert balanced.confusion[0][0] > plain.confusion[0][0]
    config = fedredis.show(balanced.run, redis_url=server.url).state.config
    assert (config.reading.weights, config.class_weight) == ("w", "balanced")
    assert [column.name for column in config.columns] == ["dose", "age"]


def test_numbers_are_not_balanced(visits, server):
    with pytest.raises(UsageError, match="`class_weight` balanced is for classes, and labels are"):
        fedredis.run(visits, label="age", columns=["dose"], class_weight="balanced", workers=1)
