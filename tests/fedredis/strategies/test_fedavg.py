import numpy as np

from fedredis.strategies import FedAvg


def test_the_mean_is_weighted_by_rows() -> None:
    of_one, of_other = np.array([1.0, 2.0]), np.array([4.0, -1.0])
    total = [of_one * 30 + of_other * 10]
    (mean,) = FedAvg().aggregate([np.array([99.0, 99.0])], total, 40)
    np.testing.assert_array_equal(mean, [1.75, 1.25])


def test_one_slave_alone_is_itself() -> None:
    weights = [np.array([[1.5, -2.0]]), np.array([3.0])]
    mean = FedAvg().aggregate(weights, [array * 8 for array in weights], 8)
    for back, array in zip(mean, weights, strict=True):
        np.testing.assert_array_equal(back, array)
