"""Real numbers as integers, so that their sums are exact: the same bits in any order.

A real quantity x is sent as ``round(x 2^s)`` in a signed 64-bit integer; sums wrap modulo 2^64,
and the total is divided by 2^s once. The scale s follows from a bound that everybody knows: with
T the largest that all slaves' sums together can come to, s is the largest integer with
``T 2^s < 2^62``. A slave whose quantity is beyond its bound fails, and says which and why; nothing
is clipped.

A quantity whose size is hardly known beforehand takes two integers: what the first one rounds off
goes into a second, at a scale of its own. Both sums are exact, and together resolve some 120 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fedredis.errors import BoundError

#: Sums stay below 2 to this power, which leaves a bit for the sign and one for rounding.
BITS = 62
#: Scales at most and at least: beyond them a float64 has no such powers of two.
MOST_SCALE, LEAST_SCALE = 1000, -900
#: What rounding of floats may add to a sum that is at its bound, as a share of it.
SLACK = 1 + 2.0**-30

#: Says of k slaves' (or bundles') integers (k, …) and numbers of rows (k,) which can be (k,).
Plausible = Callable[[NDArray[Any], NDArray[np.int64]], NDArray[np.bool_]]
#: Says the same of what the integers stand for (k, *shape), given the integers (k, …) of another
#: array, and how far rounding may have moved a value (k,).
Agrees = Callable[[NDArray[Any], NDArray[np.int64], NDArray[np.float64]], NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Quantity:
    """One array of a sum: its shape, and how large what a slave adds to it can be."""

    name: str
    shape: tuple[int, ...]
    #: The largest absolute value that a row, or a slave, adds: a number, or an array of the shape.
    bound: float | NDArray[Any] = 1.0
    per: Literal["row", "slave"] = "row"
    #: Whether these are whole numbers, sent as they are.
    whole: bool = False
    nonnegative: bool = False
    #: Whether these count the rows of a kind, like the cells of a table. The grids by which ranges
    #: and quantiles of numbers are found are none: some of their cells always hold a few rows.
    cells: bool = False
    #: Whether it takes two integers, since `bound` is far above what is to be expected.
    wide: bool = False
    #: What else must be true of the integers, if anything, and how it is said.
    plausible: Plausible | None = None
    #: Another array of the sum, by its name, and what must be true of both.
    beside: str = ""
    agrees: Agrees | None = None
    must: str = ""

    @property
    def travels(self) -> tuple[int, ...]:
        """The shape of the integers."""
        return (2, *self.shape) if self.wide else self.shape

    def units(self, slaves: Any, rows: Any) -> Any:
        """Return what the bound is to be multiplied with: the number of slaves, or of rows."""
        return slaves if self.per == "slave" else rows

    def scales(self, slaves: int, rows: int) -> tuple[NDArray[np.int64], int]:
        """Return the scale of the first integer, (shape) or (), and what a second one adds.

        Raises
        ------
        BoundError
            If all together could come to more than there is room for.
        """
        total = np.asarray(self.bound, np.float64) * max(1, self.units(slaves, rows)) * SLACK
        most = 2.0**BITS if self.whole else 2.0 ** (BITS - LEAST_SCALE)
        if not (total < most).all():
            raise BoundError(
                f"array '{self.name}' could come to {float(total.max()):.3g}, too much for a sum"
            )
        if self.whole:
            return np.zeros((), np.int64), 0
        scale = np.clip(BITS - np.frexp(total)[1], LEAST_SCALE, MOST_SCALE).astype(np.int64)
        # What is rounded off is at most half a unit a slave.
        return scale, BITS + 1 - int(np.frexp(float(max(1, slaves)))[1])

    def encode(
        self, values: NDArray[Any], samples: NDArray[np.int64], slaves: int, rows: int
    ) -> NDArray[np.int64]:
        """Turn k slaves' values (k, *shape) into integers (k, *travels).

        Parameters
        ----------
        samples
            How many rows each of them stands for (k,).
        slaves, rows
            How many there are in all.

        Raises
        ------
        BoundError
            If a value is beyond the bound, or no number.
        """
        scale, more = self.scales(slaves, rows)
        if not self.whole:
            values = np.asarray(values, np.float64)
        limit = self._limits(np.ones(len(values)), samples)
        within = np.abs(values) <= limit
        if not within.all():
            self._refuse(values, within, limit)
        if self.whole:
            return np.asarray(values, np.int64)
        first = np.rint(np.ldexp(values, scale))
        if not self.wide:
            return np.asarray(first, np.int64)
        rest = np.ldexp(values - np.ldexp(first, -scale), np.minimum(scale + more, 1023))
        both: NDArray[np.int64] = np.stack([first, np.rint(rest)], axis=1).astype(np.int64)
        return both

    def decode(self, total: NDArray[np.int64], slaves: int, rows: int) -> NDArray[Any]:
        """Turn a sum of integers (travels) back into what it stands for (shape)."""
        if self.whole:
            return total
        scale, more = self.scales(slaves, rows)
        # Which converts a piece at a time: a large total is not copied twice.
        if not self.wide:
            return np.asarray(np.ldexp(total, -scale))
        first, second = total
        rest = np.ldexp(second, -np.minimum(scale + more, 1023))
        return np.asarray(np.ldexp(first, -scale) + rest)

    def reasons(
        self,
        integers: NDArray[np.int64],
        counts: NDArray[np.int64],
        samples: NDArray[np.int64],
        slaves: int,
        rows: int,
        others: Mapping[str, NDArray[np.int64]] | None = None,
    ) -> list[str | None]:
        """Say why sums (k, *travels), of so many slaves and rows each (k,), can't be; or None.

        `others` holds the integers (k, …) of all arrays of the sum, by name.
        """
        k = len(integers)
        first = integers[:, 0] if self.wide else integers
        scale, more = self.scales(slaves, rows)
        # No more than there is room for, however many rows a stranger says that it has.
        limit = np.minimum(np.ldexp(self._limits(counts, samples), scale), 2.0**BITS)
        # Each slave has rounded once. Integers are compared: a large sum is not copied.
        rounded = 0 if self.whole else counts.reshape(-1, *[1] * len(self.shape))
        most = np.floor(limit).astype(np.int64) + rounded
        if most.size == k:
            flat = first.reshape(k, -1)
            high, low = flat.max(axis=1, initial=0), flat.min(axis=1, initial=0)
            ok = (high <= most.ravel()) & (low >= (0 if self.nonnegative else -most.ravel()))
        else:
            inside = (first <= most) & (first >= (0 if self.nonnegative else -most))
            ok = inside.reshape(k, -1).all(axis=1)
        if self.wide:
            # At most half a unit of the first is left over, for each slave.
            left = np.minimum(np.ldexp(counts + 1.0, more - 1), 2.0**BITS).astype(np.int64)
            rest = integers[:, 1].reshape(k, -1)
            ok &= rest.max(axis=1, initial=0) <= left
            ok &= rest.min(axis=1, initial=0) >= -left
            if self.nonnegative:
                # What is left over of nothing is not below it.
                whole = np.ldexp(first.astype(np.float64), more).reshape(k, -1) + rest
                ok &= whole.min(axis=1, initial=0) >= 0
        why: list[str | None] = [
            None if fine else f"array '{self.name}' is not what {n} rows can come to"
            for fine, n in zip(ok.tolist(), samples.tolist(), strict=True)
        ]
        can_be = np.ones(k, np.bool_)
        if self.plausible is not None:
            can_be &= self.plausible(integers, samples)
        if self.agrees is not None and others is not None:
            values = self.decode(
                np.moveaxis(integers, 1, 0) if self.wide else integers, slaves, rows
            )
            last = scale + more if self.wide else scale
            moved = counts * np.ldexp(1.0, -int(np.min(last)))
            can_be &= self.agrees(values, others[self.beside], moved)
        return [
            w or (None if fine else f"array '{self.name}': {self.must}")
            for w, fine in zip(why, can_be.tolist(), strict=True)
        ]

    def _limits(self, counts: NDArray[Any], samples: NDArray[Any]) -> NDArray[Any]:
        """Return the bounds of sums of so many slaves and rows (k,), broadcast to (k, *shape)."""
        units = np.asarray(self.units(counts, samples), np.float64)
        each = (
            np.broadcast_to(np.asarray(self.bound, np.float64), self.shape)
            if (np.ndim(self.bound))
            else np.float64(self.bound)
        )
        return units.reshape(-1, *[1] * len(self.shape)) * each * SLACK

    def _refuse(
        self, values: NDArray[Any], within: NDArray[np.bool_], limit: NDArray[Any]
    ) -> None:
        place = np.unravel_index(int(np.argmin(within)), within.shape)
        most = float(np.broadcast_to(limit, values.shape)[place])
        raise BoundError(
            f"array '{self.name}' comes to {float(values[place]):.6g}, "
            f"and {most:.6g} is the most that it can be"
        )


def count(
    name: str,
    shape: tuple[int, ...],
    *,
    bound: float | NDArray[Any] = 1.0,
    cells: bool = False,
    plausible: Plausible | None = None,
    must: str = "",
) -> Quantity:
    """Describe counts of rows: whole numbers that are not negative, `bound` a row at most."""
    checks: dict[str, Any] = {"cells": cells, "plausible": plausible, "must": must}
    return Quantity(name, shape, bound, whole=True, nonnegative=True, **checks)
