"""Yogi on the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.strategies.fedadam import FedAdam

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FedYogi(FedAdam):
    """Yogi on the server: as Adam, but small moves do not wipe out the memory of large ones.

    `FedOpt` with ``v <- v - (1 - beta2) D^2 sign(v - D^2)``. Reddi et al., "Adaptive Federated
    Optimization", ICLR 2021, algorithm 2.
    """

    def second_moment(self, before: NDArray[Any], square: NDArray[Any]) -> NDArray[Any]:
        """Go towards the square by a step of its own size, not of the distance."""
        return np.asarray(before - (1 - self.beta2) * square * np.sign(before - square))
