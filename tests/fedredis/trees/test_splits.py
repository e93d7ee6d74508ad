from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from fedredis.trees.histograms import Scales
from fedredis.trees.layout import Layout
from fedredis.trees.splits import Limits, best, leaf_values

SCALES = Scales(0, 0, flat=False)
LAYOUT = Layout((5, 4), (False, False))
LIMITS = Limits(l2=1.0, min_rows=3, min_gain=0.0)


def sums_of(rng: np.random.Generator, layout: Layout, *, gaps: bool, rows: int = 9) -> list[Any]:
    """Make sums of one node: whole numbers, with as many rows in each column."""
    total = rng.integers(0, rows, (1, layout.total)) + 1
    total[0, layout.starts + layout.codes - 1] *= gaps
    for start, codes in zip(layout.starts, layout.codes, strict=True):
        total[0, start] += 60 - total[0, start : start + codes].sum()
    gradient, hessian = rng.integers(-50, 50, total.shape), 3 * total
    for array in (gradient, hessian):
        array[total == 0] = 0
        for start, codes in zip(layout.starts, layout.codes, strict=True):
            array[0, start] += 100 - array[0, start : start + codes].sum()
    return [gradient, total, hessian]


def gain(sums: list[Any], places: list[int], whole: slice, limits: Limits = LIMITS) -> float:
    """Compute what it gains to send some places left, from the formula."""
    g, n, h = (array[0, places].sum() for array in sums)
    G, N, H = (array[0, whole].sum() for array in sums)
    if min(n, N - n) < limits.min_rows:
        return 0.0
    l2 = limits.l2
    return float(g**2 / (h + l2) + (G - g) ** 2 / (H - h + l2) - G**2 / (H + l2))


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_the_best_cut_is_that_of_trying_all(seed, *, gaps):
    sums = sums_of(np.random.default_rng(seed), LAYOUT, gaps=gaps)
    tried = {}
    for j, (start, codes) in enumerate(zip(LAYOUT.starts, LAYOUT.codes, strict=True)):
        for cut in range(codes - 1):
            for left in (False, True):
                places = [*range(start, start + cut + 1), *([start + codes - 1] * left)]
                tried[j, cut, left] = gain(sums, places, slice(start, start + codes))
    found = best(LAYOUT, SCALES, sums, LIMITS)
    column, cut, left = max(tried, key=tried.__getitem__)
    assert found.gain[0] == pytest.approx(tried[column, cut, left])
    assert (found.column[0], found.cut[0]) == (column, cut)
    if gaps:
        assert found.goes_left[0, LAYOUT.codes[column] - 1] == left
    start = LAYOUT.starts[column]
    members = np.flatnonzero(found.goes_left[0, : LAYOUT.codes[column]])
    for summed, array in zip(found.left, sums, strict=True):
        assert summed[0] == array[0, start + members].sum()


@pytest.mark.parametrize("seed", range(20))
def test_the_best_set_is_that_of_trying_all(seed):
    layout = Layout((6,), (True,))
    sums = sums_of(np.random.default_rng(seed), layout, gaps=False, rows=20)
    # Each category has the rows to be looked at; Hessians in proportion, so that order is exact.
    sums[1] = np.array([[20] * 5 + [0]])
    sums[2] = 10_000 * sums[1]
    sums[0] *= 1000
    limits = Limits(l2=0.0, min_rows=3, min_gain=0.0)
    subsets = [list(some) for r in range(1, 5) for some in combinations(range(5), r)]
    most = max(gain(sums, some, slice(0, 6), limits) for some in subsets)
    found = best(layout, SCALES, sums, limits)
    assert found.gain[0] == pytest.approx(most)
    members = np.flatnonzero(found.goes_left[0, :5]).tolist()
    assert gain(sums, members, slice(0, 6), limits) == pytest.approx(most)
    assert len(members) <= 3
    assert found.left[0][0] == sums[0][0, members].sum()


def test_ties_go_to_the_first_and_what_later_is_missing_to_the_majority():
    layout = Layout((3, 3), (False, False))
    sums = [np.array([line * 2]) for line in ([-30, 30, 0], [7, 5, 0], [30, 30, 0])]
    found = best(layout, SCALES, sums, LIMITS)
    assert (found.column[0], found.cut[0]) == (0, 0)
    assert found.goes_left[0].tolist() == [True, False, True]


@pytest.mark.parametrize(
    "limits", [Limits(1.0, 8, 0.0), Limits(1.0, 3, 1e6)], ids=["rows", "gain"]
)
def test_no_split_that_has_too_few_rows_or_gains_too_little(limits):
    layout = Layout((3,), (False,))
    sums = [np.array([line]) for line in ([-30, 30, 0], [7, 9, 0], [30, 30, 0])]
    assert best(layout, SCALES, sums, LIMITS).gain[0] > 0
    assert best(layout, SCALES, sums, limits).gain[0] == 0


def test_a_leaf_is_drawn_towards_0():
    sums = [np.array([-6, 0]), np.array([2, 0]), np.array([2, 0])]
    assert leaf_values(SCALES, sums, 1.0).tolist() == [2, 0]
    assert leaf_values(SCALES, sums, 0.0).tolist() == [3, 0]
