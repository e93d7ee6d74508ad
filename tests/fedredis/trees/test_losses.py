from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_poisson_deviance

from fedredis.errors import DataError, UsageError
from fedredis.trees import losses

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("log", "softmax", "squared", "poisson")


def loss_of(table: Any, kind: str) -> losses.Loss:
    return losses.make("poisson" if kind == "poisson" else "auto", table.classes)


def value(loss: losses.Loss, table: Any, raw: NDArray[Any]) -> float:
    """Compute the loss as others do."""
    predicted, y = loss.predictions(raw, table.known), table.y
    if table.classes:
        return log_loss(y, predicted, labels=range(table.classes)) * len(y)
    if isinstance(loss, losses.Squared):
        return float(((y - predicted[:, 0]) ** 2).sum() / 2)
    counts = predicted[:, 0] * table.known["label_scale"] + table.known["label_mean"]
    return mean_poisson_deviance(y, counts) * len(y) / 2


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_loss(make_table, kind):
    table = make_table(kind, gaps=False, sets=False, n=40)
    loss, rng = loss_of(table, kind), np.random.default_rng(1)
    raw = rng.normal(size=(loss.trees, 40))
    g, h = loss.gradients(raw, table.y)
    for tree in range(loss.trees):
        for row in range(3):
            step = np.zeros_like(raw)
            step[tree, row] = 1e-4
            up, here, down = (value(loss, table, raw + s * step) for s in (1, 0, -1))
            assert (up - down) / 2e-4 == pytest.approx(g[tree, row], abs=1e-6)
            assert (up - 2 * here + down) / 1e-8 == pytest.approx(h[tree, row], abs=1e-3)
    first, second = loss.bounds(float(np.abs(raw).max()), table.known)
    assert np.abs(g).max() <= first
    assert h.max() <= second
    assert (h == 1).all() == loss.flat


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_it_starts_from_the_best_constant(make_table, kind, *, weighed):
    table = make_table(kind, gaps=False, sets=False, weighed=weighed)
    loss = loss_of(table, kind)
    raw = np.repeat(loss.start(table.known)[:, np.newaxis], len(table.y), axis=1)
    g, _ = loss.gradients(raw, table.y)
    if weighed:
        g *= table.weights
    assert g.sum(axis=1) == pytest.approx(np.zeros(loss.trees), abs=1e-9)


def test_a_class_without_rows_starts_low_and_a_row_alone_has_the_same_gradient():
    loss = losses.make("auto", 3)
    start = loss.start({"class_counts": np.array([10, 0, 10])})
    assert start[1] == pytest.approx(start[0] - np.log(20))
    raw, y = np.random.default_rng(2).normal(size=(3, 9)), np.arange(9) % 3
    together = loss.gradients(raw, y)
    alone = loss.gradients(np.ascontiguousarray(raw[:, 4:5]), y[4:5])
    for both, one in zip(together, alone, strict=True):
        assert (both[:, 4:5] == one).all()


def test_what_a_loss_is_not_for():
    with pytest.raises(
        UsageError, match="one of squared, poisson where labels are numbers, not 'log'"
    ):
        losses.make("log", 0)
    with pytest.raises(
        UsageError, match="one of log where labels are classes, not 'poisson'; `task=re"
    ):
        losses.make("poisson", 3)
    poisson = losses.make("poisson", 0)
    with pytest.raises(DataError, match="the mean label is not above 0"):
        poisson.start({"label_mean": np.array([-1.0]), "label_scale": np.array(2.0)})
    above = {"label_mean": np.array(1.0), "label_scale": np.array(2.0)}
    with pytest.raises(DataError, match="the mean label is not above 0"):
        poisson.start({**above, "label_start": np.array(-0.5)})
    with pytest.raises(DataError, match="a label is below 0"):
        poisson.gradients(np.zeros((1, 2)), np.array([1.0, -1.0]))
