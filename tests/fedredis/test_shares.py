import math

import pytest

from fedredis import shares


@pytest.mark.parametrize(("share", "count", "up"), [(0.28, 25, 7), ("0.07", 100, 7), (0.3, 10, 3)])
def test_a_share_is_taken_as_it_is_written(share, count, up):
    assert math.ceil(shares.of(share, count)) == up
    assert math.ceil(float(share) * count) >= up


def test_halves_are_halves():
    assert round(shares.of(0.575, 100)) == 58 != round(0.575 * 100)
