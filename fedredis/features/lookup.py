"""What rows hold, found by adding: an invertible Bloom lookup table.

(Goodrich and Mitzenmacher, "Invertible Bloom Lookup Tables", Allerton 2011.) Each key belongs to
one cell in each of a few sub-tables, chosen by hashing. A cell is four sums over the rows whose
key belongs there: how many there are, the lower bits, the upper bits and a checksum of their keys.
A cell with one key only, a pure one, tells the key and its number of rows, which can then be taken
out of its other cells; that makes others pure, and so on (peeling). The sum of tables is the table
of all rows together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays.mixing import mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]

#: Sub-tables. With 3 of them, and as many cells in all, 1,000 categories can't be listed 3 times
#: in 1,000, mostly since two share all their cells; with 4 that is about once in 40,000.
HASHES = 4


@dataclass(frozen=True)
class Lookup:
    """Tables of so many cells in all, for keys of so many bits, of which some are the lower ones.

    Sums stay below 2^63 for 2^(63 - low) rows.
    """

    cells: int
    low: int
    bits: int

    @cached_property
    def most(self) -> NDArray[np.int64]:
        """What a row adds at most to each of the four sums of a cell."""
        return np.array([1, 2**self.low - 1, 2 ** (self.bits - self.low) - 1, 2**self.low - 1])

    def table(self, keys: Keys, rows: NDArray[Any]) -> NDArray[np.int64]:
        """Make the table (4, cells) of keys (k,), all different, with their rows (k,)."""
        filled, terms = np.zeros((4, self.cells), np.int64), self._terms(keys, rows)
        for places in self.places(keys):
            for sums, term in zip(filled, terms, strict=True):
                np.add.at(sums, places, term)
        return filled

    def entries(self, summed: NDArray[Any], most: int) -> tuple[Keys, NDArray[np.int64]] | None:
        """List the keys (k,) of a sum of tables, `most` of them at most, and their rows (k,).

        None if there are more, or so many that they can't be told apart.
        """
        rest, keys, rows = summed.copy(), [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
        # Each turn finds something: it ends even with sums that are no table.
        while sum(map(len, keys)) <= most:
            some, counts = self._pure(rest)
            if not len(some):
                break
            rest -= self.table(some, counts)
            keys.append(some)
            rows.append(counts)
        found = np.concatenate(keys)
        return None if rest.any() or len(found) > most else (found, np.concatenate(rows))

    def places(self, keys: Keys) -> NDArray[np.int64]:
        """Return the cells of keys (k,), one in each sub-table (hashes, k)."""
        each = self.cells // HASHES
        cells = np.stack([mixed(keys, i) % np.uint64(each) for i in range(HASHES)])
        return cells.astype(np.int64) + np.arange(0, self.cells, each)[:, np.newaxis]

    def _pure(self, summed: NDArray[Any]) -> tuple[Keys, NDArray[np.int64]]:
        """Find keys that are alone in one of their cells; return them with their rows."""
        rows = summed[0]
        low, high = summed[1:3] // np.maximum(rows, 1)
        pure = (rows > 0) & (low >= 0) & (low <= self.most[1])
        pure &= (high >= 0) & (high <= self.most[2])
        keys = np.where(pure, high, 0).astype(np.uint64) << np.uint64(self.low)
        keys |= np.where(pure, low, 0).astype(np.uint64)
        pure &= (summed == self._terms(keys, rows)).all(axis=0)
        pure &= (self.places(keys) == np.arange(self.cells)).any(axis=0)
        alone, where = np.unique(keys[pure], return_index=True)
        return alone, rows[pure][where]

    def _terms(self, keys: Keys, rows: NDArray[Any]) -> NDArray[np.int64]:
        """Return what keys (k,) with so many rows (k,) add to a cell of theirs (4, k)."""
        low = np.uint64(self.low)
        check = mixed(keys, HASHES) >> np.uint64(64 - self.low)
        parts = [np.ones_like(keys), keys & np.uint64(2**self.low - 1), keys >> low, check]
        terms: NDArray[np.int64] = np.stack(parts).astype(np.int64) * rows
        return terms
