import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.strategies.geometric_median import GeometricMedian


def median(points, **options):
    points = np.array(points, float)
    return GeometricMedian(**options).combine(points, np.zeros(points.shape[1]))


def test_of_four_corners_it_is_where_the_diagonals_meet():
    # From (0, 0) to (4, 4), and from (1, 4) to (3, 0).
    np.testing.assert_allclose(median([(0, 0), (3, 0), (4, 4), (1, 4)]), [2, 2], atol=1e-6)


def test_of_a_triangle_it_is_where_the_sides_are_seen_at_120_degrees():
    height = np.sqrt(3) / 2
    # An equilateral triangle's is its centre.
    np.testing.assert_allclose(
        median([(0, 0), (1, 0), (0.5, height)]), [0.5, height / 3], atol=1e-6
    )


def test_on_a_line_it_is_the_median():
    np.testing.assert_allclose(median([[0], [1], [2], [50], [1000]]), [2], atol=1e-5)


def test_a_corner_with_an_angle_above_120_degrees_is_it():
    np.testing.assert_allclose(median([(-5, 1), (0, 0), (5, 1)]), [0, 0], atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_the_pulls_of_all_slaves_cancel(seed):
    """The gradient of the sum of distances: unit vectors that add up to nothing."""
    points = np.random.default_rng(seed).normal(size=(8, 3))
    ways = points - median(points)
    pulls = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    np.testing.assert_allclose(pulls.sum(axis=0), 0, atol=1e-5)


def test_it_holds_from_as_far_as_the_mean_can_be_taken():
    honest = np.random.default_rng(0).normal(size=(6, 4))
    points = np.concatenate([honest, np.full((4, 4), 1e6)])
    assert np.linalg.norm(median(points)) < 10


def test_a_slave_that_is_where_the_mean_is():
    np.testing.assert_allclose(median([[-1], [0], [1]]), [0], atol=1e-12)


def test_one_iteration_is_a_mean_weighted_by_nearness():
    points = np.array([[0.0], [1.0], [5.0]])
    weights = 1 / np.array([2.0, 1.0, 3.0])
    expected = (weights * points[:, 0]).sum() / weights.sum()
    np.testing.assert_allclose(median(points, iterations=1), expected)


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"smoothing": 0.0}, "smoothing must be above 0"), ({"iterations": 0}, "at least 1")],
)
def test_options_out_of_range(options, problem):
    with pytest.raises(UsageError, match=problem):
        GeometricMedian(**options)
