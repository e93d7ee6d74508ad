import statistics

import numpy as np
import pytest

from fedredis.strategies.trimmed_mean import TrimmedMean


@pytest.mark.parametrize(
    ("k", "share", "f"), [(10, 0.2, 2), (7, 0.3, 2), (5, 0.49, 2), (4, 0.2, 0), (1, 0.4, 0)]
)
def test_it_is_the_mean_of_those_in_the_middle(k, share, f):
    points = np.random.default_rng(k).normal(size=(k, 6))
    expected = [
        statistics.fmean(sorted(column)[f : len(column) - f]) for column in points.T.tolist()
    ]
    combined = TrimmedMean(share).combine(points.copy(), np.zeros(6))
    np.testing.assert_allclose(combined, expected, rtol=1e-12)


def test_with_as_many_attackers_as_expected_it_stays_among_the_honest():
    honest = np.random.default_rng(0).normal(size=(7, 50))
    points = np.concatenate([honest, np.full((3, 50), 1e6)])
    combined = TrimmedMean(0.3).combine(points, np.zeros(50))
    assert (combined <= honest.max(axis=0)).all()
    assert (combined >= honest.min(axis=0)).all()
