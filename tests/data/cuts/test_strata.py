import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedredis.data.cuts.strata import BINS, strata
from fedredis.data.reading import Reading
from fedredis.data.table import Table
from fedredis.features.protocol import Column


def table_of(y: list[float], classes: tuple[str, ...] = ()) -> Table:
    labels = np.array(y, np.int64 if classes else np.float64)
    return Table(
        np.zeros((len(y), 1)), labels, (Column("x"),), classes, Reading(label="y"), "rows"
    )


def test_classes_are_what_they_are():
    found = strata(table_of([1, 0, 1], ("a", "b", "c")))
    assert (found.of.tolist(), found.names, found.ordered) == ([1, 0, 1], ("a", "b", "c"), False)


def test_numbers_are_put_into_ten_bins_of_one_size():
    y = np.random.default_rng(0).permutation(1000) + 0.5
    found = strata(table_of(y.tolist()))
    assert np.bincount(found.of).tolist() == [100] * 10
    assert found.names[0] == "≤ 99.5"
    assert found.names[-1] == "≤ 999.5"
    assert found.ordered
    assert (found.of[y <= 99.5] == 0).all()


@given(st.lists(st.floats(-1e12, 1e12) | st.sampled_from([0.0, 1.0]), min_size=1, max_size=50))
def test_bins_are_in_order_and_none_is_empty(y):
    found = strata(table_of(y))
    assert len(found.names) <= BINS
    assert set(found.of.tolist()) == set(range(len(found.names)))
    in_order = found.of[np.argsort(y, kind="stable")]
    assert (np.diff(in_order) >= 0).all()
    for bin_ in range(len(found.names) - 1):
        highest = max(np.array(y)[found.of == bin_])
        assert highest < min(np.array(y)[found.of == bin_ + 1])


@pytest.mark.parametrize(
    ("number", "name"),
    [(1961, "≤ 1961"), (0.25, "≤ 0.25"), (3_095_780, "≤ 3096000"), (1.23456e-5, "≤ 0.00001235")],
)
def test_bins_have_short_names(number, name):
    assert strata(table_of([number])).names == (name,)
