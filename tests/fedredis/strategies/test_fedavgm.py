import numpy as np

from fedredis.strategies import FedAvg
from fedredis.strategies.fedavgm import FedAvgM


def test_it_goes_as_the_paper_says(follow, means):
    w, v = np.zeros((3, 3)), np.zeros((3, 3))
    moved = follow(FedAvgM(momentum=0.7, server_learning_rate=0.3), means)
    for mean, after in zip(means, moved, strict=True):
        gradient = w - mean  # the paper's sum of n_k / n (w - w_k)
        v = 0.7 * v + gradient
        w = w - 0.3 * v
        np.testing.assert_allclose(after, w, rtol=1e-12, atol=1e-15)


def test_without_momentum_it_is_fedavg(federation):
    without = FedAvgM(momentum=0.0, server_learning_rate=1.0)
    (ours,) = federation.train(without, 3).parameters
    (plain,) = federation.train(FedAvg(), 3).parameters
    np.testing.assert_allclose(ours, plain, rtol=1e-12, atol=1e-14)
