from __future__ import annotations

import numpy as np
import pytest

from fedredis.errors import DataError
from fedredis.inference import distinct


@pytest.mark.parametrize("rows", [1, 50, 2000])
def test_the_numbers_of_all_slaves_are_listed(rows: int) -> None:
    rng = np.random.default_rng(rows)
    values = np.round(rng.exponential(3, rows), 3 if rows < 2000 else 9)
    cells = distinct.cells_for(rows)
    total = sum(distinct.table(part, cells) for part in np.array_split(values, 3))
    found, counts = distinct.entries(total, "time")
    different, expected = np.unique(values, return_counts=True)
    assert (found == different).all()
    assert (counts == expected).all()


def test_too_many_for_the_table() -> None:
    table = distinct.table(np.arange(2000.0), distinct.cells_for(1))
    with pytest.raises(DataError, match="told apart"):
        distinct.entries(table, "time")
    with pytest.raises(DataError, match="too many"):
        distinct.cells_for(1 << 21)
