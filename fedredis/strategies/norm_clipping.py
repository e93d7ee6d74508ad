"""The mean of steps that are cut to one length at most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.strategies.options import require
from fedredis.strategies.robust import Robust, square_norms

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class NormClipping(Robust):
    """The mean of the slaves' steps, none of them longer than a threshold.

    With the steps ``d_k = w_k - w`` from the global model w::

        w <- w + 1/k sum_k d_k min(1, norm / ||d_k||)

    An attacker counts for no more than an honest slave with a long step: f of k that pull
    together move the model by ``f / k`` of the threshold a round. That bounds the harm and does
    not remove it; labels that are flipped, say, make no long step.

    Sun et al., "Can You Really Backdoor Federated Learning?", 2019 (arXiv 1911.07963).
    """

    #: The threshold, as a Euclidean norm over all parameters; 0 for the median of the round's.
    norm: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.norm < math.inf, "norm", self.norm, "0 or more")

    def combine(self, points: NDArray[Any], current: NDArray[Any]) -> NDArray[Any]:
        """Return the mean of points (k, p), each brought near enough to `current` (p,)."""
        norms = np.sqrt(square_norms(points, current))
        most = self.norm or float(np.median(norms))
        kept = np.ones(len(norms))
        np.divide(most, norms, out=kept, where=norms > most)
        points -= current
        return np.asarray(current + np.einsum("i,ij->j", kept, points) / len(points))
