"""Mean, standard deviation and products of some variables of which nothing is known beforehand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from fedredis.errors import DataError
from fedredis.features import cells
from fedredis.features.moments import unit_of
from fedredis.inference.design import INTERCEPT
from fedredis.inference.exact import Count, Part, Real
from fedredis.inference.stages import square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Scope
    from fedredis.inference.stages import Frame

#: The variance of a constant at most, in units.
CONSTANT = 2.0**-90
#: A variance that is a smaller share of the squared distance from the pivot has lost digits.
LOST = 1e-5
#: A deviation is no smaller than this share of its unit, as far as that is known before digits are
#: won back.
LEAST_DEVIATION = 2.0**-26
#: Fewer complete rows than this tell nothing.
FEWEST = 2


def recentred(
    away: NDArray[Any],
    variance: NDArray[Any],
    mean: NDArray[Any],
    pivot: NDArray[Any],
    unit: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[Any], bool]:
    """Return a pivot and a unit to sum up about again, and whether that is needed at all.

    `away` and `variance` are in units, of the distance from the pivot.
    """
    poor = variance < LOST * away**2
    deviation = np.maximum(np.sqrt(variance), LEAST_DEVIATION)
    smaller = np.where(poor, unit * unit_of(deviation), unit)
    return np.where(poor, mean, pivot), smaller, bool(poor.any())


class Variables(Protocol):
    """Some numbers of each row that is complete."""

    def names(self, known: Named) -> tuple[str, ...]:
        """Return what they are called."""

    def matrix(self, known: Named, frame: Frame) -> NDArray[np.float64]:
        """Return them (n, p), n the complete rows of the frame."""


@dataclass(frozen=True)
class Numbers:
    """Some columns of numbers, of rows that have them all."""

    columns: tuple[str, ...]

    def names(self, known: Named) -> tuple[str, ...]:
        """Return what they are called."""
        return self.columns

    def matrix(self, known: Named, frame: Frame) -> NDArray[np.float64]:
        """Return them (n, p), n the complete rows of the frame."""
        return frame.complete(self.columns).cells


@dataclass(frozen=True)
class Spread:
    """Learn of p variables ``mean``, ``scale``, ``constant`` (p,), and ``covariance`` (p, p).

    The scale is the standard deviation, divided by n, or 1 of a constant; ``rows`` is the number
    of complete rows.

    1. ``ranges``, counts by sign and power of two, which give a pivot c and a unit u;
    2. ``spread``, sums of ``q = (x - c) / u`` and of products of two of them;
    3. ``spread again``, if a variable is so far from c beside its deviation that digits are lost:
       the same about the means.
    """

    variables: Variables
    scope: Scope
    #: Columns of a model by row that is left at most; more would tell of rows.
    share: float = math.inf
    #: How many of the last variables are no columns of a model.
    beside: int = 0
    blanks: ClassVar[bool] = False

    def next_pass(self, known: Named) -> str | None:
        """``ranges``, then ``spread``."""
        if "mean" in known:
            return None
        if "again" in known:
            return "spread again"
        return "spread" if "pivot" in known else "ranges"

    def parts(self, name: str, known: Named) -> tuple[Part, ...]:
        """Describe what is summed in a pass."""
        p = len(self.variables.names(known))
        if name == "ranges":
            shape = p, len(cells.WITHIN)
            counts = Count.of("cells", *shape, among=(1,), bound=cells.WITHIN)
            return counts.of_all("rows"), Count.of("rows")
        return self._reals(known)

    def _reals(self, known: Named) -> tuple[Real, Real]:
        p = len(self.variables.names(known))
        triangle = (p * (p + 1) // 2,)
        return Real("sums", (p,), self.scope), Real("products", triangle, self.scope)

    def sums(self, name: str, known: Named, frame: Frame) -> Arrays:
        """Add up a slave's rows."""
        x = self.variables.matrix(known, frame)
        if name == "ranges":
            columns = zip(self.variables.names(known), np.ascontiguousarray(x.T), strict=True)
            counts = [cells.inside(column, name) for name, column in columns]
            return [np.array(counts, np.int64).reshape(x.shape[1], -1), np.array(len(x))]
        q = (x - known["pivot"]) / known["unit"]
        sums, products = self._reals(known)
        return [sums.add(q), products.add_products(np.ascontiguousarray(q.T), np.ones(len(q)))]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass."""
        if name == "ranges":
            return {**known, **self._ranges(known, total)}
        rows, pivot, unit = known["rows"], known["pivot"], known["unit"]
        away = total[0] / rows
        products = square(total[1]) / rows - np.outer(away, away)
        mean, variance = pivot + unit * away, np.maximum(np.diag(products), 0.0)
        # Of what is 1 in all rows nothing is lost.
        far = np.where([n == INTERCEPT for n in self.variables.names(known)], 0.0, away)
        centred, smaller, poor = recentred(far, variance, mean, pivot, unit)
        if name == "spread" and poor:
            return {**known, "pivot": centred, "unit": smaller, "again": np.array(1)}
        constant = variance <= CONSTANT
        passing = ("pivot", "unit", "again")
        return {
            **{key: array for key, array in known.items() if key not in passing},
            "mean": mean,
            "scale": np.where(constant, 1.0, unit * np.sqrt(variance)),
            "covariance": products * np.outer(unit, unit),
            "constant": constant.astype(np.int64),
        }

    def _ranges(self, known: Named, total: Arrays) -> Named:
        rows, edges = int(total[1]), cells.MAGNITUDES
        if rows < FEWEST:
            raise DataError(f"{rows} rows have all the cells that are needed: these are too few")
        names = self.variables.names(known)
        columns = len(names) - self.beside
        if columns > self.share * (rows - 1):
            raise DataError(
                f"{columns} columns are too many for {rows} rows: they would tell of some"
            )
        low, high = [], []
        for name, line in zip(names, total[0], strict=True):
            if line[0] or line[-1] or line.sum() != rows:
                raise DataError(cells.TOO_LARGE, column=name)
            filled = np.flatnonzero(line[1:-1])
            low.append(edges[filled[0]])
            high.append(edges[filled[-1] + 1])
        middles = (edges[:-1] + edges[1:]) / 2
        pivot = np.clip(total[0][:, 1:-1] @ middles / rows, low, high)
        most = np.maximum(high - pivot, pivot - low)
        return {"pivot": pivot, "unit": unit_of(most), "rows": np.array(rows)}
