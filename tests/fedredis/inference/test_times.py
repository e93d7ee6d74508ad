import numpy as np
import pytest

from fedredis.arrays import Scope
from fedredis.errors import DataError
from fedredis.inference.times import Subjects, Times, lookup_for


@pytest.mark.parametrize("rows", [1, 50, 2000])
def test_the_numbers_of_all_slaves_are_listed(rows):
    rng, lookup = np.random.default_rng(rows), lookup_for(rows)
    values = np.round(rng.exponential(3, rows), 3 if rows < 2000 else 9)
    parts = [np.unique(part, return_counts=True) for part in np.array_split(values, 3)]
    total = sum(lookup.table(numbers.view(np.uint64), counts) for numbers, counts in parts)
    found = lookup.entries(total, rows)
    assert found is not None
    order = np.argsort(found[0].view(np.float64))
    different, expected = np.unique(values, return_counts=True)
    assert (found[0].view(np.float64)[order] == different).all()
    assert (found[1][order] == expected).all()


def test_too_many_for_the_table():
    keys = np.arange(2000.0).view(np.uint64)
    assert lookup_for(1).entries(lookup_for(1).table(keys, np.ones(2000, int)), 2000) is None
    with pytest.raises(DataError, match="too many"):
        lookup_for(1 << 21)


def test_more_events_than_rows_at_risk_are_told() -> None:
    times = Times(Subjects("until", "gone"), Scope(3, 10))
    known = {"times": np.array([1.0, 2.0]), "events": np.array([2]), "rows": np.array([3])}
    sums = [np.array([[1, 1]]), np.array([[0, 1, 2]])]
    assert times.learn("risk", known, sums)["at_risk"].tolist() == [[3, 2]]
    sums[0][0, 1] = 3
    with pytest.raises(DataError, match="more rows have an event than are at risk"):
        times.learn("risk", known, sums)
