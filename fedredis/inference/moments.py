"""Numbers of each column, and each group: how many, mean, standard deviation, correlations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fedredis.errors import DataError
from fedredis.features import cells
from fedredis.features.moments import unit_of
from fedredis.inference.exact import Count, Part, Real
from fedredis.inference.levels import places
from fedredis.inference.spread import recentred
from fedredis.inference.stages import square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Scope
    from fedredis.inference.stages import Frame

#: Cells of values by sign and power of two.
CELLS = len(cells.MAGNITUDES) + 1


@dataclass(frozen=True)
class Groups:
    """The groups that rows are of: the categories of a column, or all in one."""

    by: str = ""

    def of(self, known: Named, frame: Frame) -> NDArray[np.int64]:
        """Return the places of rows' groups (n,), -1 of a row that has none."""
        if not self.by:
            return np.zeros(frame.rows, np.int64)
        cells_ = frame.columns[self.by]
        gaps = np.isnan(cells_)
        return np.where(gaps, -1, places(known[f"levels:{self.by}"], np.where(gaps, 0, cells_)))

    def count(self, known: Named) -> int:
        """Count them."""
        return len(known[f"levels:{self.by}"]) if self.by else 1


@dataclass(frozen=True)
class Moments:
    """Learn of d columns of numbers, in g groups, cells that are missing left out of each.

    1. ``ranges``: ``cells`` (g, d, CELLS), counts by sign and power of two, and ``group_rows``
       (g,); of categories (named ``counts:<column>``) the rows by group and level (g, k);
    2. ``moments``: ``there``, ``means``, ``variances`` (g, d), the latter divided by n - 1; and,
       if wished for, ``correlations`` (d, d) of the rows that have both columns;
    3. ``moments again``, as in `Spread`.
    """

    columns: tuple[str, ...]
    categories: tuple[str, ...]
    groups: Groups
    scope: Scope
    correlate: bool = True
    blanks: ClassVar[bool] = True

    def next_pass(self, known: Named) -> str | None:
        """``ranges``, then ``moments`` if there are numbers."""
        if "cells" not in known:
            return "ranges"
        if not self.columns or "means" in known:
            return None
        return "moments again" if "again" in known else "moments"

    @cached_property
    def _pairs(self) -> bool:
        return self.correlate and len(self.columns) > 1

    def parts(self, name: str, known: Named) -> tuple[Part, ...]:
        """Describe what is summed in a pass."""
        g, d = self.groups.count(known), len(self.columns)
        if name == "ranges":
            levels = [(c, len(known[f"levels:{c}"])) for c in self.categories]
            counts = (Count.of(f"counts:{c}", g, k, among=(0, 1), cells=True) for c, k in levels)
            rows = Count.of("group_rows", g, among=(0,), cells=True)
            within = Count.of("cells", g, d, CELLS, among=(0, 2), bound=cells.WITHIN)
            return (within, rows, *counts)
        own = (Real("sums", (g, d, 2), self.scope),)
        if not self._pairs:
            return own
        reals = (("first", (d, d)), ("squares", (d, d)), ("products", (d * (d + 1) // 2,)))
        pairs = (Real(name, shape, self.scope) for name, shape in reals)
        return (*own, Count.of("both", d, d), *pairs)

    def sums(self, name: str, known: Named, frame: Frame) -> Arrays:
        """Add up a slave's rows."""
        group = self.groups.of(known, frame)
        g, d = self.groups.count(known), len(self.columns)
        x = np.array([frame.columns[c] for c in self.columns]).reshape(d, frame.rows)
        there = ~np.isnan(x) & (group >= 0)
        if name == "ranges":
            counts = np.zeros((g, d, CELLS), np.int64)
            for column in range(d):
                for one in range(g):
                    some = there[column] & (group == one)
                    counts[one, column] = cells.inside(x[column, some], self.columns[column])
            rows = np.bincount(group[group >= 0], minlength=g)
            return [counts, rows, *(self._levels(known, frame, c, group) for c in self.categories)]
        q = np.where(there, (x - known["pivot"][:, np.newaxis]) / known["unit"][:, np.newaxis], 0)
        parts: Any = self.parts(name, known)
        grouped = group >= 0
        both = np.stack([q, q * q], axis=-1).transpose(1, 0, 2)
        arrays = [parts[0].add_in(group[grouped], both[grouped])]
        if not self._pairs:
            return arrays
        _, _, first, squares, products = parts
        m = there.astype(np.int64)
        pairs = [first.add_where(q, m), squares.add_where(q * q, m)]
        return [*arrays, m @ m.T, *pairs, products.add_products(q, np.ones(frame.rows))]

    def _levels(self, known: Named, frame: Frame, column: str, group: Any) -> NDArray[np.int64]:
        levels, values = known[f"levels:{column}"], frame.columns[column]
        counts = np.zeros((self.groups.count(known), len(levels)), np.int64)
        some = (group >= 0) & ~np.isnan(values)
        if some.any():
            np.add.at(counts, (group[some], places(levels, values[some])), 1)
        return counts

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass."""
        if name == "ranges":
            found = {f"counts:{c}": a for c, a in zip(self.categories, total[2:], strict=True)}
            return {**known, **self._ranges(total[0]), "group_rows": total[1], **found}
        there = known["cells"].sum(axis=2)
        pivot, unit = known["pivot"], known["unit"]
        with np.errstate(divide="ignore", invalid="ignore"):
            away = total[0][..., 0] / there
            variances = np.maximum(total[0][..., 1] - there * away**2, 0) / (there - 1) * unit**2
        if name == "moments":
            all_, rows = total[0].sum(axis=0), np.maximum(there.sum(axis=0), 1)
            middle = all_[:, 0] / rows
            spread = np.maximum(all_[:, 1] / rows - middle**2, 0)
            mean = pivot + unit * middle
            centred, smaller, poor = recentred(middle, spread, mean, pivot, unit)
            if poor:
                return {**known, "pivot": centred, "unit": smaller, "again": np.array(1)}
        after = {**known, "there": there, "means": pivot + unit * away, "variances": variances}
        if self._pairs:
            after["correlations"] = _correlations(*total[1:])
        return after

    def _ranges(self, counts: NDArray[np.int64]) -> Named:
        edges = cells.MAGNITUDES
        middles = (edges[:-1] + edges[1:]) / 2
        pivots, units = [], []
        for name, line in zip(self.columns, counts.sum(axis=0), strict=True):
            if line[0] or line[-1]:
                raise DataError(cells.TOO_LARGE, column=name)
            filled = np.flatnonzero(line[1:-1])
            low, high = (edges[filled[0]], edges[filled[-1] + 1]) if len(filled) else (0.0, 1.0)
            pivot = float(line[1:-1] @ middles / max(1, line.sum()))
            pivots.append(min(max(pivot, low), high))
            units.append(float(unit_of(np.array(max(high - pivots[-1], pivots[-1] - low)))))
        return {"cells": counts, "pivot": np.array(pivots), "unit": np.array(units)}


def _correlations(
    both: NDArray[np.int64], first: NDArray[Any], squares: NDArray[Any], products: NDArray[Any]
) -> NDArray[Any]:
    """Return Pearson's correlations (d, d) over the rows that have both columns.

    `first` and `squares` (d, d) sum up one column where the other one is there.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = first / both
        variance = squares / both - mean**2
        covariance = square(products) / both - mean * mean.T
        found = covariance / np.sqrt(variance * variance.T)
    found = np.where(both > 1, (found + found.T) / 2, np.nan)
    own = np.diag(found)
    np.fill_diagonal(found, np.where(np.isnan(own), np.nan, 1.0))
    return np.asarray(np.clip(found, -1, 1))
