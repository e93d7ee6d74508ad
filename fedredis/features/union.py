"""The union of the categories that slaves hold, found by adding: see `Lookup`.

What a sum shows is how many rows have which digest. Who knows what a category may be called can
digest the name and look for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Quantity
from fedredis.errors import DataError
from fedredis.features.lookup import HASHES, Lookup
from fedredis.features.protocol import MOST_CATEGORIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Cells of a sub-table. All of them together are half as many again as there are categories at
#: most; peeling 4 sub-tables would do with 1.3 times as many.
SUB_TABLE = 384
CELLS = HASHES * SUB_TABLE
#: Of digests of 53 bits, cut so that a sum over 2^36 rows is still below 2^63.
LOOKUP = Lookup(CELLS, 27, 53)


def quantity(columns: int) -> Quantity:
    """Describe the tables of so many columns."""
    return Quantity(
        "cells",
        (columns, 4, CELLS),
        LOOKUP.most[:, np.newaxis],
        whole=True,
        nonnegative=True,
        cells=True,
        plausible=_plausible,
        must="its cells hold more, or less, than the rows can come to",
    )


def _plausible(tables: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of k sums of tables whether each row is in every sub-table, and each cell can be."""
    in_cells = tables[:, :, 0]
    sub_tables = in_cells.reshape(*in_cells.shape[:2], HASHES, SUB_TABLE).sum(axis=3)
    complete = (sub_tables == rows[:, np.newaxis, np.newaxis]).all(axis=(1, 2))
    most = in_cells[:, :, np.newaxis] * LOOKUP.most[:, np.newaxis]
    fine: NDArray[np.bool_] = complete & (tables <= most).all(axis=(1, 2, 3))
    # Each row is in a cell of every sub-table, with the same digest.
    in_each = tables.reshape(*tables.shape[:3], HASHES, SUB_TABLE).sum(axis=4)
    fine &= (in_each == in_each[..., :1]).all(axis=(1, 2, 3))
    for i in np.flatnonzero(fine & (rows <= MOST_CATEGORIES)):
        # So few rows can't have too many categories.
        fine[i] = all(LOOKUP.entries(table, MOST_CATEGORIES) is not None for table in tables[i])
    return fine


def table(values: NDArray[Any]) -> NDArray[Any]:
    """Make the table (4, cells) of a column's cells (n,): whole numbers from 0 to 2^53 - 1."""
    digests, rows = np.unique(values.astype(np.uint64), return_counts=True)
    return LOOKUP.table(digests, rows)


def entries(summed: NDArray[Any], column: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """List what is in a sum of tables: the categories (k,) in ascending order, their rows (k,).

    Raises
    ------
    DataError
        If there are more categories than can be, or so many that they can't be told apart.
    """
    found = LOOKUP.entries(summed, MOST_CATEGORIES)
    if found is None:
        raise DataError(
            f"these are too many values to be categories ({MOST_CATEGORIES:,} at most): "
            "leave it out of the columns",
            column=column,
        )
    order = np.argsort(found[0])
    return found[0][order].astype(np.int64), found[1][order]


def holding(values: NDArray[Any]) -> NDArray[Any]:
    """Count a column's different categories (n,) in each cell (cells,)."""
    cells = LOOKUP.places(np.unique(values.astype(np.uint64)))
    return np.bincount(cells.ravel(), minlength=CELLS)


def holders(summed: NDArray[Any], digests: NDArray[Any]) -> NDArray[Any]:
    """Tell how many slaves have each of all categories (k,), given the sum of what they hold.

    By peeling, as of tables: a cell that is left with one category has its holders.
    """
    cells, rest = LOOKUP.places(digests.astype(np.uint64)), summed.copy()
    found, unknown = np.zeros(len(digests), np.int64), np.ones(len(digests), np.bool_)
    while unknown.any():
        load = np.bincount(cells[:, unknown].ravel(), minlength=CELLS)
        alone = load[cells] == 1
        known = unknown & alone.any(axis=0)
        if not known.any():  # of sums that are none of slaves
            break
        at = np.flatnonzero(known)
        found[at] = rest[cells[alone[:, at].argmax(axis=0), at]]
        for line in cells[:, at]:  # NumPy broadcasts nothing here, and reads what lies behind
            np.subtract.at(rest, line, found[at])
        unknown &= ~known
    return found
