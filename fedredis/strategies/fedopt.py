"""What the adaptive optimisers on the server have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.options import require
from fedredis.strategies.protocol import Global
from fedredis.strategies.state import arrays_of, filled, named, stepped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.protocol import Returned


@dataclass(frozen=True)
class FedOpt(FedAvg, ABC):
    """An adaptive optimiser on the server, to which the mean's way is a gradient.

    With the slaves' mean w_mean, and m = 0, v = tau^2 before the first round::

        D = w_mean - w
        m <- beta1 m + (1 - beta1) D
        v <- second_moment(v, D^2)
        w <- w + server_learning_rate m / (sqrt(v) + tau)

    all of it element by element, and without bias correction. Reddi et al., "Adaptive Federated
    Optimization", ICLR 2021, algorithm 2. The paper's beta1 of 0.9 and tau of 0.001 are for
    hundreds of rounds: the 20 of a run by default are over before such a momentum has turned.
    """

    server_learning_rate: float = 0.2
    beta1: float = 0.5
    tau: float = 0.1

    def __post_init__(self) -> None:
        rate = self.server_learning_rate
        require(rate > 0, "server_learning_rate", rate, "above 0")
        require(0 <= self.beta1 < 1, "beta1", self.beta1, "at least 0 and below 1")
        require(self.tau > 0, "tau", self.tau, "above 0")

    @abstractmethod
    def second_moment(self, before: NDArray[Any], square: NDArray[Any]) -> NDArray[Any]:
        """Return v, from the v before and D^2."""

    def initial(self, model: Model) -> Named:
        """Return m = 0 and v = tau^2."""
        return filled("first_moment", model, 0.0) | filled("second_moment", model, self.tau**2)

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Return the model and both moments after a step."""
        ways = [m - w for m, w in zip(returned.means, current.parameters, strict=True)]
        first = [
            self.beta1 * m + (1 - self.beta1) * way
            for m, way in zip(arrays_of("first_moment", model, current.state), ways, strict=True)
        ]
        second = [
            self.second_moment(v, way * way)
            for v, way in zip(arrays_of("second_moment", model, current.state), ways, strict=True)
        ]
        steps = (
            self.server_learning_rate * m / (np.sqrt(v) + self.tau)
            for m, v in zip(first, second, strict=True)
        )
        state = named("first_moment", model, first) | named("second_moment", model, second)
        return Global(stepped(current.parameters, steps), state)
