"""The columns themselves, standardised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.features.moments import Moments, most_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Quantity
    from fedredis.features.protocol import Column


@dataclass(frozen=True)
class Plain:
    """Map each column x to ``(x - mean) / scale``, the standard deviation.

    The passes are those of `Moments`. Known afterwards, all (columns,): ``mean``, ``scale``,
    ``bound``, ``constant``, and ``fill`` if cells may be missing, which become the mean.
    """

    columns: tuple[Column, ...]
    gaps: bool = False

    @property
    def _moments(self) -> Moments:
        return Moments(tuple(column.name for column in self.columns), gaps=self.gaps)

    def width(self, known: Named) -> int:
        """Count the inputs: one a column."""
        return len(self.columns)

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        return self._moments.next_pass(known)

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in a pass."""
        return self._moments.quantities(name, known)

    def sums(
        self,
        name: str,
        known: Named,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
    ) -> Arrays:
        """Add up the quantities of a pass over rows X (n, columns), n may be 0."""
        return self._moments.sums(name, known, X)

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass, given the sums over all slaves."""
        after = self._moments.learn(name, known, total)
        return {**after, "fill": after["mean"]} if self.gaps and "mean" in after else after

    def transform(self, known: Named, X: NDArray[Any]) -> NDArray[Any]:
        """Map rows X (n, columns) to inputs (n, columns)."""
        inputs: NDArray[Any] = (filled(known, X) - known["mean"]) / known["scale"]
        return inputs

    def bounds(self, known: Named) -> NDArray[Any]:
        """Bound the inputs of rows that were learned from (columns,)."""
        return most_of(known["bound"], known["scale"], known["rows"])

    def warnings(self, known: Named) -> tuple[str, ...]:
        """Name the columns that say nothing."""
        return constant_columns(self.columns, known)


def filled(known: Named, X: NDArray[Any]) -> NDArray[Any]:
    """Return rows X (n, columns) without gaps, if it is known what to fill them with."""
    return np.where(np.isnan(X), known["fill"], X) if "fill" in known else X


def constant_columns(columns: tuple[Column, ...], known: Named) -> tuple[str, ...]:
    """Warn of the columns that have one value throughout."""
    constant = known["constant"][: len(columns)].tolist()
    return tuple(
        f"column '{column.name}' is the same in all rows: leave it out of the columns"
        for column, same in zip(columns, constant, strict=True)
        if same
    )
