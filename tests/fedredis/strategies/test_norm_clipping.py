import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.strategies.norm_clipping import NormClipping


def test_long_steps_are_cut_and_short_ones_are_not():
    # Steps of lengths 5, 1 and 10 from (1, 1).
    points = np.array([[4.0, 5.0], [1.0, 2.0], [-9.0, 1.0]])
    combined = NormClipping(norm=2.0).combine(points, np.array([1.0, 1.0]))
    steps = np.array([[1.2, 1.6], [0.0, 1.0], [-2.0, 0.0]])
    np.testing.assert_allclose(combined, [1 + steps[:, 0].mean(), 1 + steps[:, 1].mean()])


def test_with_a_threshold_above_all_it_is_the_mean():
    points = np.random.default_rng(0).normal(size=(5, 4))
    combined = NormClipping(norm=100.0).combine(points.copy(), np.ones(4))
    np.testing.assert_allclose(combined, points.mean(axis=0))


def test_without_a_threshold_it_is_the_median_of_the_round():
    points = np.array([[1.0, 0.0], [0.0, 2.0], [300.0, 400.0]])
    combined = NormClipping().combine(points, np.zeros(2))
    np.testing.assert_allclose(combined, [(1 + 1.2) / 3, (2 + 1.6) / 3])


def test_slaves_that_stay_where_they_are():
    """Then the median is 0, and no step longer than that is taken."""
    here = np.array([1.0, 2.0])
    for others in ([here, here], [here, here + 5]):
        points = np.stack([here, *others])
        np.testing.assert_array_equal(NormClipping().combine(points, here), here)


@pytest.mark.parametrize("norm", [-1.0, float("inf"), float("nan")])
def test_what_is_no_threshold(norm):
    with pytest.raises(UsageError, match="norm must be 0 or more"):
        NormClipping(norm=norm)
