import numpy as np
import pytest

from fedredis.data.cuts.deal import deal
from fedredis.data.cuts.spec import Cut
from fedredis.data.reading import Reading
from fedredis.data.report import OTHERS, CutReport, report_on
from fedredis.data.table import Table
from fedredis.features.protocol import Column


def report(counts: list[list[int]], *, ordered: bool = False) -> CutReport:
    labels = tuple("abcdefgh"[: len(counts[0])])
    return CutReport(np.array(counts), np.zeros(len(counts), np.int64), labels, ordered)


def table_of(y: np.ndarray, classes: tuple[str, ...]) -> Table:
    return Table(np.zeros((len(y), 1)), y, (Column("x"),), classes, Reading(label="kind"), "rows")


def test_the_labels_of_each_slave_are_counted():
    table = table_of(np.array([0, 0, 1, 1, 1, 0, 0]), ("cat", "dog", "fish"))
    dealt = [np.array([0, 1, 2, 3, 4]), np.array([5]), np.array([6])]
    found = report_on(table, dealt, test_fraction=0.4)
    assert found.labels == ("cat", "dog", "fish")
    assert found.counts.tolist() == [[2, 3, 0], [1, 0, 0], [1, 0, 0]]
    assert found.rows.tolist() == [5, 1, 1]
    assert found.held_out.tolist() == [2, 0, 0]
    assert not found.ordered


def test_numbers_are_counted_by_bin():
    y = np.random.default_rng(0).normal(size=500)
    table = table_of(y, ())
    found = report_on(table, deal(table, Cut("shards", 1), 10, 0), 0.2)
    assert found.ordered
    assert found.counts.shape == (10, 10)
    assert sorted(found.counts.max(axis=1).tolist()) == [50] * 10


def test_slaves_that_are_alike():
    found = report([[2, 4], [1, 2], [3, 6]])
    assert (found.size_ratio, found.label_distance) == (3, 0)


def test_slaves_that_differ_in_their_labels():
    """Half of all rows are b: none of the first slave's, three quarters of the others'."""
    found = report([[4, 0], [1, 3], [1, 3]])
    assert found.label_distance == pytest.approx((1 / 2 + 1 / 4 + 1 / 4) / 3)
    assert found.size_ratio == 1


def test_it_is_said_in_one_line():
    assert report([[4, 0], [1, 1]]).in_words == (
        "the largest slave has 2.0 times the rows of the smallest; mixes of labels are 0.25 from "
        "that of all rows (0 alike, 1 apart)"
    )
    assert "has 40,000 times" in report([[40_000], [1]]).in_words


def test_rare_labels_are_added_up():
    found = report([[1, 9, 0, 5, 2], [1, 9, 3, 5, 2]]).with_at_most(3)
    assert found.labels == ("b", "d", OTHERS)
    assert found.counts.tolist() == [[9, 5, 3], [9, 5, 6]]


def test_bins_are_added_up_with_their_neighbours():
    found = report([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]], ordered=True).with_at_most(3)
    assert found.labels == ("b", "d", "e")
    assert found.counts.tolist() == [[3, 7, 5], [13, 17, 10]]


@pytest.mark.parametrize("ordered", [True, False])
def test_few_labels_stay_apart(ordered):
    found = report([[1, 2, 3]], ordered=ordered)
    assert found.with_at_most(3) is found
