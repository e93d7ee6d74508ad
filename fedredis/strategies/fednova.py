"""Federated averaging of normalised steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedredis.arrays import count
from fedredis.arrays.quantity import BITS
from fedredis.errors import UsageError
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.local import LocalResults, steps
from fedredis.strategies.protocol import Global
from fedredis.strategies.state import points, stepped

if TYPE_CHECKING:
    from fedredis.arrays import Quantity
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.local import LocalWork
    from fedredis.strategies.protocol import Limits, Returned


@dataclass(frozen=True)
class FedNova(FedAvg):
    """Normalised steps: a slave that takes more of them does not pull the model its way.

    Slave k takes tau_k steps of plain SGD from w to w_k, and sends where one step of the average
    length would have led. With p_k = n_k / sum n_k::

        point_k = w - (w - w_k) / tau_k
        w <- w - (sum p_k tau_k) (w - sum p_k point_k)

    Wang et al., "Tackling the Objective Inconsistency Problem in Heterogeneous Federated
    Optimization", NeurIPS 2020, for plain SGD. Where all slaves take as many steps it is FedAvg.
    With few slaves that are very unlike, a smaller learning rate serves better than it does there.
    """

    def quantities(self, model: Model, sent: Global, limits: Limits) -> tuple[Quantity, ...]:
        """Describe what is added up: the point, and the number of steps, both times the rows.

        Raises
        ------
        UsageError
            If there are too many steps to be counted.
        """
        most = steps(limits.rows, limits.settings)
        if most * limits.rows >= 1 << BITS:
            raise UsageError(
                f"local_epochs={limits.settings.local_epochs} and batch_size="
                f"{limits.settings.batch_size} make more steps on {limits.rows} rows than fednova "
                "can count: fewer epochs, or larger batches"
            )
        return (*points(model, sent, limits), count("steps", (1,), bound=most))

    def local(self, work: LocalWork) -> LocalResults:
        """Train the model that was sent, and go back to one average step."""
        sent, taken = work.sent.parameters, work.steps
        averages = [w - (w - t) / taken for w, t in zip(sent, work.train(), strict=True)]
        weighted = np.full((work.count, 1), taken * work.rows)
        return LocalResults([*work.points(averages), weighted])

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Go as many average steps as the slaves took on average."""
        *means, taken = returned.means
        moves = zip(means, current.parameters, strict=True)
        moved = stepped(current.parameters, (float(taken[0]) * (mean - w) for mean, w in moves))
        return Global(moved, current.state)
