"""Krum: the one point that has the most company."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.strategies.robust import Bounded, square_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Krum(Bounded):
    """The parameters of the one slave that is nearest to its nearest neighbours.

    A slave's score is the sum of the squared distances to the ``k - f - 2`` slaves nearest to
    it; the smallest score wins. It needs ``k >= 2 f + 3``. One slave's parameters alone are the
    result, so that the others' rows are not learned from in that round: `multi-krum` averages
    instead.

    Blanchard et al., "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent",
    NeurIPS 2017, section 4.
    """

    def least(self, f: int) -> int:
        """Return ``2 * f + 3``."""
        return 2 * f + 3

    def combine(self, points: NDArray[Any], current: NDArray[Any]) -> NDArray[Any]:
        """Return one of the points (k, p)."""
        k, f = len(points), self.attackers(len(points))
        self.check(k)
        return np.asarray(points[scores(square_distances(points), k - f - 2).argmin()])


def scores(distances: NDArray[Any], neighbours: int) -> NDArray[Any]:
    """Sum each slave's squared distances (k, k) to so many others that are nearest: (k,)."""
    others = distances.copy()
    np.fill_diagonal(others, np.inf)
    others.sort(axis=1)
    return np.asarray(others[:, :neighbours].sum(axis=1))
