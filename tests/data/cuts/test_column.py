import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng as rng

from fedredis.data.cuts.column import cut_by_column
from fedredis.errors import DataError

groups = st.lists(st.text(max_size=2), min_size=1, max_size=60)


@given(groups, st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_groups_are_never_split(said, share, seed):
    slaves = 1 + round(share * (len(set(said)) - 1))
    dealt = cut_by_column(said, slaves, rng(seed))
    assert sorted(np.concatenate(dealt).tolist()) == list(range(len(said)))
    held = [{said[row] for row in rows.tolist()} for rows in dealt]
    assert all(held)
    assert sum(map(len, held)) == len(set(said))


@given(groups, st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_the_largest_slave_is_as_small_as_the_deal_promises(said, share, seed):
    """It got its last group as the smallest slave: no other is smaller by more than that group."""
    slaves = 1 + round(share * (len(set(said)) - 1))
    dealt = cut_by_column(said, slaves, rng(seed))
    largest = max(dealt, key=len)
    smallest_group = min(said.count(value) for value in {said[row] for row in largest.tolist()})
    assert len(largest) - min(map(len, dealt)) <= smallest_group


def test_the_largest_group_is_dealt_first():
    said = ["a"] * 7 + ["b"] * 6 + ["c"] * 5 + ["d"] * 4 + ["e"] * 3
    dealt = cut_by_column(said, 3, rng(0))
    assert [{said[row] for row in rows.tolist()} for rows in dealt] == [
        {"a"},
        {"b", "e"},
        {"c", "d"},
    ]


def test_groups_of_one_size_are_dealt_at_random():
    said = [f"{number}" for number in range(10)]
    assert len({int(cut_by_column(said, 10, rng(seed))[0][0]) for seed in range(50)}) > 5


def test_the_deal_does_not_depend_on_the_order_of_the_rows():
    said = ["b", "a", "c", "a", "d", "b"]
    one, other = cut_by_column(said, 2, rng(3)), cut_by_column(said[::-1], 2, rng(3))
    for rows, back in zip(one, other, strict=True):
        assert {said[row] for row in rows} == {said[::-1][row] for row in back}


def test_more_slaves_than_values():
    with pytest.raises(DataError, match="3 slaves can't share 2 values of the column"):
        cut_by_column(["a", "b", "a", "b"], 3, rng(0))
