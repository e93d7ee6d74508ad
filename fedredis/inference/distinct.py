"""The different numbers that rows hold, such as the times of events, found by adding.

As `fedredis.features.union` for categories, for any float64 and any number of them: an invertible
Bloom lookup table whose size follows from the number of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Sub-tables, and the cells of one at least, and by number that there may be.
HASHES, FEWEST, SHARE = 4, 64, 0.45
#: Bits of each half of a number.
HALF = 32
#: Rows, low and high half and check: what a row adds to a cell at most.
MOST = np.array([1, 2**HALF - 1, 2**HALF - 1, 2**HALF - 1])
#: Of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
STEP, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
#: Numbers of which a table may be asked at most.
LARGEST = 1 << 20


def cells_for(rows: int) -> int:
    """Return how many cells a table has that is to tell the numbers of so many rows."""
    if rows > LARGEST:
        raise DataError(f"{rows:,} rows may hold too many different numbers")
    return HASHES * max(FEWEST, int(SHARE * rows))


def table(values: NDArray[np.float64], cells: int) -> NDArray[np.int64]:
    """Make the table (4, cells) of the numbers (n,)."""
    different, rows = np.unique(values + 0.0, return_counts=True)
    return _insert(different.view(np.uint64), rows.astype(np.int64), cells)


def entries(summed: NDArray[np.int64], column: str) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """List the numbers that are in a sum of tables (k,), in ascending order, and their rows.

    Raises
    ------
    DataError
        If they can't be told apart.
    """
    rest, cells = summed.copy(), summed.shape[1]
    keys, rows = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    while True:
        some, counts = _pure(rest)
        if not len(some) or sum(map(len, keys)) > cells:
            break
        rest -= _insert(some, counts, cells)
        keys.append(some)
        rows.append(counts)
    if rest.any():
        raise DataError("its different numbers can't be told apart", column=column)
    values = np.concatenate(keys).view(np.float64)
    order = np.argsort(values)
    return values[order], np.concatenate(rows)[order]


def _insert(keys: NDArray[np.uint64], rows: NDArray[Any], cells: int) -> NDArray[np.int64]:
    filled = np.zeros((4, cells), np.int64)
    terms = _terms(keys, rows)
    for places in _places(keys, cells):
        for sums, term in zip(filled, terms, strict=True):
            np.add.at(sums, places, term)
    return filled


def _pure(summed: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    rows = summed[0]
    each = np.maximum(rows, 1)
    low, high = summed[1] // each, summed[2] // each
    inside = (rows > 0) & (low >= 0) & (high >= 0) & (low >> HALF == 0) & (high >> HALF == 0)
    keys = (np.where(inside, high, 0).astype(np.uint64) << np.uint64(HALF)) | np.where(
        inside, low, 0
    ).astype(np.uint64)
    pure = inside & (summed == _terms(keys, rows)).all(axis=0)
    pure &= (_places(keys, summed.shape[1]) == np.arange(summed.shape[1])).any(axis=0)
    alone, where = np.unique(keys[pure], return_index=True)
    return alone, rows[pure][where]


def _terms(keys: NDArray[np.uint64], rows: NDArray[Any]) -> NDArray[np.int64]:
    half = np.uint64(HALF)
    mask = np.uint64(2**HALF - 1)
    check = _mix(keys, HASHES) >> half
    terms = np.stack([np.ones_like(keys), keys & mask, keys >> half, check]).astype(np.int64)
    found: NDArray[np.int64] = terms * rows
    return found


def _places(keys: NDArray[np.uint64], cells: int) -> NDArray[np.int64]:
    each = cells // HASHES
    mixed = np.stack([_mix(keys, i) % np.uint64(each) for i in range(HASHES)])
    return mixed.astype(np.int64) + np.arange(0, cells, each)[:, np.newaxis]


def _mix(keys: NDArray[np.uint64], stream: int) -> NDArray[np.uint64]:
    z = keys + np.uint64((stream + 1) * STEP % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(FIRST)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(SECOND)
    return z ^ (z >> np.uint64(31))
