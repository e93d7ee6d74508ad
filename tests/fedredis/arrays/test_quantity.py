from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedredis.arrays import Quantity, count
from fedredis.errors import BoundError

BOUNDS = st.floats(-900, 900).map(lambda power: 2.0**power)


@settings(max_examples=200, deadline=None)
@given(BOUNDS, st.integers(1, 2000), st.integers(1, 10**6), st.booleans(), st.integers(0, 2**32))
def test_sums_are_near_and_the_same_in_any_order(bound, slaves, rows, wide, seed):
    rng = np.random.default_rng(seed)
    quantity = Quantity("x", (3,), bound, wide=wide)
    slaves = min(slaves, 50)
    cut = np.sort(rng.integers(0, rows, slaves - 1, endpoint=True))
    samples = np.diff(np.r_[0, cut, rows])
    values = bound * samples[:, np.newaxis] * rng.uniform(-1, 1, (slaves, 3))
    integers = quantity.encode(values, samples, slaves, rows)
    assert integers.shape == (slaves, *quantity.travels)
    total = integers.sum(axis=0)
    assert (integers[rng.permutation(slaves)].sum(axis=0) == total).all()
    assert (np.abs(integers.astype(float)).sum(axis=0) < 2.0**62 + slaves).all()
    decoded = quantity.decode(total, slaves, rows)
    exact = [float(sum(map(Fraction, line))) for line in values.T.tolist()]
    resolved = slaves * bound * rows * 2.0**-62 / (2.0**50 if wide else 1)
    np.testing.assert_allclose(decoded, exact, rtol=5e-16, atol=resolved)
    told = [np.array([n]) for n in (slaves, rows)]
    assert quantity.reasons(total[np.newaxis], *told, slaves, rows) == [None]
    each = quantity.reasons(integers, np.ones(slaves, np.int64), samples, slaves, rows)
    assert each == [None] * slaves


def test_a_wide_quantity_resolves_what_is_far_below_its_bound():
    quantity = Quantity("x", (), 2.0**60, wide=True)
    values = np.array([1e-3, 2e-3, -5e-4])
    integers = quantity.encode(values, np.ones(3, np.int64), 3, 3)
    assert quantity.decode(integers.sum(axis=0), 3, 3) == pytest.approx(2.5e-3, rel=1e-12)


@pytest.mark.parametrize("value", [1.01, -1.01, np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("per", ["row", "slave"])
def test_what_is_beyond_the_bound_is_refused_by_the_slave(value, per):
    quantity = Quantity("gradient", (2, 2), np.array([[9, 9], [9, 1.0]]), per)
    units = 5 if per == "row" else 1
    values = np.zeros((3, 2, 2))
    values[2, 1, 1] = value * units
    told = rf"array 'gradient' comes to {value * units:.6g}, and {units} is the most"
    with pytest.raises(BoundError, match=told.replace("+", r"\+")):
        quantity.encode(values, np.array([5, 5, 5]), 3, 15)


@pytest.mark.parametrize("bound", [np.inf, np.nan, 1e300])
def test_a_bound_that_no_sum_has_room_for(bound):
    with pytest.raises(BoundError, match=r"array 'x' could come to .* too much for a sum"):
        Quantity("x", (), bound).encode(np.zeros(1), np.array([1]), 1, 1)
    with pytest.raises(BoundError, match="array 'n' could come to"):
        count("n", (), bound=2.0**40).encode(np.zeros(1, int), np.array([1]), 1, 2**30)


def test_what_is_not_negative_has_no_rest_below_0():
    quantity = Quantity("x", (1,), 9.0, wide=True, nonnegative=True)
    values = np.array([[0.0], [1e-9], [4.5]])
    ones, rows = np.ones(3, np.int64), np.full(3, 1)
    honest = quantity.encode(values, rows, 3, 3)
    assert quantity.reasons(honest, ones, rows, 3, 3) == [None] * 3
    lie = honest[:1].copy()
    lie[0, 1] = -1
    assert quantity.reasons(lie, ones[:1], rows[:1], 3, 3) == [
        "array 'x' is not what 1 rows can come to"
    ]


def test_a_bound_of_0():
    quantity = Quantity("x", (2,), np.array([0, 1.0]))
    integers = quantity.encode(np.array([[0, 0.5]]), np.array([1]), 1, 1)
    assert quantity.decode(integers[0], 1, 1).tolist() == [0, 0.5]


def test_counts_travel_as_they_are():
    rows = count("rows", (2,), plausible=lambda n, rows: n.sum(axis=1) == rows, must="add up")
    integers = rows.encode(np.array([[3, 4], [0, 7]]), np.array([7, 7]), 2, 14)
    assert integers.tolist() == [[3, 4], [0, 7]]
    stack = np.array([[3, 4], [-1, 8], [8, 0], [3, 3]])
    ones, sevens = np.ones(4, np.int64), np.full(4, 7)
    cannot = "array 'rows' is not what 7 rows can come to"
    why = rows.reasons(stack, ones, sevens, 2, 14)
    assert why == [None, cannot, cannot, "array 'rows': add up"]


INTEGERS = st.sampled_from([0, 1, -1, 2**61, -(2**61), 2**62, 2**63 - 1, -(2**63)])


@pytest.mark.filterwarnings("error")
@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(INTEGERS, min_size=4, max_size=4), min_size=1, max_size=3),
    st.integers(1, 2**20),
    st.integers(0, 2**62),
    st.sampled_from([{}, {"wide": True}, {"whole": True}, {"nonnegative": True}]),
    st.sampled_from([1.0, np.array([1e-3, 0.0])]),
)
def test_whatever_integers_arrive_are_refused_or_decoded(stack, counts, samples, kind, bound):
    quantity = Quantity("x", (2,), bound, **kind)
    k = len(stack)
    integers = np.array(stack, np.int64).reshape(k, -1, 2)
    integers = integers if quantity.wide else integers[:, 0]
    told = np.full(k, counts), np.full(k, samples)
    for line, why in zip(integers, quantity.reasons(integers, *told, 9, 100), strict=True):
        if why is None:
            found = quantity.decode(line, 9, 100)
            most = samples * np.asarray(bound) * 1.001 + counts
            assert (np.abs(found.astype(float)) <= most + counts).all()
            assert (found >= 0).all() or not quantity.nonnegative
        else:
            assert why == f"array 'x' is not what {samples} rows can come to"
