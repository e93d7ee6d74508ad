"""Training with weights: what a model, a strategy and a whole run make of them."""

from dataclasses import replace

import numpy as np
import pytest

from fedredis.data.reading import Reading
from fedredis.errors import UsageError
from fedredis.exchanges.here import drive
from fedredis.models import make
from fedredis.models.protocol import TrainingSettings

SETTINGS = TrainingSettings(local_epochs=1, batch_size=64, learning_rate=0.3, l2=0.1)
RNG = np.random.default_rng(5)
X, LABELS, NUMBERS = RNG.normal(size=(20, 3)), RNG.integers(0, 3, 20), RNG.normal(size=20)


def trained(model, X, y, weights=None, settings=SETTINGS):
    """Take a step from the same point."""
    first = model.initialise(np.random.default_rng(0))
    return model.train(first, X, y, settings, np.random.default_rng(1), weights=weights)


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        *(("logistic", 3), ("linear", 0), ("torch-mlp", 0)),
        *(("torch-mlp", 3), ("sklearn-sgd", 0), ("sklearn-sgd", 3)),
    ],
)
def test_a_weight_is_how_often_a_row_counts(name, classes):
    if name == "torch-mlp":
        pytest.importorskip("torch")
    model, y = make(name, 3, classes), LABELS if classes else NUMBERS
    ones = trained(model, X, y, np.ones(20))
    for array, other in zip(ones, trained(model, X, y), strict=True):
        np.testing.assert_allclose(array, other, atol=1e-12)
    if name == "sklearn-sgd":  # a step after each row: one of no weight makes none
        still = trained(model, X, y, np.zeros(20), replace(SETTINGS, l2=0.0))
        assert not any(array.any() for array in still)
        return
    weights = np.repeat([2.0, 0.0], 10)
    twice = trained(model, np.tile(X[:10], (2, 1)), np.tile(y[:10], 2))
    for array, other in zip(trained(model, X, y, weights), twice, strict=True):
        np.testing.assert_allclose(array, other, atol=1e-12)


@pytest.mark.parametrize("strategy", ["newton", "fedavg", "scaffold", "qfedavg", "krum"])
def test_strategies_train_by_weights(strategy, make_rows, make_setup):
    rows = make_rows(6)
    alike = {s: replace(r, train_w=np.full(len(r.train_y), 7.0)) for s, r in rows.items()}
    rng = np.random.default_rng(3)
    unlike = {s: replace(r, train_w=rng.exponential(1, len(r.train_y))) for s, r in rows.items()}
    found = []
    for data, weights in ((rows, None), (alike, "w"), (unlike, "w")):
        setup = make_setup(data, strategy=strategy, reading=Reading(weights=weights), rounds=4)
        setup.check()
        found.append(drive(setup, data).artifacts["model:4"]["weights"])
    plain, same, other = found
    np.testing.assert_allclose(same, plain, atol=1e-9)
    assert np.abs(other - plain).max() > 1e-3


def test_a_balanced_run_finds_what_is_rare(make_rows, make_setup):
    rows = {
        s: replace(r, train_y=(r.train_y == 0).astype(int), test_y=(r.test_y == 0).astype(int))
        for s, r in make_rows(8).items()
    }
    y = np.concatenate([r.train_y for r in rows.values()])
    halves = []
    for class_weight in ("none", "balanced"):
        setup = make_setup(rows, strategy="newton", rounds=9, classes=("no", "yes"))
        setup = replace(setup, config=replace(setup.config, class_weight=class_weight))
        end = drive(setup, rows)
        known, model = end.artifacts[end.preprocessing], end.artifacts[end.model]
        each = [setup.predict(known, [*model.values()], r.train_X) for r in rows.values()]
        found = np.concatenate(each)[:, 1]
        halves.append((found[y == 0].mean() + found[y == 1].mean()) / 2)
    # With an intercept that is not penalised, probabilities are right on average: of rows as they
    # are weighed, half of which are of either class.
    assert halves[1] == pytest.approx(0.5, abs=1e-9)
    assert halves[0] < 0.47


class Unweighed:
    """A model of a user's own that knows nothing of weights."""

    def __init__(self, width, classes):
        """Take what is asked."""

    def train(self, parameters, X, y, settings, rng):
        """Take no weights."""

    schema = initialise = predict = train


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": f"{__name__}:Unweighed"}, "can't weigh rows: its train takes no `weights`"),
        ({"classes": (), "model": "linear"}, "balanced is for classes, and labels are numbers"),
    ],
)
def test_what_can_not_be_weighed_is_refused(changes, why, make_rows, make_setup):
    setup = make_setup(make_rows(3), class_weight="balanced", **changes)
    with pytest.raises(UsageError, match=why):
        replace(setup, allowed=(f"{__name__}:Unweighed",)).check()
