from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedredis.arrays import Scope, Sum
from fedredis.errors import DataError
from fedredis.features import union
from fedredis.features.protocol import MOST_CATEGORIES

#: All that a cell may hold, and small ones, as somebody might make by hand.
DIGESTS = st.one_of(st.integers(0, 2**53 - 1), st.integers(0, 20))
SLAVES = st.lists(st.lists(DIGESTS, max_size=60), min_size=1, max_size=6)


def summed(slaves):
    tables, rows = [union.table(np.array(rows, float)) for rows in slaves], sum(map(len, slaves))
    rule = Sum((union.quantity(1),), Scope(len(slaves), max(1, rows)))
    total = sum(tables)
    stack = [total[np.newaxis, np.newaxis]]
    assert rule.reasons(np.array([len(slaves)]), np.array([rows]), stack) == [None]
    return total


def drawn(count, seed=0):
    return np.unique(np.random.default_rng(seed).integers(1, 2**53, count)).astype(float)


@settings(max_examples=200, deadline=None)
@given(SLAVES)
def test_the_union_and_its_counts_whatever_the_slaves(slaves):
    digests, rows = union.entries(summed(slaves), "kind")
    expected = Counter(x for rows in slaves for x in rows)
    assert dict(zip(digests.tolist(), rows.tolist(), strict=True)) == expected
    assert digests.tolist() == sorted(expected)


@settings(max_examples=50, deadline=None)
@given(SLAVES, st.randoms())
def test_the_order_of_the_slaves_is_irrelevant(slaves, random):
    shuffled = random.sample(slaves, len(slaves))
    np.testing.assert_array_equal(summed(slaves), summed(shuffled))


@pytest.mark.parametrize("count", [1, 50, 300, MOST_CATEGORIES])
@pytest.mark.parametrize("seed", range(10))
def test_as_many_as_can_be(count, seed):
    values = drawn(count, seed)
    repeated = np.repeat(values, np.random.default_rng(seed).integers(1, 1000, len(values)))
    parts = np.array_split(np.random.default_rng(seed).permutation(repeated), 7)
    digests, rows = union.entries(summed(parts), "kind")
    np.testing.assert_array_equal(digests, values)
    assert rows.sum() == len(repeated)


@pytest.mark.parametrize("count", [MOST_CATEGORIES + 1, 1_300, 2_000, 50_000])
def test_too_many(count):
    with pytest.raises(DataError) as refused:
        union.entries(summed([drawn(count)]), "street")
    assert str(refused.value) == (
        "column 'street': these are too many values to be categories (1,000 at most): "
        "leave it out of the columns"
    )


def test_rows_in_billions_do_not_overflow():
    digests, rows = np.array([2**53 - 1, 2**27 - 1]), np.array([2**36, 1])
    one, many = (union.table(np.array([x], float)) for x in digests)
    found = union.entries(one * rows[0] + many * rows[1], "kind")
    assert found[0].tolist() == sorted(digests.tolist())
    assert found[1].tolist() == [1, 2**36]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["noise", "small", "minus", "bit"]))
def test_sums_that_are_no_table_end_in_an_error(seed, what):
    rng = np.random.default_rng(seed)
    good = union.table(drawn(30, seed))
    if what == "minus":
        bad = -good
    elif what == "bit":
        bad = good.copy()
        bad.flat[rng.integers(bad.size)] += 1
    else:
        most = 2**63 - 1 if what == "noise" else 3
        bad = rng.integers(0, most, good.shape, endpoint=True)
    with pytest.raises(DataError):
        union.entries(bad, "kind")
    rule = Sum((union.quantity(1),), Scope(1, 30))
    for table, refused in ((good, False), (bad, True)):
        why = rule.reasons(np.array([1]), np.array([30]), [table[np.newaxis, np.newaxis]])
        assert (why != [None]) == refused


def test_too_many_of_honest_slaves_come_in():
    """So that it is said of which column they are."""
    good = union.table(drawn(2_000))
    rows = np.array([good[0, : union.SUB_TABLE].sum()])
    told = good[np.newaxis, np.newaxis], np.array([1]), rows, 3, 10_000
    assert union.quantity(1).reasons(*told) == [None]


def test_a_cell_that_is_all_there_is_does_not_count_for_ever():
    """Taking out a category puts it into its other cells, as less than nothing: it must end."""
    good = union.table(np.array([7.0]))
    one = np.zeros_like(good)
    cell = good[0].nonzero()[0][0]
    one[:, cell] = good[:, cell]
    with pytest.raises(DataError):
        union.entries(one, "kind")


def test_no_rows():
    assert [len(found) for found in union.entries(summed([[], []]), "kind")] == [0, 0]
