import numpy as np
import pytest

from fedredis.features import cells

RNG = np.random.default_rng(0)
COLUMNS = {
    "lognormal": RNG.lognormal(0, 5, 3_000),
    "cauchy": RNG.standard_cauchy(3_000),
    "timestamps": 1.7e9 + RNG.uniform(0, 3600, 3_000),
    "nanoseconds": 1.7e18 + np.rint(RNG.uniform(0, 3600e9, 3_000)),
    "two places": np.r_[RNG.normal(size=1_500), 1e11 + RNG.normal(size=1_500)],
    "whole": RNG.integers(-3, 300, 3_000) * 1.0,
    "five rows": np.array([1.0, 1.0, -2.0, 0.0, 1e100]),
    "constant": np.full(50, 0.1),
}


def refine(x, bins):
    """Refine as often as a feature map does; return grid, counts and rows in the fullest cell."""
    counts = cells.magnitudes(x)[1:-1]
    least = cells.step(cells.places(x), len(x))
    grid = cells.refined(cells.MAGNITUDES, counts, bins, least)
    for _ in range(5):
        counts = cells.histogram(grid, x)
        if not cells.too_full(grid, counts, bins, least).any():
            break
        grid = cells.refined(grid, counts, bins, least)
    return grid, cells.histogram(grid, x)


@pytest.mark.parametrize("bins", [16, 256])
@pytest.mark.parametrize("name", COLUMNS)
def test_cells_with_several_values_hold_few_rows(name, bins):
    x = COLUMNS[name]
    grid, counts = refine(x, bins)
    assert counts.sum() == len(x)
    assert len(counts) <= cells.MOST_CELLS * bins
    assert (np.diff(grid) >= 0).all()
    assert np.isfinite(grid).all()
    assert grid[0] <= x.min() <= x.max() < grid[-1]
    most = max(len(x) / bins, cells.FEW_ROWS)
    for low, high, rows in zip(grid, grid[1:], counts, strict=False):
        if rows > most:
            assert len(np.unique(x[(x >= low) & (x < high)])) == 1 or bins == 16


def test_whole_numbers_become_edges():
    x = COLUMNS["whole"]
    grid, _ = refine(x, 256)
    values, rows = np.unique(x, return_counts=True)
    assert set(values[rows > 20]) <= set(grid)


@pytest.mark.parametrize(
    ("x", "least"), [([1, 2, -7], 1), ([0.5, 3], 0.1), ([0.29, 1.7e9], 0.01), ([1 / 3], 0)]
)
def test_the_smallest_step(x, least):
    x = np.array(x, float)
    assert cells.step(cells.places(x), len(x)) == least


def test_magnitudes_count_every_value_once():
    x = np.array([0, -0.0, 1, -1, 2.0**512, -(2.0**513), 1e-300, -1e-300, 0.75, np.inf])
    counts = cells.magnitudes(x)
    assert counts.sum() == len(x)
    assert (counts[0], counts[-1]) == (1, 2)
    one = np.searchsorted(cells.MAGNITUDES, 1.0)
    assert counts[one : one + 2].tolist() == [1, 1]


def test_grids_of_different_lengths_count_the_same():
    short, long = np.array([0.0, 0.5, 1.0]), np.linspace(-2, 2, 9)
    x = np.array([-5, 0, 0.2, 0.5, 1.0, 7])
    both = cells.stacked([short, long])
    assert cells.histogram(both[0], x).tolist() == [3, 3, 0, 0, 0, 0, 0, 0]
    assert cells.histogram(both[1], x).sum() == len(x)
    assert cells.histogram(np.full(4, 0.25), x).tolist() == [6, 0, 0]
