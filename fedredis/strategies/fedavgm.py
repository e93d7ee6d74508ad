"""Federated averaging with momentum on the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.options import require
from fedredis.strategies.protocol import Global
from fedredis.strategies.state import arrays_of, filled, named, stepped

if TYPE_CHECKING:
    from fedredis.arrays import Named
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.protocol import Returned


@dataclass(frozen=True)
class FedAvgM(FedAvg):
    """Momentum on the server: the mean's way from round to round gathers speed.

    With the slaves' mean w_mean, and v = 0 before the first round::

        v <- momentum v + (w_mean - w)
        w <- w + server_learning_rate v

    Hsu, Qi and Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated
    Visual Classification", 2019 (there v has the other sign, and no learning rate).
    Without momentum, and with a rate of 1, it is FedAvg. In the long run a steady pull is taken
    ``server_learning_rate / (1 - momentum)`` times as far as FedAvg would: once, by default. The
    paper's momentum of 0.9 takes more rounds to come to rest than the 20 of a run by default.
    """

    momentum: float = 0.5
    server_learning_rate: float = 0.5

    def __post_init__(self) -> None:
        require(0 <= self.momentum < 1, "momentum", self.momentum, "at least 0 and below 1")
        rate = self.server_learning_rate
        require(rate > 0, "server_learning_rate", rate, "above 0")

    def initial(self, model: Model) -> Named:
        """Return a momentum of 0."""
        return filled("momentum", model, 0.0)

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Return the model and the momentum after a step."""
        before = arrays_of("momentum", model, current.state)
        ways = zip(before, returned.means, current.parameters, strict=True)
        momentum = [self.momentum * v + (mean - w) for v, mean, w in ways]
        steps = (self.server_learning_rate * v for v in momentum)
        return Global(stepped(current.parameters, steps), named("momentum", model, momentum))
