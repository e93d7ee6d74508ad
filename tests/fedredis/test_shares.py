import math

import pytest

from fedredis import shares


@pytest.mark.parametrize(("share", "count", "up"), [(0.28, 25, 7), ("0.07", 100, 7), (0.3, 10, 3)])
def test_a_share_is_taken_as_it_is_written(share, count, up):
    assert math.ceil(shares.of(share, count)) == up
    assert math.ceil(float(share) * count) >= up


def test_halves_are_halves():
    assert round(shares.of(0.575, 100)) == 58 != round(0.575 * 100)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ({"a": 1, "b": 98, "c": 1}, "slave b says that it has 98 of all 100 rows (98.0 %): "),
        ({"a": 5, "b": 90, "c": 5}, None),
        ({"a": 1, "b": 99}, None),
        ({}, None),
    ],
)
def test_a_slave_that_has_nearly_all_rows_is_told(rows, told):
    assert (shares.crowding(rows) or "").startswith(told or "")
    assert bool(shares.crowding(rows)) == bool(told)
