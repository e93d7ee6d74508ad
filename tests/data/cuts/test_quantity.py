import numpy as np
import pytest

from fedredis.data.cuts.dirichlet import cut_quantity


@pytest.mark.parametrize("alpha", [0.1, 1, 10])
def test_sizes_are_drawn_from_the_distribution(alpha):
    """Shares have the mean 1/N and the variance (N - 1) / (N^2 (N alpha + 1))."""
    dealt = (cut_quantity(2000, 10, alpha, np.random.default_rng(seed)) for seed in range(300))
    sizes = [[len(rows) for rows in each] for each in dealt]
    assert (np.array(sizes) / 2000).var() == pytest.approx(0.09 / (10 * alpha + 1), rel=0.1)


def test_rows_are_dealt_at_random():
    labels = np.arange(10_000) // 5_000
    for rows in cut_quantity(10_000, 4, 1, np.random.default_rng([0, 0])):
        assert labels[rows].mean() == pytest.approx(0.5, abs=2 / np.sqrt(len(rows)))


def test_a_slave_without_a_row_is_given_one():
    sizes = sorted(len(rows) for rows in cut_quantity(100, 5, 1e-6, np.random.default_rng([0, 0])))
    assert sizes == [1, 1, 1, 1, 96]
