"""A table's rows, dealt as a cut says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedredis.data.cuts.column import cut_by_column
from fedredis.data.cuts.dirichlet import cut_dirichlet, cut_quantity
from fedredis.data.cuts.shards import cut_shards
from fedredis.data.cuts.spec import Cut
from fedredis.data.cuts.strata import strata
from fedredis.errors import DataError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.data.table import Table


def deal(table: Table, cut: Cut, slaves: int, seed: int) -> list[NDArray[np.int64]]:
    """Deal every row to one slave: the indexes (n,) of each slave's rows, n at least 1."""
    rows = len(table.X)
    if slaves < 1 or seed < 0:
        raise UsageError("slaves must be at least 1, and the seed at least 0")
    if slaves > rows:
        raise DataError(f"{slaves} slaves can't share {rows} rows: each needs at least one")
    rng = np.random.default_rng([seed, 0])
    match cut:
        case Cut("iid"):
            return np.array_split(rng.permutation(rows), slaves)
        case Cut("dirichlet", float(alpha)):
            return cut_dirichlet(strata(table).of, slaves, alpha, rng)
        case Cut("shards", int(shards)):
            return cut_shards(strata(table).of, slaves, shards, rng)
        case Cut("quantity", float(alpha)):
            return cut_quantity(rows, slaves, alpha, rng)
        case Cut("column") if table.groups is not None:
            return cut_by_column(table.groups, slaves, rng)
        case Cut("column", name):
            raise UsageError(f"the rows were read without the column '{name}' to cut them by")
    raise UsageError(f"there is no cut '{cut}'")
