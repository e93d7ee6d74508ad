"""Stochastic controlled averaging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fedredis.codec import Field
from fedredis.models.protocol import GradientTerm, SteeredModel
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.options import require
from fedredis.strategies.protocol import Global
from fedredis.strategies.state import arrays_of, filled, named, stepped

if TYPE_CHECKING:
    from fedredis.codec import Arrays, Schema
    from fedredis.features.protocol import Known
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.local import LocalSlave, LocalWork
    from fedredis.strategies.protocol import Returned


@dataclass(frozen=True)
class Scaffold(FedAvg):
    """Control variates: each slave's steps are corrected by how its gradient differs from all's.

    The server has a control variate c, slave k has c_k, all 0 at first. In a round slave k takes
    K steps from w to w_k, at learning rate r, with ``c - c_k`` added to each gradient; then,
    over the |S| of N slaves that were counted, with p_k = n_k / sum n_k::

        c_k' = c_k - c + (w - w_k) / (K r)
        w <- w + server_learning_rate (sum p_k w_k - w)
        c <- c + |S| / N sum p_k (c_k' - c_k)
        c_k <- c_k'

    Karimireddy et al., "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", ICML
    2020, algorithm 1 with option II, where all p_k are the same. While all slaves take part, c
    is the mean of the c_k, weighted by their rows.

    A slave holds nothing from round to round: its c_k is read back from its last counted update,
    so that an update that was not counted, or is computed twice, leaves no trace.
    """

    requires: ClassVar[type] = SteeredModel
    sends_state: ClassVar[bool] = True
    recalls: ClassVar[bool] = True

    server_learning_rate: float = 1.0

    def __post_init__(self) -> None:
        rate = self.server_learning_rate
        require(rate > 0, "server_learning_rate", rate, "above 0")

    def schema(self, model: Model) -> Schema:
        """Describe an update: the parameters, and c_k' and c_k, all of them times the rows."""
        parameters = model.schema()
        controls = [
            Field(f"{which}_control.{field.name}", "<f8", field.shape)
            for which in ("new", "old")
            for field in parameters.fields
        ]
        return parameters.plus(*controls)

    def initial(self, model: Model) -> Known:
        """Return a control variate of 0."""
        return filled("control", model, 0.0)

    def local(self, work: LocalWork) -> list[Arrays]:
        """Train the model that was sent, with the correction."""
        sent, scale = work.sent.parameters, 1 / (work.steps * work.settings.learning_rate)
        control = arrays_of("control", work.model, work.sent.state)
        olds = [_own(slave, control) for slave in work.slaves]
        corrections = [[c - own for c, own in zip(control, old, strict=True)] for old in olds]
        trained = work.train([GradientTerm(correction=correction) for correction in corrections])
        arrays = []
        for old, correction, after in zip(olds, corrections, trained, strict=True):
            ways = [scale * (w - t) for w, t in zip(sent, after, strict=True)]
            new = [way - more for way, more in zip(ways, correction, strict=True)]
            arrays.append([*after, *new, *old])
        return work.points(arrays)

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Return the model and the control variate after a step."""
        means, count = returned.means, len(current.parameters)
        after, new, old = means[:count], means[count : 2 * count], means[2 * count :]
        ways = zip(after, current.parameters, strict=True)
        steps = (self.server_learning_rate * (mean - w) for mean, w in ways)
        share = returned.counted / returned.slaves
        changes = zip(arrays_of("control", model, current.state), new, old, strict=True)
        control = [c + share * (later - sooner) for c, later, sooner in changes]
        return Global(stepped(current.parameters, steps), named("control", model, control))


def _own(slave: LocalSlave, control: Arrays) -> Arrays:
    """Return a slave's own control variate: of its last counted update, or else 0."""
    if slave.last is None:
        return [array * 0 for array in control]
    count = len(control)
    return [array / slave.last.samples for array in slave.last.arrays[count : 2 * count]]
