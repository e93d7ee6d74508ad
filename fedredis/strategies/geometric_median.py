"""The geometric median, by the smoothed Weiszfeld algorithm (RFA)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.strategies.options import require
from fedredis.strategies.robust import Robust, square_norms

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The iteration ends once the sum of the distances falls by no more than this share of it.
SMALLEST_FALL = 1e-12


@dataclass(frozen=True)
class GeometricMedian(Robust):
    """The point with the smallest sum of distances to the slaves' parameters.

    ``argmin_v sum_k ||v - w_k||``, which holds as long as fewer than half of the slaves are
    attackers. From the mean on, each point is the mean of the slaves' with weights
    ``1 / max(smoothing, ||v - w_k||)``, until the sum of distances does not fall any more.

    Pillutla, Kakade and Harchaoui, "Robust Aggregation for Federated Learning", IEEE Transactions
    on Signal Processing 70, 2022, algorithm 2.
    """

    #: Distances below this one count as this one, so that no weight is infinite.
    smoothing: float = 1e-6
    #: How many iterations there are at most.
    iterations: int = 100

    def __post_init__(self) -> None:
        require(0 < self.smoothing < math.inf, "smoothing", self.smoothing, "above 0")
        require(self.iterations >= 1, "iterations", self.iterations, "at least 1")

    def combine(self, points: NDArray[Any], current: NDArray[Any]) -> NDArray[Any]:
        """Return the geometric median of points (k, p)."""
        median = np.asarray(points.mean(axis=0))
        before = math.inf
        for _ in range(self.iterations):
            distances = np.sqrt(square_norms(points, median))
            total = float(distances.sum())
            if before - total <= SMALLEST_FALL * total:
                break
            weights = 1 / np.maximum(distances, self.smoothing)
            median = np.einsum("i,ij->j", weights / weights.sum(), points)
            before = total
        return median
