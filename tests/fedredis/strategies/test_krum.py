import math

import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.strategies.krum import Krum, scores


def score(points, i, f):
    """The definition, written down a second time."""
    others = sorted(math.dist(points[i], point) ** 2 for j, point in enumerate(points) if j != i)
    return sum(others[: len(points) - f - 2])


@pytest.mark.parametrize(("k", "share", "f"), [(10, 0.2, 2), (9, 0.3, 2), (3, 0.2, 0)])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_slave_with_the_smallest_score(k, share, f, seed):
    points = np.random.default_rng(seed).normal(size=(k, 4))
    best = min(range(k), key=lambda i: score(points, i, f))
    combined = Krum(share).combine(points.copy(), np.zeros(4))
    np.testing.assert_array_equal(combined, points[best])


def test_scores():
    distances = np.array([[0.0, 1.0, 4.0], [1.0, 0.0, 9.0], [4.0, 9.0, 0.0]])
    np.testing.assert_array_equal(scores(distances, 1), [1, 1, 4])
    np.testing.assert_array_equal(scores(distances, 2), [5, 10, 13])


def test_of_those_that_are_as_good_it_is_the_first():
    points = np.array([[9.0], [1.0], [-1.0], [1.0], [-1.0]])
    assert Krum(0.2).combine(points, np.zeros(1)) == 1
    assert Krum(0.2).combine(points[[0, 2, 1, 4, 3]], np.zeros(1)) == -1


@pytest.mark.parametrize(("k", "share", "least"), [(2, 0.2, 3), (6, 0.4, 7), (10, 0.45, 11)])
def test_too_few_slaves(k, share, least):
    expected = rf"^{k} slaves in a round, with byzantine={share} .* needs {least}; "
    with pytest.raises(UsageError, match=expected) as caught:
        Krum(share).combine(np.zeros((k, 2)), np.zeros(2))
    assert "\n" not in str(caught.value)
