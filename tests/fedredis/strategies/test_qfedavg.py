import numpy as np
import pytest

from fedredis.errors import BoundError, FedredisError, UsageError
from fedredis.models import LinearRegression
from fedredis.strategies import FedAvg, Global, Returned
from fedredis.strategies.qfedavg import QFedAvg


def mean_loss(w, X, y) -> float:
    """Mean log loss, row by row."""
    logits = [x @ w[:-1] + w[-1] for x in X]
    pairs = zip(logits, y, strict=True)
    return float(np.mean([np.log(np.exp(row).sum()) - row[label] for row, label in pairs]))


@pytest.mark.parametrize("q", [0.0, 0.5, 1.0, 3.0])
def test_it_goes_as_the_paper_says(federation, sgd, q):
    (w,) = federation.first(QFedAvg()).parameters
    (moved,) = federation.train(QFedAvg(q), 2).parameters
    lipschitz = 1 / federation.settings.learning_rate
    for number in (1, 2):
        above, below = np.zeros_like(w), 0.0
        for slave, (X, y) in enumerate(federation.slaves):
            trained = sgd(w, (X, y), federation.rng(number, slave))
            loss, way = mean_loss(w, X, y), lipschitz * (w - trained)
            h = q * loss ** (q - 1) * (way**2).sum() + lipschitz * loss**q
            above, below = above + len(y) * loss**q * way, below + len(y) * h
        w = w - above / below
    np.testing.assert_allclose(moved, w, rtol=1e-9, atol=1e-11)


def test_with_a_q_of_0_it_is_fedavg(federation):
    (ours,) = federation.train(QFedAvg(0.0), 3).parameters
    (plain,) = federation.train(FedAvg(), 3).parameters
    np.testing.assert_allclose(ours, plain, rtol=1e-12, atol=1e-14)


def test_the_larger_q_the_more_alike_are_the_slaves_losses(federation):
    def spread(q):
        (w,) = federation.train(QFedAvg(q), 150).parameters
        return float(np.std([mean_loss(w, X, y) for X, y in federation.slaves]))

    assert spread(5.0) < 0.9 * spread(1.0) < 0.9 * spread(0.0)


@pytest.mark.parametrize("q", [0.0, 0.5, 2.0])
def test_a_slave_without_a_loss_is_counted(federation, q):
    """All labels alike, and parameters that are sure of them."""
    federation.slaves = [(X, y * 0) for X, y in federation.slaves]
    sure = Global([np.array([[0.0] * 3] * 2 + [[500.0, 0, 0]])])
    (moved,) = federation.round(QFedAvg(q), sure, 1).parameters
    assert np.isfinite(moved).all()


def test_losses_that_are_beyond_what_can_be_weighed(federation):
    sent = federation.first(QFedAvg())
    with pytest.raises(UsageError, match=r"^`strategy` qfedavg: with q=6 losses .* 5.8 at most"):
        QFedAvg(6.0).quantities(federation.model, sent, federation.limits)
    federation.model, federation.classes = LinearRegression(2), 0
    federation.slaves = [(X, y / 2.0) for X, y in federation.slaves]
    for weight in (100.0, 1e170):
        sent = Global([np.full((3, 1), weight)])
        with (
            np.errstate(over="ignore"),
            pytest.raises(BoundError, match=r"its mean loss is .*, and 35 is the most that"),
        ):
            federation.work(QFedAvg(), sent, 1, 0)


def test_normalisers_that_come_to_nothing(federation):
    nothing = Returned([np.zeros((3, 3)), np.zeros(1)], 9, 2, 4)
    with pytest.raises(FedredisError, match="nothing to divide by"):
        QFedAvg().move(federation.model, federation.first(QFedAvg()), nothing, federation.settings)
