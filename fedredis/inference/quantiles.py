"""Quantiles by counting: intervals that are divided until they are as small as wished for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fedredis.features import cells
from fedredis.inference.exact import Count, Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.inference.moments import Groups
    from fedredis.inference.stages import Frame

#: Parts that an interval is divided into, in a pass.
PIECES = 256
#: Decimal places that a value is tried to have.
PLACES = 12


@dataclass(frozen=True)
class Quantiles:
    """Learn quantiles of columns of numbers by group; they follow `Moments`.

    With n numbers the quantile q lies between those of rank floor and ceil of ``(n - 1) q``, and
    is interpolated, as NumPy does. Known afterwards: ``low`` and ``high`` (g, d, 2 m), between
    which the numbers of these ranks lie, two for each of m quantiles, and ``below``, how many
    rows are below ``low``. A pass ``quantiles <n>`` divides every interval.

    Parameters
    ----------
    resolution
        An interval is small enough when it is at most such a share of the standard deviation.
    """

    columns: tuple[str, ...]
    groups: Groups
    quantiles: tuple[float, ...]
    resolution: float
    blanks: ClassVar[bool] = True

    def next_pass(self, known: Named) -> str | None:
        """``quantiles <n>``, while an interval is too large."""
        if not self.columns or not self.quantiles or not self._open(known).any():
            return None
        return f"quantiles {int(known['divided']) + 1 if 'divided' in known else 1}"

    def ranks(self, known: Named) -> NDArray[np.int64]:
        """Return the ranks that are looked for, from 0 (g, d, 2 m)."""
        h = np.maximum(known["there"] - 1, 0)[..., np.newaxis] * np.array(self.quantiles)
        # What is a rank itself must not become the next one by rounding.
        h = np.where(np.abs(h - np.rint(h)) < 1e-9, np.rint(h), h)
        return np.concatenate([np.floor(h), np.ceil(h)], axis=-1).astype(np.int64)

    def _intervals(self, known: Named) -> tuple[NDArray[np.int64], ...]:
        """Return keys from which and below which the ranks lie, and rows below the first."""
        if "low" in known:
            return known["low"], known["high"], known["below"]
        keys = cells.keys_of(cells.MAGNITUDES)
        inner = known["cells"][..., 1:-1]
        before = np.concatenate([np.zeros_like(inner[..., :1]), inner.cumsum(axis=-1)], axis=-1)
        return self._narrowed(known, before, lambda place: (keys[place], keys[place + 1]))

    def _narrowed(
        self, known: Named, before: NDArray[np.int64], edges: object
    ) -> tuple[NDArray[np.int64], ...]:
        """Choose the pieces that ranks lie in, given rows before each piece (g, d, pieces + 1)."""
        ranks = self.ranks(known)
        place = (before[..., np.newaxis, 1:] <= ranks[..., np.newaxis]).sum(axis=-1)
        place = np.minimum(place, before.shape[-1] - 2)
        low, high = edges(place)  # type: ignore[operator]
        return low, high, np.take_along_axis(before, place, axis=-1)

    def _open(self, known: Named) -> NDArray[np.bool_]:
        low, high, _ = self._intervals(known)
        width = cells.values_of(high) - cells.values_of(low)
        small = self.resolution * np.sqrt(known["variances"])[..., np.newaxis]
        there = (known["there"] > 0)[..., np.newaxis]
        wide: NDArray[np.bool_] = there & (high - low > 1) & ~(width <= small)
        return wide

    def _edges(self, known: Named) -> NDArray[np.int64]:
        low, high, _ = self._intervals(known)
        step = (high - low) // PIECES + 1
        return np.minimum(
            low[..., None] + step[..., None] * np.arange(PIECES + 1), high[..., None]
        )

    def parts(self, name: str, known: Named) -> tuple[Part, ...]:
        """Describe counts in the pieces of every interval."""
        shape = (self.groups.count(known), len(self.columns), 2 * len(self.quantiles), PIECES)
        return (Count.of("pieces", *shape, among=(0, 3)),)

    def sums(self, name: str, known: Named, frame: Frame) -> Arrays:
        """Count a slave's rows."""
        group, edges = self.groups.of(known, frame), self._edges(known)
        counts = np.zeros((*edges.shape[:-1], PIECES), np.int64)
        for column, name_ in enumerate(self.columns):
            x = frame.columns[name_]
            for one in range(len(counts)):
                some = np.sort(cells.keys_of(x[(group == one) & ~np.isnan(x)] + 0.0))
                counts[one, column] = np.diff(np.searchsorted(some, edges[one, column]), axis=-1)
        return [counts]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Narrow the intervals down."""
        edges, (_, _, below) = self._edges(known), self._intervals(known)
        rank = (self.ranks(known) - below)[..., np.newaxis]
        place = (total[0].cumsum(axis=-1) <= rank).sum(axis=-1)
        place = np.minimum(place, PIECES - 1)[..., np.newaxis]
        before = np.concatenate([np.zeros_like(total[0][..., :1]), total[0].cumsum(axis=-1)], -1)

        def at(values: NDArray[np.int64], places: NDArray[np.intp]) -> NDArray[np.int64]:
            return np.take_along_axis(values, places, axis=-1)[..., 0]

        return {
            **known,
            "low": at(edges, place),
            "high": at(edges, place + 1),
            "below": below + at(before, place),
            "divided": np.array(int(known["divided"]) + 1 if "divided" in known else 1),
        }

    def values(self, known: Named) -> NDArray[np.float64]:
        """Return the quantiles (g, d, m): NaN where there are no rows."""
        low, high, _ = self._intervals(known)
        bottom, top = cells.values_of(low), cells.values_of(high)
        # A key of its own is the number itself.
        middle = np.where(high - low <= 1, bottom, _shortest(bottom, top))
        lower, upper = np.split(middle, 2, axis=-1)
        h = np.maximum(known["there"] - 1, 0)[..., np.newaxis] * np.array(self.quantiles)
        share = h - np.split(self.ranks(known), 2, axis=-1)[0]
        found = lower + share * (upper - lower)
        return np.where((known["there"] > 0)[..., np.newaxis], found, np.nan)


def _shortest(bottom: NDArray[np.float64], top: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return of each interval ``[bottom, top)`` the number with the fewest decimal places.

    Most values have few, and are then told exactly; where none has `PLACES`, it is the middle.
    """
    middle = bottom + (top - bottom) / 2
    found, open_ = middle.copy(), np.ones(middle.shape, np.bool_)
    for place in range(PLACES + 1):
        rounded = np.rint(middle * 10.0**place) / 10.0**place
        fits = open_ & (rounded >= bottom) & (rounded < top)
        found[fits] = rounded[fits]
        open_ &= ~fits
    return found
