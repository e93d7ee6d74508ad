import numpy as np

from fedredis.models import LogisticRegression, TrainingSettings
from fedredis.strategies import FedAvg, Global, Returned

MODEL, SETTINGS = LogisticRegression(1, 2), TrainingSettings(1, 8, 0.5, 0.0)


def moved(current, total, samples):
    returned = Returned(total=total, samples=samples, counted=2, slaves=2)
    after = FedAvg().move(MODEL, Global(current), returned, SETTINGS)
    assert after.state == {}
    return after.parameters


def test_the_mean_is_weighted_by_rows():
    of_one, of_other = np.array([1.0, 2.0]), np.array([4.0, -1.0])
    (mean,) = moved([np.array([99.0, 99.0])], [of_one * 30 + of_other * 10], 40)
    np.testing.assert_array_equal(mean, [1.75, 1.25])


def test_one_slave_alone_is_itself():
    weights = [np.array([[1.5, -2.0]]), np.array([3.0])]
    for back, array in zip(moved(weights, [a * 8 for a in weights], 8), weights, strict=True):
        np.testing.assert_array_equal(back, array)
