"""What holds of every cut."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fedredis.data.cuts.deal import deal
from fedredis.data.cuts.spec import FORMS, Cut
from fedredis.data.reading import Reading
from fedredis.data.table import Table
from fedredis.errors import DataError, UsageError
from fedredis.features.protocol import Column

CUTS = (
    *("iid", "dirichlet:0.000001", "dirichlet:0.1", "dirichlet:1", "dirichlet:1000000"),
    *("shards", "quantity:0.000001", "quantity:0.5", "quantity:1000000", "column:kind"),
)
every_cut = pytest.mark.parametrize("text", CUTS)


def table_of(y: NDArray[np.int64] | NDArray[np.float64], classes: int) -> Table:
    names = tuple(f"class {number}" for number in range(classes))
    groups = [f"group {number}" for number in range(len(y))]
    return Table(
        np.zeros((len(y), 1)), y, (Column("x"),), names, Reading(label="y"), "rows", None, groups
    )


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Draw tables with classes, of which some have no row, and with numbers, of which some tie."""
    rows = draw(st.integers(1, 60))
    if draw(st.booleans()):
        numbers = st.floats(-1e9, 1e9) | st.sampled_from([0.0, 1.0])
        labels = draw(st.lists(numbers, min_size=rows, max_size=rows))
        return table_of(np.array(labels), 0)
    classes = draw(st.integers(2, 5))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows))
    return table_of(np.array(labels), classes)


def test_every_kind_of_cut_is_tried():
    assert {Cut.parse(text).kind for text in CUTS} == set(FORMS)


@every_cut
@given(table=tables(), share=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_every_row_is_dealt_once_and_no_slave_is_empty(text, table, share, seed):
    rows = len(table.y)
    slaves = 1 + round(share * (rows - 1))
    dealt = deal(table, Cut.parse(text), slaves, seed)
    assert len(dealt) == slaves
    assert min(map(len, dealt)) >= 1
    assert sorted(np.concatenate(dealt).tolist()) == list(range(rows))


def test_an_even_cut_stays_what_it_is():
    assert [rows.tolist() for rows in deal(table_of(np.arange(7) % 3, 3), Cut(), 3, 1)] == [
        [5, 0, 1],
        [4, 2],
        [6, 3],
    ]


@every_cut
def test_the_seed_decides(text):
    table = table_of(np.arange(300) % 3, 3)
    one, same, other = (
        [rows.tolist() for rows in deal(table, Cut.parse(text), 7, seed)] for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


@every_cut
def test_who_can_not_be_dealt_to(text):
    table, cut = table_of(np.arange(10) % 3, 3), Cut.parse(text)
    with pytest.raises(UsageError, match="slaves must be at least 1"):
        deal(table, cut, 0, 0)
    with pytest.raises(UsageError, match="the seed at least 0"):
        deal(table, cut, 3, -1)
    with pytest.raises(DataError, match="11 slaves can't share 10 rows: each needs at least one"):
        deal(table, cut, 11, 0)


def test_a_column_that_was_not_read():
    table = dataclasses.replace(table_of(np.arange(10) % 3, 3), groups=None)
    with pytest.raises(UsageError, match="read without the column 'artist'"):
        deal(table, Cut("column", "artist"), 2, 0)


@pytest.mark.parametrize("cut", [Cut("even"), Cut("dirichlet"), Cut("shards", "two")])
def test_a_cut_that_was_not_parsed(cut):
    with pytest.raises(UsageError, match="there is no cut"):
        deal(table_of(np.arange(10) % 3, 3), cut, 2, 0)
