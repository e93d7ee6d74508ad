"""Sums of gradients, Hessians and rows by node, column and code, as integers.

Gradients are rounded to integers row by row, so that a sum is the same however the rows are
divided. `numpy.bincount` adds float64, which is exact as long as sums stay below 2^53: rows are
taken `EXACT` at a time, and what they come to is added as int64.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Quantity, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.trees.layout import Layout

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

#: Rows whose sums are taken as float64.
EXACT_BITS = 15
EXACT = 1 << EXACT_BITS
#: Bits of a row's gradient: 2^15 of them stay below 2^53.
GRADIENT_BITS = 52 - EXACT_BITS
#: Bits of a row's Hessian, which shares a float64 with the count of rows.
COUNT_BITS = EXACT_BITS + 1
HESSIAN_BITS = 52 - EXACT_BITS - COUNT_BITS
#: Sums over all rows stay below 2 to this power.
SUM_BITS = 61


@dataclass(frozen=True)
class Scales:
    """How gradients and Hessians become integers: ``round(x 2^s)``."""

    gradient: int
    hessian: int
    #: Whether all Hessians are 1: their sums are the counts, and don't travel.
    flat: bool

    @classmethod
    def of(cls, bounds: tuple[float, float], rows: int, *, flat: bool) -> Scales:
        """Choose them for values up to some bounds, over so many rows."""
        room = SUM_BITS - int(rows).bit_length()
        first, second = (int(np.frexp(bound)[1]) for bound in bounds)
        return cls(min(GRADIENT_BITS, room) - first, min(HESSIAN_BITS, room) - second, flat)

    def integers(self, x: NDArray[np.float64], scale: int) -> NDArray[np.float64]:
        """Round values to whole multiples of 2^-scale, and return the multiples."""
        scaled = np.ldexp(x, scale)
        return np.rint(scaled, out=scaled)

    def quantities(self, nodes: int, codes: int) -> tuple[Quantity, ...]:
        """Describe the sums of some nodes over so many codes of all columns."""
        shape = (nodes, codes)
        gradient = Quantity("gradient", shape, 2.0**GRADIENT_BITS, whole=True)
        if self.flat:
            return gradient, count("rows", shape, cells=True)
        most = 2.0**HESSIAN_BITS
        hessian = Quantity("hessian", shape, most, whole=True, nonnegative=True)
        return gradient, count("rows", shape, cells=True), hessian

    def sums(
        self,
        layout: Layout,
        lines: Sequence[NDArray[Any]],
        items: NDArray[np.intp],
        slots: NDArray[np.intp],
        derivatives: Pair,
        nodes: int,
    ) -> Arrays:
        """Sum up m items, each a row in a tree: (nodes, codes) of each quantity.

        Parameters
        ----------
        lines
            The codes of each column of the layout (n,).
        items
            Places (m,) in the derivatives, ``tree * n + row``.
        slots
            The node (m,) that each belongs to, from 0 to `nodes` - 1.
        derivatives
            Gradients and packed Hessians (K, n), as integers.
        """
        totals = [np.zeros((nodes, layout.total), np.int64) for _ in range(2 if self.flat else 3)]
        flat = [values.ravel() for values in derivatives]
        for start in range(0, len(items), EXACT):
            some = items[start : start + EXACT]
            weights = [values.take(some) for values in flat[: 1 if self.flat else 2]]
            sums = np.empty((2, nodes, layout.total))
            rows, slot = some % derivatives[0].shape[1], slots[start : start + EXACT]
            # Nodes lie as far apart as a column has codes.
            bases = {codes: slot * codes for codes in dict.fromkeys(layout.codes)}
            for at, codes, line in zip(layout.starts.tolist(), layout.codes, lines, strict=True):
                index, cells = bases[codes] + line.take(rows), nodes * codes
                for of_all, values in zip_longest(sums, weights):
                    counted = np.bincount(index, values, cells)
                    of_all[:, at : at + codes] = counted.reshape(nodes, codes)
            gradients, both = sums.astype(np.int64)
            totals[0] += gradients
            if self.flat:
                totals[1] += both
                continue
            totals[1] += both & ((1 << COUNT_BITS) - 1)
            totals[2] += both >> COUNT_BITS
        return totals

    def packed(self, hessians: NDArray[np.float64]) -> NDArray[np.float64]:
        """Let each row's Hessian and a count of 1 share a number."""
        both = self.integers(hessians, self.hessian)
        both *= 1 << COUNT_BITS
        both += 1
        return both

    def real(self, total: Arrays) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
        """Turn sums into gradients, Hessians and numbers of rows, all (nodes, codes)."""
        gradient = np.ldexp(total[0].astype(np.float64), -self.gradient)
        if self.flat:
            return gradient, total[1].astype(np.float64), total[1]
        return gradient, np.ldexp(total[2].astype(np.float64), -self.hessian), total[1]
