from __future__ import annotations

import math

import numpy as np
import pytest

from fedredis.arrays import Scope, Sum
from fedredis.errors import BoundError
from fedredis.inference.exact import Count, Real
from fedredis.inference.stages import square

SCOPE = Scope(4, 1000)


def values() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(1000, 3)) * 10.0 ** rng.integers(-12, 12, (1000, 3))


def test_a_sum_has_the_digits_of_exact_arithmetic_for_any_cut():
    x, real = values(), Real("x", (3,), SCOPE)
    whole = real.add(x)
    parts = [real.add(part) for part in np.array_split(x[::-1], 7)]
    assert (np.sum(parts, axis=0) == whole).all()
    expected = [math.fsum(column) for column in x.T]
    assert real.decode(whole).tolist() == pytest.approx(expected, rel=1e-15)
    rule = Sum((real.quantity,), SCOPE)
    encoded = rule.encode([whole[np.newaxis]], np.array([1000]))
    assert rule.reasons(np.array([4]), np.array([1000]), encoded) == [None]


@pytest.mark.parametrize(
    ("among", "both"),
    [((), True), ((1,), True), ((0,), False), ((0, 2), False), ((0, 1, 2), False)],
)
def test_a_row_is_in_one_cell_of_those_among_which_it_is_counted(among, both):
    rule = Sum((Count.of("x", 3, 2, 2, among=among).quantity,), SCOPE)
    counts = np.zeros((2, 3, 2, 2), np.int64)
    counts[:, 0, 0, 0] = 5
    counts[1, 1, 0, 0] = 1
    first, second = rule.reasons(np.ones(2, np.int64), np.array([5, 5]), [counts])
    told = None if both else "array 'x': its counts come to more than the rows"
    assert (first, second) == (None, told)


def test_rows_are_summed_in_their_cells():
    x, cells = values(), np.random.default_rng(1).integers(0, 5, 1000)
    real = Real("x", (6, 3), SCOPE)
    found = real.decode(real.add_in(cells, x))
    expected = [[math.fsum(x[cells == c, j]) for j in range(3)] for c in range(6)]
    assert found == pytest.approx(np.array(expected), rel=1e-15)


def test_products_are_summed_as_a_triangle():
    z, w = np.random.default_rng(2).normal(size=(4, 500)), np.linspace(0, 1, 500)
    real = Real("x", (10,), SCOPE)
    found = square(real.decode(real.add_products(z, w)))
    assert found == pytest.approx((z * w) @ z.T, rel=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 2.0**62])
def test_what_is_no_number_or_too_large(bad):
    with pytest.raises(BoundError, match="'x' holds"):
        Real("x", (1,), SCOPE).add(np.array([[1.0], [bad]]))


def test_a_unit_makes_room_for_what_is_large_or_small():
    for unit in (1e30, 1e-30):
        real = Real("x", (), SCOPE, unit)
        found = real.decode(real.add(np.full(3, 1.1 * unit)))
        assert found == pytest.approx(3.3 * unit, rel=1e-15)
