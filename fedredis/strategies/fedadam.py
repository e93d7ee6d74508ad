"""Adam on the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.strategies.fedopt import FedOpt
from fedredis.strategies.options import require

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FedAdam(FedOpt):
    """Adam on the server: each parameter's step is scaled by how much it moved of late.

    `FedOpt` with ``v <- beta2 v + (1 - beta2) D^2``. Reddi et al., "Adaptive Federated
    Optimization", ICLR 2021, algorithm 2.
    """

    beta2: float = 0.99

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.beta2 < 1, "beta2", self.beta2, "at least 0 and below 1")

    def second_moment(self, before: NDArray[Any], square: NDArray[Any]) -> NDArray[Any]:
        """Let older squares fade."""
        return self.beta2 * before + (1 - self.beta2) * square
