"""Cells as codes: the bin of a number, the place of a category. What trees are grown on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import count
from fedredis.features import cells
from fedredis.features.categories import NO_CATEGORY, Categories
from fedredis.features.classes import Classes
from fedredis.features.labels import Labels
from fedredis.features.moments import Moments, histograms
from fedredis.features.prepared import Prepared

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Quantity
    from fedredis.features.protocol import Column, Features

#: Passes that divide cells at most, beside the first by powers of two.
MOST_DIVISIONS = 5
#: Cells that are wished for, as a multiple of the bins that they are put together to.
FINENESS = 4
#: Bins at most: with the missing one they are numbers of one byte.
MOST_BINS = 255
#: What labels are rounded to for their mean and deviation, as a share of the largest: up to 2^25
#: of them then have sums without rounding, the same however they are divided.
GRAIN = 2.0**-28


@dataclass(frozen=True)
class Bins:
    """Map each number to its bin, of which there are at most `bins` with about as many rows.

    Bin k is ``[edge_k, edge_k+1)``, open at both ends; a cell that is missing has a code after
    the last bin. Passes, and what is known after each:

    1. ``magnitudes``: ``grid`` (d, cells + 1), ``steps`` (d,), smallest differences of two values;
    2. ``quantiles_1``, and up to `MOST_DIVISIONS` where that leaves cells too full: a finer
       ``grid``, or at last ``edges`` (d, bins - 1) between the bins, with infinity after the last
       of them, and ``bin_counts`` (d,), how many bins there are.
    """

    columns: tuple[Column, ...]
    bins: int

    def width(self, known: Named) -> int:
        """Count the inputs: one a column."""
        return len(self.columns)

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        if "edges" in known:
            return None
        return f"quantiles_{int(known['divisions'][0]) + 1}" if "grid" in known else "magnitudes"

    @property
    def _cells(self) -> int:
        return FINENESS * self.bins

    @property
    def _ranges(self) -> Moments:
        return Moments(tuple(column.name for column in self.columns), prefix="bin_", gaps=True)

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in a pass."""
        d = len(self.columns)
        if name == "magnitudes":
            return (*self._ranges.quantities(name, known), count("places", (d, cells.PLACES)))
        return (histograms("counts", d, known["grid"].shape[1] - 1, gaps=True),)

    def sums(
        self,
        name: str,
        known: Named,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
    ) -> Arrays:
        """Add up the quantities of a pass over rows X (n, columns), n may be 0."""
        there = [x[~np.isnan(x)] for x in X.T]
        if name == "magnitudes":
            places = np.array([cells.places(x) for x in there])
            return [*self._ranges.sums(name, known, X), places]
        grids = zip(known["grid"], there, strict=True)
        return [np.array([cells.histogram(edges, x) for edges, x in grids])]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass, given the sums over all slaves."""
        if name == "magnitudes":
            self._ranges.learn(name, known, total[:1])
            inside = total[0][:, 1:-1]
            there = inside.sum(axis=1).tolist()
            steps = [cells.step(line, rows) for line, rows in zip(total[1], there, strict=True)]
            grids = [
                cells.refined(cells.MAGNITUDES, line, self._cells, least)
                for line, least in zip(inside, steps, strict=True)
            ]
            return self._finer(known, grids, steps, 0)
        divisions, steps = int(known["divisions"][0]) + 1, known["steps"].tolist()
        lines = list(zip(known["grid"], total[0], steps, strict=True))
        full = [bool(cells.too_full(*line[:2], self._cells, line[2]).any()) for line in lines]
        if any(full) and divisions < MOST_DIVISIONS:
            grids = [
                cells.refined(grid, line, self._cells, least) if finer else grid
                for finer, (grid, line, least) in zip(full, lines, strict=True)
            ]
            return self._finer(known, grids, steps, divisions)
        passing = ("grid", "steps", "divisions")
        kept = {key: array for key, array in known.items() if key not in passing}
        edges = [_between(grid, line, self.bins) for grid, line, _ in lines]
        most = max(map(len, edges))
        padded = [np.pad(line, (0, most - len(line)), constant_values=np.inf) for line in edges]
        counts = np.array([len(line) + 1 for line in edges])
        return {**kept, "edges": np.array(padded), "bin_counts": counts}

    def _finer(
        self, known: Named, grids: list[NDArray[Any]], steps: list[float], divisions: int
    ) -> Named:
        grid, made = cells.stacked(grids), np.array([divisions])
        return {**known, "grid": grid, "steps": np.array(steps), "divisions": made}

    def transform(self, known: Named, X: NDArray[Any]) -> NDArray[np.uint8]:
        """Map rows X (n, columns) to codes (n, columns)."""
        codes = np.empty(X.shape, np.uint8)
        lines = zip(known["edges"], known["bin_counts"].tolist(), X.T, strict=True)
        for j, (edges, bins, x) in enumerate(lines):
            found = np.searchsorted(edges[: bins - 1], x, side="right")
            codes[:, j] = np.where(np.isnan(x), bins, found)
        return codes

    def bounds(self, known: Named) -> NDArray[Any]:
        """Bound the codes (columns,)."""
        return known["bin_counts"].astype(np.float64)

    def warnings(self, known: Named) -> tuple[str, ...]:
        """Name the columns that say nothing."""
        return tuple(
            f"column '{column.name}' is the same in all rows: leave it out of the columns"
            for column, bins in zip(self.columns, known["bin_counts"].tolist(), strict=True)
            if bins == 1
        )


@dataclass(frozen=True)
class Places(Categories):
    """Map each category to its place in the ascending order of its column's digests.

    One that nobody has rows of to learn from has a code after the last, and so has a cell that is
    missing, unless there were such cells to learn from: then it is a category of its own.
    """

    def width(self, known: Named) -> int:
        """Count the inputs: one a column."""
        return len(self.columns)

    def transform(self, known: Named, X: NDArray[Any]) -> NDArray[np.uint16]:
        """Map rows X (n, columns) to codes (n, columns)."""
        codes = np.empty(X.shape, np.uint16)
        ends = np.cumsum(known["category_counts"])[:-1]
        for j, (its, x) in enumerate(zip(np.split(known["categories"], ends), X.T, strict=True)):
            digests = np.where(np.isnan(x), NO_CATEGORY, x)
            found = np.minimum(np.searchsorted(its, digests), len(its) - 1)
            codes[:, j] = np.where(its[found] == digests, found, len(its))
        return codes

    def bounds(self, known: Named) -> NDArray[Any]:
        """Bound the codes (columns,)."""
        return known["category_counts"].astype(np.float64)


def coded(
    columns: tuple[Column, ...], classes: int, bins: int, least: float = -np.inf
) -> Prepared:
    """Make the map to codes: those of the numbers, then those of the categories.

    No label that is a number may be below `least`.
    """
    numbers, categories = places_of(columns)
    parts: list[tuple[tuple[int, ...], Features]] = []
    if numbers:
        parts.append((numbers, Bins(tuple(columns[i] for i in numbers), bins)))
    if categories:
        parts.append((categories, Places(tuple(columns[i] for i in categories))))
    parts.append(((), Classes(classes) if classes else Labels(GRAIN, least)))
    return Prepared(tuple(parts))


def places_of(columns: tuple[Column, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the places of the numbers and those of the categories, in the order of the codes."""
    kinds = [column.kind for column in columns]
    numbers = tuple(i for i, kind in enumerate(kinds) if kind == "number")
    return numbers, tuple(i for i, kind in enumerate(kinds) if kind == "category")


def _between(grid: NDArray[Any], counts: NDArray[np.int64], bins: int) -> NDArray[Any]:
    """Choose which edges of a grid (cells + 1,) stand between bins, given the cells' rows.

    A cell belongs to the bin that the middle of its rows lies in, if all bins had as many. Where
    cells between two bins are empty, the edge is in the middle of them.
    """
    filled = np.flatnonzero(counts)
    if not len(filled):
        return np.empty(0)
    rows = counts[filled]
    # Twice the middle, in whole numbers.
    middle = 2 * np.cumsum(rows) - rows
    bin_of = middle * bins // (2 * int(rows.sum()))
    first = np.flatnonzero(np.diff(bin_of)) + 1
    below, above = grid[filled[first - 1] + 1], grid[filled[first]]
    edges: NDArray[Any] = np.where(below == above, above, below / 2 + above / 2)
    return edges
