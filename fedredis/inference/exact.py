"""Sums of real numbers that have the same bits for any cut of the rows among slaves.

Every row's value is rounded by itself, to three integers: the first at a coarse scale, the second
what the first leaves over, the third what the second does. Their sums are exact, so that it makes
no difference who adds which rows; together they resolve some 140 bits, so that a value's size need
hardly be known beforehand, and nothing is lost that a float64 has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from fedredis.arrays import Quantity, count
from fedredis.errors import BoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Scope

#: Integers that a value is rounded to.
LIMBS = 3
#: Sums of each of them stay below 2 to this power.
BITS = 60
#: How far above its unit a value may be, as a power of two.
ROOM = 60
#: What is below it is rounded to 0.
HALF = 0.5
#: Elements that are rounded in one go.
CHUNK = 1 << 17


class Part(Protocol):
    """One array of a pass: how it travels, and what its sum stands for."""

    @property
    def quantity(self) -> Quantity:
        """Describe what travels."""

    def decode(self, total: NDArray[Any]) -> NDArray[Any]:
        """Turn the sum over all slaves into what it stands for."""


@dataclass(frozen=True, eq=False)
class Count:
    """Counts of rows, or any whole numbers that travel as they are."""

    quantity: Quantity

    @classmethod
    def of(
        cls,
        name: str,
        *shape: int,
        among: Sequence[int] = (),
        cells: bool = False,
        bound: float | NDArray[Any] = 1.0,
    ) -> Count:
        """Make counts of a shape; a row counts once in each, or once among those along some axes.

        `cells` are of the rows of each kind, of which an owner may want to tell no few; `bound` is
        0 where no row may be counted.
        """
        if not among:
            return cls(count(name, shape, cells=cells))
        axes, must = tuple(axis + 1 for axis in among), "its counts come to more than the rows"

        def once(counts: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
            each = counts.sum(axis=axes).reshape(len(rows), -1)
            fine: NDArray[np.bool_] = (each <= rows[:, np.newaxis]).all(axis=1)
            return fine

        return cls(count(name, shape, bound=bound, cells=cells, plausible=once, must=must))

    def of_all(self, rows: str) -> Count:
        """Return the same where each row of another count, by its name, is among these (p, …)."""

        def all_of_them(
            counts: NDArray[Any], there: NDArray[np.int64], moved: NDArray[np.float64]
        ) -> NDArray[np.bool_]:
            each = counts.reshape(*counts.shape[:2], -1).sum(axis=2)
            fine: NDArray[np.bool_] = (each == there.reshape(-1, 1)).all(axis=1)
            return fine

        must = "its counts have to come to the number of rows"
        return Count(replace(self.quantity, beside=rows, agrees=all_of_them, must=must))

    def decode(self, total: NDArray[Any]) -> NDArray[Any]:
        """Return the total."""
        return total


@dataclass(frozen=True, eq=False)
class Real:
    """A sum of real numbers over rows, or slaves: array (shape), or a number for shape ()."""

    name: str
    shape: tuple[int, ...]
    scope: Scope
    #: About how large a value is, for what a row, or a slave, adds: a power of two, or rounded to
    #: one. Values are at most ``2^ROOM`` times as large.
    unit: float = 1.0
    per: Literal["row", "slave"] = "row"

    @property
    def _places(self) -> tuple[int, int]:
        """The scale of the first integer, and what each further one adds."""
        many = int(np.frexp(float(max(1, getattr(self.scope, self.per + "s"))))[1])
        return BITS - many - ROOM - int(np.frexp(self.unit)[1]), BITS - many

    @property
    def most(self) -> float:
        """The largest that a value can be."""
        return float(np.ldexp(1.0, ROOM + int(np.frexp(self.unit)[1])))

    @property
    def quantity(self) -> Quantity:
        """The integers (LIMBS, *shape)."""
        _, more = self._places
        bound = float(np.ldexp(1.0, more)) + 1
        return Quantity(self.name, (LIMBS, *self.shape), bound, per=self.per, whole=True)

    def add(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Add up values (n, *shape), n may be 0: (LIMBS, *shape).

        Raises
        ------
        BoundError
            If one is no number, or too large.
        """
        total = np.zeros((LIMBS, *self.shape), np.int64)
        step = max(1, CHUNK // max(1, int(np.prod(self.shape))))
        for first in range(0, len(values), step):
            some = values[first : first + step]
            for place, whole in self._limbs(some):
                total[place] += whole.sum(axis=0, dtype=np.int64)
        return total

    def add_products(self, z: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.int64]:
        """Add up the products of columns (p, n) by twos, times weights: a triangle's sums."""
        total, end = np.zeros((LIMBS, *self.shape), np.int64), 0
        for i in range(len(z)):
            start, end = end, end + len(z) - i
            for first in range(0, z.shape[1], CHUNK // len(z)):
                some = slice(first, first + CHUNK // len(z))
                products = (z[i, some] * weights[some]) * z[i:, some]
                for place, whole in self._limbs(products):
                    total[place, start:end] += whole.sum(axis=1, dtype=np.int64)
        return total

    def add_where(self, values: NDArray[Any], where: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add up values (p, n) in those rows where (q, n) is 1, and not 0: (LIMBS, p, q)."""
        total = np.zeros((LIMBS, *self.shape), np.int64)
        for place, whole in self._limbs(values):
            total[place] = whole @ where.T
        return total

    def add_in(self, cells: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
        """Add up values (n, *shape[1:]) in the cells (n,) that rows belong to: (LIMBS, *shape)."""
        total = np.zeros((LIMBS, *self.shape), np.int64)
        if not len(values):
            return total
        order = np.argsort(cells, kind="stable")
        there, starts = np.unique(cells[order], return_index=True)
        for place, whole in self._limbs(values[order]):
            total[place][there] = np.add.reduceat(whole, starts, axis=0)
        return total

    def _limbs(self, values: NDArray[Any]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield the integers of values, but for places where all are 0."""
        largest = float(np.abs(values).max(initial=0.0))
        if not largest <= self.most:
            raise BoundError(f"array '{self.name}' holds {largest:.3g} for a row")
        scale, more = self._places
        rest = values * np.ldexp(1.0, scale)
        for place in range(LIMBS):
            if place or largest * np.ldexp(1.0, scale) >= HALF:
                whole = np.rint(rest)
                yield place, whole.astype(np.int64)
                rest -= whole
            rest *= np.ldexp(1.0, more)

    def decode(self, total: NDArray[Any]) -> NDArray[Any]:
        """Turn the sums of the integers into what they stand for (shape)."""
        scale, more = self._places
        found = np.zeros(self.shape)
        for place in reversed(range(LIMBS)):
            found = found + np.ldexp(total[place].astype(np.float64), -scale - more * place)
        return found
