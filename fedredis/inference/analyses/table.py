"""A table of two columns: counts of categories, or a number by category."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import UsageError
from fedredis.inference import contingency, distributions
from fedredis.inference.analyses import shared
from fedredis.inference.coefficients import plain
from fedredis.inference.moments import Groups, Moments
from fedredis.inference.stages import Chain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.inference.analyses.context import Context


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossTable:
    """Counts by the categories of two columns; where `row` holds numbers, means by `column`."""

    context: Context
    row: str = shared.column("Categories or numbers.", "any", MISSING)
    column: str = shared.column("Categories.", "category", MISSING)

    def __post_init__(self) -> None:
        self.context.check(self)
        if self.row == self.column:
            raise UsageError(f"'{self.row}' is named twice")

    @cached_property
    def _counts(self) -> bool:
        return self.context.kinds[self.row] == "category"

    @cached_property
    def chain(self) -> Chain:
        """Categories, then counts or moments."""
        names = ((self.row,) if self._counts else (), () if self._counts else (self.row,))
        levels = self.context.known_levels((*names[0], self.column))
        groups, scope = Groups(self.column), self.context.scope
        return Chain((*levels, Moments(names[1], names[0], groups, scope, correlate=False)))

    def result(self, known: Named) -> dict[str, Any]:
        """Return the table with its tests."""
        names = self.context.levels(self.column, known)
        about = {"row": self.row, "column": self.column, "columns": names, "withheld": []}
        if not self._counts:
            return {**about, "kind": "means", **self._means(known, names)}
        counts = known[f"counts:{self.row}"].T
        total = int(counts.sum())
        found = {
            **about,
            "kind": "counts",
            "rows": self.context.levels(self.row, known),
            "total": total,
            "missing": self.context.scope.rows - total,
            "row_totals": counts.sum(axis=1).tolist(),
            "column_totals": counts.sum(axis=0).tolist(),
        }
        least = self.context.least
        if any(map(self.context.few, counts.ravel().tolist())):
            said = f"cells and tests: a cell has fewer than {least} rows"
            return {**found, "counts": None, "withheld": [said]}
        return {**found, **_of_counts(counts)}

    def _means(self, known: Named, names: list[str]) -> dict[str, Any]:
        n, mean, variance = (known[key][:, 0] for key in ("there", "means", "variances"))
        total, withheld = int(n.sum()), []
        found = {"rows": [self.row], "total": total, "missing": self.context.scope.rows - total}
        if any(map(self.context.few, n.tolist())):
            withheld = [f"means and tests: a group has fewer than {self.context.least} rows"]
            return {**found, "groups": None, "withheld": withheld}
        groups = [
            {"group": name, "n": int(k), "mean": float(m), "sd": plain(math.sqrt(v))}
            for name, k, m, v in zip(names, n, mean, variance, strict=True)
            if k
        ]
        return {**found, "groups": groups, **contingency.tests_of_means(n, mean, variance)}


def _of_counts(counts: NDArray[np.int64]) -> dict[str, Any]:
    with np.errstate(divide="ignore", invalid="ignore"):
        by_row = np.nan_to_num(counts / counts.sum(axis=1, keepdims=True))
        by_column = np.nan_to_num(counts / counts.sum(axis=0))
    found = {
        "counts": counts.tolist(),
        "row_shares": by_row.tolist(),
        "column_shares": by_column.tolist(),
        "chi_squared": contingency.chi_squared(counts),
    }
    if counts.shape == (2, 2):
        found["chi_squared_corrected"] = contingency.chi_squared(counts, corrected=True)
        (a, b), (c, d) = counts.tolist()
        found["odds_ratio"] = a * d / (b * c) if b * c else None
        found["fisher"] = {"p": distributions.fisher(counts)}
    return found
