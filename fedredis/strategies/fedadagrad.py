"""Adagrad on the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.strategies.fedopt import FedOpt

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FedAdagrad(FedOpt):
    """Adagrad on the server: steps shrink where the model has moved far already.

    `FedOpt` with ``v <- v + D^2``. Reddi et al., "Adaptive Federated Optimization", ICLR 2021,
    algorithm 2; as there, without momentum unless it is asked for.
    """

    server_learning_rate: float = 0.3
    beta1: float = 0.0

    def second_moment(self, before: NDArray[Any], square: NDArray[Any]) -> NDArray[Any]:
        """Add up the squares of all rounds."""
        return np.asarray(before + square)
