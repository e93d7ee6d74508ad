import numpy as np
import pytest

from fedredis.data.cuts.dirichlet import cut_dirichlet

#: 3 labels, 2,000 rows of each.
LABELS = np.arange(6000) % 3


def shares(alpha: float, seed: int, slaves: int = 10) -> np.ndarray:
    """Return what share of each label's rows each slave has, shape (slaves, 3)."""
    dealt = cut_dirichlet(LABELS, slaves, alpha, np.random.default_rng([seed, 0]))
    counts = np.array([np.bincount(LABELS[rows], minlength=3) for rows in dealt])
    return counts / 2000


@pytest.mark.parametrize("alpha", [0.1, 1, 10])
def test_shares_are_drawn_from_the_distribution(alpha):
    """Their mean is 1/N and their variance (N - 1) / (N^2 (N alpha + 1))."""
    drawn = np.array([shares(alpha, seed) for seed in range(200)])
    assert drawn.mean() == pytest.approx(0.1)
    assert drawn.var() == pytest.approx(0.09 / (10 * alpha + 1), rel=0.1)


def test_each_label_has_shares_of_its_own():
    drawn = np.array([shares(1, seed) for seed in range(200)])
    assert abs(np.corrcoef(drawn[:, 0, 0], drawn[:, 0, 1])[0, 1]) < 0.2


def test_a_label_lies_with_one_slave_when_alpha_is_small():
    dealt = shares(1e-6, seed=0)
    assert (np.sort(dealt, axis=0)[-1] > 0.99).all()


def test_the_mix_is_the_same_when_alpha_is_large():
    assert shares(1e6, seed=0) == pytest.approx(0.1, abs=0.002)


def test_a_labels_rows_are_dealt_at_random():
    rows, _ = cut_dirichlet(np.zeros(1000, np.int64), 2, 1e6, np.random.default_rng(0))
    assert rows.mean() == pytest.approx(500, abs=50)
