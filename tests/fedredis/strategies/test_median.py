import statistics

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedredis.strategies.median import Median


@given(st.integers(1, 9), st.integers(0, 99))
def test_it_is_the_median_of_each_parameter(k, seed):
    points = np.random.default_rng(seed).normal(size=(k, 5))
    expected = [statistics.median(column) for column in points.T.tolist()]
    combined = Median().combine(points.copy(), np.zeros(5))
    np.testing.assert_allclose(combined, expected, rtol=1e-15)


def test_fewer_than_half_are_never_followed():
    points = np.array([[1.0], [2.0], [3.0], [1e6], [1e6]])
    assert Median().combine(points, np.zeros(1)) == 3
