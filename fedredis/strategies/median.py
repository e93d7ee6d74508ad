"""The coordinate-wise median."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.strategies.robust import Robust

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Median(Robust):
    """The median of the slaves' parameters, each parameter by itself.

    ``w[j] = median_k w_k[j]``, with an even number of slaves the mean of the two in the middle.
    It holds as long as fewer than half of the slaves are attackers, and needs to be told nothing.

    Yin et al., "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates",
    ICML 2018, algorithm 1, option I.
    """

    def combine(self, points: NDArray[Any], current: NDArray[Any]) -> NDArray[Any]:
        """Return the median of points (k, p)."""
        return np.asarray(np.median(points, axis=0, overwrite_input=True))
