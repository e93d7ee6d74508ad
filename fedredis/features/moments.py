"""Mean and standard deviation of columns of which nothing is known beforehand, not even a range.

Sums are taken about a pivot c near the mean, of deviations in a unit u that none of them exceeds:
``q = (x - c) / u``, so that a column large beside its spread (seconds since 1970, within one hour)
keeps all its digits, and nothing overflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Quantity, count
from fedredis.errors import DataError
from fedredis.features import cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named

#: What is said of sums that no numbers have.
NONE_SUCH = "as many numbers as are said to be there can't have such sums"

#: A column is constant if its standard deviation is below so many units in the last place of its
#: mean, or below this share of the distance between mean and pivot: that is rounding.
ROUNDING, OF_PIVOT = 64 * np.finfo(np.float64).eps, 2.0**-22

#: Cells of deviations, by power of two of q, from 1 down.
SPREADS = 64

#: What adding floats may do to a sum, as a share of it.
FLOATS = 2.0**-30


@dataclass(frozen=True)
class Moments:
    """Learn ``mean`` and ``scale`` (standard deviation) of some columns.

    Passes, and what is known after each (names have the prefix; shapes are (columns,)):

    1. ``magnitudes``, counts of values by sign and power of two: ``low`` and ``high``, between
       which all of them lie, and ``pivot``, the mean if each were in the middle of its interval;
    2. ``means``, sum of q about the pivot: also ``centre``, the mean up to rounding;
    3. ``squares``, sums of q and q^2 about the centre, counts of ``abs(q)`` by power of two:
       ``mean``, ``scale``, ``bound`` of ``abs(x - mean)``, ``constant`` (1 or 0), and nothing of
       the above.

    The scale of a constant column is 1, or its bound if that is more, so that it can be divided
    by. Cells that are missing are left out of the mean, and then count as if they were at it.

    Parameters
    ----------
    names
        What the columns are called, in messages.
    gaps
        Whether cells may be missing.
    grain
        If given, a power of two that q and q^2 are rounded to multiples of, row by row: then no
        sum is rounded, and what is known has the same bits however the rows are divided.
    least
        What no value may be below.
    """

    names: tuple[str, ...]
    prefix: str = ""
    gaps: bool = False
    grain: float = 0.0
    least: float = -np.inf

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        steps = {"mean": None, "centre": "squares", "pivot": "means"}
        for key, name in steps.items():
            if self.prefix + key in known:
                return name
        return "magnitudes"

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in a pass."""
        d = len(self.names)
        if name == "magnitudes":
            return (magnitudes(self.prefix + name, d, self.gaps, self.least),)
        there = count(self.prefix + "there", (d,))
        centre, unit = self._about(known)
        least = np.maximum((self.least - centre) / unit, -1)
        if name == "means":

            def agrees(x: NDArray[Any], m: NDArray[Any], moved: NDArray[Any]) -> NDArray[np.bool_]:
                return _above(x, m, least, moved)

            told: Any = {"beside": there.name, "agrees": agrees, "must": NONE_SUCH}
            return there, Quantity(self.prefix + "sums", (d,), wide=True, **told)
        return (
            there,
            pairs(self.prefix + "moments", d, there.name, self.grain, least),
            histograms(self.prefix + "spreads", d, SPREADS, self.gaps),
        )

    def sums(self, name: str, known: Named, X: NDArray[Any]) -> Arrays:
        """Add up the quantities of a pass over rows X (n, columns), n may be 0."""
        if name == "magnitudes":
            named = zip(self.names, X.T, strict=True)
            return [np.array([cells.inside(x[~np.isnan(x)], column) for column, x in named])]
        centre, unit = self._about(known)
        there = ~np.isnan(X)
        # Of false ranges numbers become infinite, which no sum takes.
        with np.errstate(over="ignore", invalid="ignore"):
            q = np.where(there, (X - centre) / unit, 0.0)
            both = powers(q, self.grain)
        counts = there.sum(axis=0, dtype=np.int64)
        if name == "means":
            return [counts, both[0]]
        falls = np.clip(-np.frexp(q)[1], 0, SPREADS - 1)
        falls = np.where(q == 0, SPREADS - 1, falls)
        spreads = [
            np.bincount(fall[is_there], minlength=SPREADS)
            for fall, is_there in zip(falls.T, there.T, strict=True)
        ]
        return [counts, both, np.array(spreads)]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass, given the sums over all slaves.

        Raises
        ------
        DataError
            If a column holds no number, or one that is too large.
        """
        if name == "magnitudes":
            return {**known, **self._named(**self._ranges(total[0]))}
        there = total[0]
        for column, rows in zip(self.names, there.tolist(), strict=True):
            if rows <= 0:
                raise nothing_in(column)
        centre, unit = self._about(known)
        if name == "means":
            return {**known, **self._named(centre=centre + unit * (total[1] / there))}
        mean, scale, constant = deviations(total[1], there, known["rows"], centre, unit)
        nearest = np.where(total[2].any(axis=1), (total[2] > 0).argmax(axis=1), 0)
        bound = np.ldexp(unit, -nearest) + np.abs(mean - centre)
        passing = self._named(low=0, high=0, pivot=0, centre=0)
        kept = {key: array for key, array in known.items() if key not in passing}
        # Of numbers as large as 1e18 what is rounding may be large, too.
        scale = np.where(constant, np.maximum(scale, bound), scale)
        return {**kept, **self._named(mean=mean, scale=scale, bound=bound, constant=constant)}

    def _ranges(self, counts: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        low, high, pivot = [], [], []
        edges = cells.MAGNITUDES
        for name, line in zip(self.names, counts, strict=True):
            if line[0] or line[-1]:
                raise DataError(cells.TOO_LARGE, column=name)
            filled = np.flatnonzero(line[1:-1])
            if not len(filled):
                raise nothing_in(name)
            low.append(edges[filled[0]])
            high.append(edges[filled[-1] + 1])
            shares = line[1:-1] / line[1:-1].sum()
            middle = float(shares @ ((edges[:-1] + edges[1:]) / 2))
            pivot.append(min(max(middle, low[-1]), high[-1]))
        return {"low": np.array(low), "high": np.array(high), "pivot": np.array(pivot)}

    def _about(self, known: Named) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the centre, or else the pivot, and the unit: none is further away than that."""
        p = self.prefix
        centre = known[p + "centre"] if p + "centre" in known else known[p + "pivot"]
        return centre, unit_of(np.maximum(known[p + "high"] - centre, centre - known[p + "low"]))

    def _named(self, **arrays: Any) -> Named:
        return {self.prefix + key: array for key, array in arrays.items()}


def magnitudes(name: str, columns: int, gaps: bool, least: float = -np.inf) -> Quantity:
    """Describe counts of rows by sign and power of two, all of numbers that can be learned from.

    None of them is below `least`, an edge.
    """
    bound = np.where(np.r_[-np.inf, cells.MAGNITUDES] >= least, cells.WITHIN, 0.0)
    return histograms(name, columns, len(bound), gaps, bound)


def pairs(
    name: str, columns: int, beside: str, grain: float = 0.0, least: float | NDArray[Any] = -1.0
) -> Quantity:
    """Describe sums of q and q^2 (2, columns) of so many numbers as the array `beside` says.

    None of them is below `least`, or above 1.
    """

    def agrees(x: NDArray[Any], m: NDArray[Any], moved: NDArray[Any]) -> NDArray[np.bool_]:
        return _above(x[:, 0], m, least, moved) & _of_numbers(x, m, moved, grain)

    told: Any = {"beside": beside, "agrees": agrees, "must": NONE_SUCH}
    return Quantity(name, (2, columns), wide=True, **told)


def _above(
    sums: NDArray[Any], there: NDArray[Any], least: Any, moved: NDArray[Any]
) -> NDArray[np.bool_]:
    """Say which sums (k, columns) can be of so many numbers (k, columns), none below `least`."""
    lowest = there * (least - FLOATS) - moved[:, np.newaxis]
    fine: NDArray[np.bool_] = (sums >= lowest).all(axis=1)
    return fine


def _of_numbers(
    sums: NDArray[Any], there: NDArray[Any], moved: NDArray[Any], grain: float
) -> NDArray[np.bool_]:
    """Say which sums of q and q^2 (k, 2, columns) so many numbers (k, columns) can have.

    Those are the ones with ``0 <= (sum q)^2 <= m sum q^2 <= m^2``. Of all slaves together, then,
    nobody's number is further than ``sqrt(n - 1)`` standard deviations from the mean.
    """
    away = moved[:, np.newaxis] + grain * there
    first = np.maximum(np.abs(sums[:, 0]) - away, 0.0)
    second = sums[:, 1] * (1 + FLOATS) + away
    most = there * (1 + FLOATS) + away
    fine: NDArray[np.bool_] = (first * first <= there * second).all(axis=1)
    fine &= ((second >= 0) & (sums[:, 1] <= most) & (first <= most)).all(axis=1)
    return fine


def histograms(
    name: str, columns: int, cells: int, gaps: bool, bound: float | NDArray[Any] = 1.0
) -> Quantity:
    """Describe counts of the rows in the cells of each column (columns, cells)."""

    def plausible(counts: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        counted, rows = counts.sum(axis=2), rows[:, np.newaxis]
        fine: NDArray[np.bool_] = ((counted <= rows) if gaps else (counted == rows)).all(axis=1)
        return fine

    must = "a column's counts have to come to the number of rows"
    return count(name, (columns, cells), bound=bound, plausible=plausible, must=must)


def unit_of(largest: NDArray[Any]) -> NDArray[Any]:
    """Return the powers of two that are above some sizes (columns,)."""
    return np.asarray(np.ldexp(1.0, np.frexp(largest)[1]))


def powers(q: NDArray[Any], grain: float = 0.0) -> NDArray[Any]:
    """Sum up q and q^2 over rows (n, columns): (2, columns); see `Moments` for the grain."""
    # Along rows of memory NumPy adds in pairs, which keeps more digits.
    lines = np.ascontiguousarray(q.T)
    both = lines, lines * lines
    if grain:
        both = grain * np.rint(both[0] / grain), grain * np.rint(both[1] / grain)
    return np.array([line.sum(axis=1) for line in both])


def deviations(
    sums: NDArray[Any],
    there: NDArray[Any],
    rows: NDArray[Any],
    centre: NDArray[Any],
    unit: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Return mean, standard deviation (1 if constant) and whether it is, all (columns,).

    With m cells that are there, of n rows, and ``r = sum q / m``::

        mean = c + u r        scale = u sqrt((sum q^2 - m r^2) / n)
    """
    away = sums[0] / there
    variance = np.maximum(sums[1] - there * away**2, 0.0) / rows
    mean = centre + unit * away
    scale = unit * np.sqrt(variance)
    constant = scale <= np.maximum(ROUNDING * np.abs(mean), OF_PIVOT * unit * np.abs(away))
    return mean, np.where(constant, 1.0, scale), constant.astype(np.int64)


def most_of(largest: NDArray[Any], scale: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """Bound standardised values, given how far they are from their mean at most (width,).

    None of n numbers is further than ``sqrt(n - 1)`` standard deviations from their mean.
    """
    most: NDArray[Any] = np.minimum(largest / scale, np.sqrt(rows.astype(np.float64)))
    return most


def nothing_in(column: str) -> DataError:
    """Say that a column holds nothing to learn from."""
    return DataError("no slave has a number in it: leave it out of the columns", column=column)
