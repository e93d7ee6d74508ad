import numpy as np

from fedredis.strategies import FedAvg
from fedredis.strategies.fedprox import FedProx


def test_it_goes_as_the_paper_says(federation, sgd):
    mu, (w,) = 0.8, federation.first(FedProx()).parameters
    (moved,) = federation.train(FedProx(mu), 2).parameters
    for number in (1, 2):
        total, rows = np.zeros_like(w), 0
        for slave, (X, y) in enumerate(federation.slaves):
            sent = w.copy()
            pull = lambda at, sent=sent: mu * (at - sent)  # noqa: E731
            trained = sgd(sent, (X, y), federation.rng(number, slave), pull)
            total, rows = total + len(y) * trained, rows + len(y)
        w = total / rows
    np.testing.assert_allclose(moved, w, rtol=1e-11, atol=1e-13)


def test_with_a_mu_of_0_it_is_fedavg_bit_for_bit(federation):
    (ours,) = federation.train(FedProx(0.0), 3).parameters
    (plain,) = federation.train(FedAvg(), 3).parameters
    assert ours.tobytes() == plain.tobytes()


def test_the_larger_mu_the_nearer_slaves_stay(federation):
    sent = federation.first(FedProx())

    def away(mu):
        points = federation.work(FedProx(mu), sent, 1, 2).arrays[0]
        return float(np.linalg.norm(points[0] / 40 - sent.parameters[0]))

    assert away(2.0) < 0.9 * away(0.5) < 0.9 * away(0.0)
