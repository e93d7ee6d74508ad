"""The union of the categories that slaves hold, found by adding.

The sum of the slaves' tables is the table of all their rows together, and from it the categories
and their numbers of rows can be listed: an invertible Bloom lookup table (Goodrich and
Mitzenmacher, "Invertible Bloom Lookup Tables", Allerton 2011). Each category belongs to one cell
in each of a few sub-tables, chosen by hashing. A cell is four sums over the rows whose category
belongs there: how many there are, and the lower bits, the upper bits and a checksum of their
digests. A cell with one category only, a pure one, tells the category and its number of rows,
which can then be taken out of its other cells; that makes others pure, and so on (peeling).

What a sum shows is how many rows have which digest. Who knows what a category may be called can
digest the name and look for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Quantity
from fedredis.errors import DataError
from fedredis.features.protocol import MOST_CATEGORIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Sub-tables. With 3 of them, and as many cells in all, 1,000 categories can't be listed 3 times
#: in 1,000, mostly since two share all their cells; with 4 that is about once in 40,000.
HASHES = 4
#: Cells of a sub-table. All of them together are half as many again as there are categories at
#: most; peeling 4 sub-tables would do with 1.3 times as many.
SUB_TABLE = 384
CELLS = HASHES * SUB_TABLE

#: A digest is cut, so that a sum over 2^36 rows is still below 2^63.
LOW_BITS = 27
#: Bits of a digest.
BITS = 53

#: Of the generator SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): its step, and two factors
#: that mix bits.
STEP, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


#: What a row adds at most to each of the four sums of a cell.
MOST = np.array([1, 2**LOW_BITS - 1, 2 ** (BITS - LOW_BITS) - 1, 2**LOW_BITS - 1])


def quantity(columns: int) -> Quantity:
    """Describe the tables of so many columns."""
    return Quantity(
        "cells",
        (columns, 4, CELLS),
        MOST[:, np.newaxis],
        whole=True,
        nonnegative=True,
        plausible=_plausible,
        must="its cells hold more, or less, than the rows can come to",
    )


def _plausible(tables: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of k sums of tables whether each row is in every sub-table, and each cell can be."""
    in_cells = tables[:, :, 0]
    sub_tables = in_cells.reshape(*in_cells.shape[:2], HASHES, SUB_TABLE).sum(axis=3)
    complete = (sub_tables == rows[:, np.newaxis, np.newaxis]).all(axis=(1, 2))
    most = in_cells[:, :, np.newaxis] * MOST[:, np.newaxis]
    fine: NDArray[np.bool_] = complete & (tables <= most).all(axis=(1, 2, 3))
    return fine


def table(values: NDArray[Any]) -> NDArray[Any]:
    """Make the table (4, cells) of a column's cells (n,): whole numbers from 0 to 2^53 - 1."""
    return _insert(*np.unique(values.astype(np.int64), return_counts=True))


def entries(summed: NDArray[Any], column: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """List what is in a sum of tables: the categories (k,) in ascending order, their rows (k,).

    Raises
    ------
    DataError
        If there are more categories than can be, or so many that they can't be told apart.
    """
    rest, found = summed.copy(), [np.empty((2, 0), np.int64)]
    # Each turn finds something: it ends even with sums that are no table.
    while sum(part.shape[1] for part in found) <= MOST_CATEGORIES:
        digests, rows = _pure(rest)
        if not len(digests):
            break
        rest -= _insert(digests, rows)
        found.append(np.array([digests, rows]))
    digests, rows = np.concatenate(found, axis=1)
    if rest.any() or len(digests) > MOST_CATEGORIES:
        raise DataError(
            f"these are too many values to be categories ({MOST_CATEGORIES:,} at most): "
            "leave it out of the columns",
            column=column,
        )
    order = np.argsort(digests)
    return digests[order], rows[order]


def _insert(digests: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """Make a table (4, cells) of categories (k,), all different, with their rows (k,)."""
    filled = np.zeros((4, CELLS), "<i8")
    for cells in _cells(digests):
        for sums, terms in zip(filled, _terms(digests, rows), strict=True):
            np.add.at(sums, cells, terms)
    return filled


def _pure(summed: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Find categories that are alone in one of their cells; return them with their rows."""
    rows, low, high, _ = summed
    each = np.maximum(rows, 1)
    digests = ((high // each) << LOW_BITS) + low // each
    pure = (rows > 0) & (digests >= 0) & (digests >> BITS == 0)
    pure &= (summed == _terms(digests, rows)).all(axis=0)
    pure &= (_cells(digests) == np.arange(CELLS)).any(axis=0)
    alone, where = np.unique(digests[pure], return_index=True)
    return alone, rows[pure][where]


def _terms(digests: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """Return what categories (k,) with so many rows (k,) add to a cell of theirs (4, k)."""
    low = digests & ((1 << LOW_BITS) - 1)
    check = (_mix(digests, HASHES) >> np.uint64(64 - LOW_BITS)).astype(np.int64)
    terms = np.stack([np.ones_like(low), low, digests >> LOW_BITS, check])
    terms *= rows
    return terms


def _cells(digests: NDArray[Any]) -> NDArray[Any]:
    """Return the cells of categories (k,), one in each sub-table (hashes, k)."""
    mixed = np.stack([_mix(digests, i) % np.uint64(SUB_TABLE) for i in range(HASHES)])
    return mixed.astype(np.int64) + np.arange(0, CELLS, SUB_TABLE)[:, np.newaxis]


def _mix(digests: NDArray[Any], stream: int) -> NDArray[np.uint64]:
    """Hash integers (k,) to 64 bits, differently for each stream."""
    z = digests.astype(np.uint64) + np.uint64((stream + 1) * STEP % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(FIRST)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(SECOND)
    return z ^ (z >> np.uint64(31))
