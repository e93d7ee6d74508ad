import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng as rng

from fedredis.data.cuts.shards import cut_shards
from fedredis.errors import DataError


@given(
    shards=st.integers(1, 4),
    slaves=st.integers(1, 6),
    size=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_slave_sees_no_more_labels_than_it_has_shards(shards, slaves, size, seed):
    """As long as the borders between shards fall on those between labels."""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(shards * slaves), size))
    for rows in cut_shards(labels, slaves, shards, rng(seed)):
        assert len(rows) == shards * size
        assert len(set(labels[rows].tolist())) == shards


def test_shards_are_dealt_at_random():
    labels = np.arange(100) // 10
    first = [labels[cut_shards(labels, 10, 1, rng(seed))[0][0]] for seed in range(50)]
    assert len(set(first)) > 5


def test_the_rows_of_a_label_are_dealt_at_random():
    """A file in order of the year, say, is not cut by the year as well."""
    rows, _ = cut_shards(np.zeros(1000, np.int64), 2, 1, rng(0))
    assert rows.mean() == pytest.approx(500, abs=50)


def test_a_shard_needs_a_row():
    assert [len(rows) for rows in cut_shards(np.arange(6), 2, 3, rng(0))] == [3, 3]
    with pytest.raises(DataError, match="6 rows don't make 8 shards: 2 slaves, 4 for each"):
        cut_shards(np.arange(6), 2, 4, rng(0))
