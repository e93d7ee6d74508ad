"""The coordinate-wise trimmed mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.strategies.robust import Bounded

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TrimmedMean(Bounded):
    """The mean of each parameter without its largest and its smallest values.

    With the values in order, f at each end are left out::

        w[j] = sum_{f < i <= k - f} w_(i)[j] / (k - 2 f)

    An f that is too small lets attackers in; one that is too large leaves honest slaves out, up
    to the median.

    Yin et al., "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates",
    ICML 2018, algorithm 1, option II.
    """

    def combine(self, points: NDArray[Any], current: NDArray[Any]) -> NDArray[Any]:
        """Return the trimmed mean of points (k, p)."""
        f = self.attackers(len(points))
        points.sort(axis=0)
        return np.asarray(points[f : len(points) - f].mean(axis=0))
