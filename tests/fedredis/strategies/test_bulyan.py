import statistics

import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.strategies.bulyan import Bulyan


def square_distance(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def reference(points, f):
    """The two steps, written down a second time, number by number."""
    left, selected = list(range(len(points))), []
    while len(selected) < len(points) - 2 * f:
        near = max(len(left) - f - 2, 1)

        def score(i, left=tuple(left), near=near):
            others = sorted(square_distance(points[i], points[j]) for j in left if j != i)
            return sum(others[:near])

        selected.append(min(left, key=score))
        left.remove(selected[-1])
    mean = []
    for j in range(len(points[0])):
        values = [points[i][j] for i in sorted(selected)]
        middle = statistics.median(values)
        nearest = sorted(values, key=lambda value, middle=middle: abs(value - middle))
        mean.append(statistics.fmean(nearest[: len(values) - 2 * f]))
    return mean


@pytest.mark.parametrize(
    ("k", "share", "f"), [(11, 0.2, 2), (10, 0.2, 2), (9, 0.24, 2), (7, 0.2, 1), (5, 0.2, 1)]
)
@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_mean_around_the_median_of_those_that_krum_selects(k, share, f, seed):
    points = np.random.default_rng(seed).normal(size=(k, 6))
    combined = Bulyan(share).combine(points.copy(), np.zeros(6))
    np.testing.assert_allclose(combined, reference(points.tolist(), f), rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_of_many_that_are_as_good_it_is_the_first_slaves(seed):
    points = np.random.default_rng(seed).integers(-1, 2, (30, 6)).astype(float)
    combined = Bulyan(0.2).combine(points.copy(), np.zeros(6))
    np.testing.assert_allclose(combined, reference(points.tolist(), 6), atol=1e-12)


def test_without_attackers_it_is_the_mean():
    points = np.random.default_rng(0).normal(size=(4, 3))
    combined = Bulyan().combine(points.copy(), np.zeros(3))
    np.testing.assert_allclose(combined, points.mean(axis=0), rtol=1e-12)


def test_of_those_that_are_as_near_to_the_median_it_is_the_first_slaves():
    """Whichever of them Krum selects first."""
    points = np.array([[100.0], [0.0], [1.0], [1.0], [-1.0], [-1.0], [-100.0]])
    np.testing.assert_allclose(Bulyan(0.2).combine(points, np.zeros(1)), 2 / 3)


def test_an_attacker_far_off_in_one_parameter_alone_is_kept_near():
    """Which Krum's distances, over many parameters, do not see."""
    rng = np.random.default_rng(0)
    points = rng.normal(0, 1, (11, 1000))
    honest = points[2:].copy()
    points[:2] = honest.mean(axis=0)
    points[:2, 0] = 20
    combined = Bulyan(0.2).combine(points, np.zeros(1000))
    assert honest[:, 0].min() <= combined[0] <= honest[:, 0].max()


@pytest.mark.parametrize(("k", "share", "f"), [(8, 0.25, 2), (4, 0.25, 1), (10, 0.3, 3)])
def test_too_few_slaves(k, share, f):
    expected = rf"^{k} slaves in .* byzantine={share} {f} attackers .* needs {4 * f + 1}; "
    with pytest.raises(UsageError, match=expected):
        Bulyan(share).combine(np.zeros((k, 2)), np.zeros(2))
