import numpy as np

from fedredis.data.cuts.fill import fill


def test_who_has_none_is_given_the_last_row_of_who_has_most():
    parts = [np.array(rows, np.int64) for rows in ([], [1, 2, 3], [], [4, 5], [])]
    assert [rows.tolist() for rows in fill(parts)] == [[3], [1], [2], [4], [5]]


def test_who_has_one_keeps_it():
    parts = [np.array([7]), np.array([1, 2])]
    assert [rows.tolist() for rows in fill(parts)] == [[7], [1, 2]]
