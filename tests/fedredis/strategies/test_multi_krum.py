import math

import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.strategies.multi_krum import MultiKrum


def score(points, i, f):
    """The definition, written down a second time."""
    others = sorted(math.dist(points[i], point) ** 2 for j, point in enumerate(points) if j != i)
    return sum(others[: len(points) - f - 2])


@pytest.mark.parametrize(("k", "share", "f"), [(10, 0.2, 2), (9, 0.3, 2), (3, 0.2, 0)])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_mean_of_those_with_the_smallest_scores(k, share, f, seed):
    points = np.random.default_rng(seed).normal(size=(k, 4))
    best = sorted(range(k), key=lambda i: score(points, i, f))[: k - f]
    combined = MultiKrum(share).combine(points.copy(), np.zeros(4))
    np.testing.assert_allclose(combined, points[best].mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(("k", "f"), [(5, 1), (60, 12)])
def test_of_those_that_are_as_good_the_last_are_left_out(k, f):
    combined = MultiKrum(0.2).combine(np.eye(k), np.zeros(k))
    np.testing.assert_allclose(combined, [1 / (k - f)] * (k - f) + [0] * f)


def test_too_few_slaves():
    with pytest.raises(UsageError, match=r"^6 slaves .*byzantine=0.4 2 .* needs 7; "):
        MultiKrum(0.4).combine(np.zeros((6, 2)), np.zeros(2))
