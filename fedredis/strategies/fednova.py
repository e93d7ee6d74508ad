"""Federated averaging of normalised steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedredis.codec import Field
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.protocol import Global
from fedredis.strategies.state import stepped

if TYPE_CHECKING:
    from fedredis.codec import Arrays, Schema
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.local import LocalWork
    from fedredis.strategies.protocol import Returned


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

    def schema(self, model: Model) -> Schema:
        """Describe an update: the point, and the number of steps, both times the rows."""
        return model.schema().plus(Field("steps", "<f8", (1,)))

    def local(self, work: LocalWork) -> list[Arrays]:
        """Train the model that was sent, and go back to one average step."""
        sent, steps = work.sent.parameters, work.steps
        arrays = []
        for trained in work.train():
            point = [w - (w - t) / steps for w, t in zip(sent, trained, strict=True)]
            arrays.append([*point, np.array([float(steps)])])
        return work.points(arrays)

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Go as many average steps as the slaves took on average."""
        *means, steps = returned.means
        moves = zip(means, current.parameters, strict=True)
        moved = stepped(current.parameters, (float(steps[0]) * (mean - w) for mean, w in moves))
        return Global(moved, current.state)
