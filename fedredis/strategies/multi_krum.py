"""Multi-Krum: the mean of the points that have the most company."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.strategies.krum import scores
from fedredis.strategies.robust import Bounded, square_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class MultiKrum(Bounded):
    """The mean of all slaves but those that are furthest from their nearest neighbours.

    The ``k - f`` slaves with the best scores of `krum`, sums of squared distances to the
    ``k - f - 2`` nearest slaves, are averaged; the other f are left out, attackers or not. It
    needs ``k >= 2 f + 3``.

    Blanchard et al., "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent",
    NeurIPS 2017 (with m = k - f).
    """

    def least(self, f: int) -> int:
        """Return ``2 * f + 3``."""
        return 2 * f + 3

    def combine(self, points: NDArray[Any], current: NDArray[Any]) -> NDArray[Any]:
        """Return the mean of k - f of the points (k, p)."""
        k, f = len(points), self.attackers(len(points))
        self.check(k)
        best = scores(square_distances(points), k - f - 2).argsort(kind="stable")[: k - f]
        # In the slaves' order, in which sums are taken.
        best.sort()
        return np.asarray(points[best].mean(axis=0))
