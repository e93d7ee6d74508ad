"""Bulyan: a selection by Krum, then a mean around the median of each parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.strategies.krum import scores
from fedredis.strategies.robust import Bounded, square_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Bulyan(Bounded):
    """A mean around the median of each parameter, over slaves that Krum selects.

    1. ``s = k - 2 f`` slaves are selected: Krum's choice is taken out of those that are left,
       s times over. Of m that are left, a score counts the ``m - f - 2`` nearest, at least one.
    2. Of each parameter's s values, the ``s - 2 f`` nearest to their median are averaged.

    Krum can let an attacker through that is near to the others in most parameters and far off in
    one; the second step keeps it near in each. From ``k >= 4 f + 1`` slaves on there is something
    to average, and no fewer are taken. **What the paper guarantees needs** ``k >= 4 f + 3``: two
    attackers among 10 slaves are one too many for it. Time grows with the cube of k.

    El Mhamdi, Guerraoui and Rouault, "The Hidden Vulnerability of Distributed Learning in
    Byzantium", ICML 2018.
    """

    def least(self, f: int) -> int:
        """Return ``4 * f + 1``."""
        return 4 * f + 1

    def combine(self, points: NDArray[Any], current: NDArray[Any]) -> NDArray[Any]:
        """Return the mean around the median of some of the points (k, p)."""
        k, f = len(points), self.attackers(len(points))
        self.check(k)
        selected = points[_select(square_distances(points), f)]
        away = np.abs(selected - np.median(selected, axis=0))
        nearest = away.argsort(axis=0, kind="stable")[: k - 4 * f]
        # In the slaves' order, in which sums are taken.
        nearest.sort(axis=0)
        return np.asarray(np.take_along_axis(selected, nearest, axis=0).mean(axis=0))


def _select(distances: NDArray[Any], f: int) -> list[int]:
    """Choose k - 2 f slaves by their distances (k, k); return their places, in order."""
    left, selected = list(range(len(distances))), []
    while len(left) > 2 * f:
        among = distances[np.ix_(left, left)]
        neighbours = min(max(len(left) - f - 2, 1), len(left) - 1)
        selected.append(left.pop(int(scores(among, neighbours).argmin())))
    return sorted(selected)
