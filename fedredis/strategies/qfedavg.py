"""Fair federated averaging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedredis.codec import Field
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.options import require
from fedredis.strategies.protocol import Global
from fedredis.strategies.state import stepped

if TYPE_CHECKING:
    from fedredis.codec import Arrays, Schema
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.local import LocalWork
    from fedredis.strategies.protocol import Returned

#: A slave's loss counts as this much at least, or its powers would not be finite.
SMALLEST_LOSS = 1e-10


@dataclass(frozen=True)
class QFedAvg(FedAvg):
    """Fairness: slaves that the model serves badly count for more.

    What is minimised is ``sum n_k F_k^(q+1) / (q+1)``, F_k being slave k's mean loss, without
    the penalty. Slave k trains w to w_k; with F_k at w and L = 1 / learning_rate::

        D_k = F_k^q L (w - w_k)
        h_k = q F_k^(q-1) ||L (w - w_k)||^2 + L F_k^q
        w <- w - sum n_k D_k / sum n_k h_k

    As a point travels ``w + F_k^q (w_k - w) = w - D_k / L``.

    Li et al., "Fair Resource Allocation in Federated Learning", ICLR 2020, algorithm 2, where
    slaves are drawn in proportion to the n_k instead. With a q of 0 it is FedAvg.
    """

    q: float = 0.2

    def __post_init__(self) -> None:
        require(self.q >= 0, "q", self.q, "0 or more")

    def schema(self, model: Model) -> Schema:
        """Describe an update: the point, and the normaliser h_k, both times the rows."""
        return model.schema().plus(Field("normaliser", "<f8", (1,)))

    def local(self, work: LocalWork) -> list[Arrays]:
        """Train the model that was sent, and weigh the way by the loss that it had."""
        sent, lipschitz = work.sent.parameters, 1 / work.settings.learning_rate
        arrays = []
        for measured, trained in zip(work.losses(), work.train(), strict=True):
            loss = max(measured, SMALLEST_LOSS)
            ways = [t - w for t, w in zip(trained, sent, strict=True)]
            square = lipschitz**2 * sum(float(np.square(way).sum()) for way in ways)
            normaliser = self.q * loss ** (self.q - 1) * square + lipschitz * loss**self.q
            point = [w + loss**self.q * way for w, way in zip(sent, ways, strict=True)]
            arrays.append([*point, np.array([normaliser])])
        return work.points(arrays)

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Take the slaves' ways together, over their normalisers."""
        *means, normaliser = returned.means
        scale = 1 / (settings.learning_rate * float(normaliser[0]))
        ways = zip(means, current.parameters, strict=True)
        moved = stepped(current.parameters, (scale * (mean - w) for mean, w in ways))
        return Global(moved, current.state)
