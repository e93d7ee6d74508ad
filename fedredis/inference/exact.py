"""Sums of real numbers that have the same bits for any cut of the rows among slaves.

Every row's value is rounded by itself, to three integers: the first at a coarse scale, the second
what the first leaves over, the third what the second does. Their sums are exact, so that it makes
no difference who adds which rows; together they resolve some 140 bits, so that a value's size need
hardly be known beforehand, and nothing is lost that a float64 has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from fedredis.arrays import Quantity, count
from fedredis.errors import BoundError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Scope

#: Integers that a value is rounded to.
LIMBS = 3
#: Sums of each of them stay below 2 to this power.
BITS = 60
#: How far above its unit a value may be, as a power of two.
ROOM = 60
#: Elements that are rounded in one go.
CHUNK = 1 << 19


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
    def of(cls, name: str, *shape: int) -> Count:
        """Make counts of a shape; a row counts once in each."""
        return cls(count(name, shape))

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
            for limb, whole in zip(total, self._limbs(values[first : first + step]), strict=True):
                limb += whole.sum(axis=0, dtype=np.int64)
        return total

    def add_in(self, cells: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
        """Add up values (n, *shape[1:]) in the cells (n,) that rows belong to: (LIMBS, *shape)."""
        total = np.zeros((LIMBS, *self.shape), np.int64)
        if not len(values):
            return total
        order = np.argsort(cells, kind="stable")
        there, starts = np.unique(cells[order], return_index=True)
        for limb, whole in zip(total, self._limbs(values[order]), strict=True):
            limb[there] = np.add.reduceat(whole, starts, axis=0)
        return total

    def _limbs(self, values: NDArray[Any]) -> list[NDArray[np.int64]]:
        if not (np.abs(values) <= self.most).all():
            raise BoundError(f"array '{self.name}' holds {np.abs(values).max():.3g} for a row")
        scale, more = self._places
        rest, limbs = values * np.ldexp(1.0, scale), []
        for _ in range(LIMBS):
            whole = np.rint(rest)
            limbs.append(whole.astype(np.int64))
            rest = (rest - whole) * np.ldexp(1.0, more)
        return limbs

    def decode(self, total: NDArray[Any]) -> NDArray[Any]:
        """Turn the sums of the integers into what they stand for (shape)."""
        scale, more = self._places
        found = np.zeros(self.shape)
        for place in reversed(range(LIMBS)):
            found = found + np.ldexp(total[place].astype(np.float64), -scale - more * place)
        return found
