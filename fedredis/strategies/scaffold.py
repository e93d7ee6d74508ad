"""Stochastic controlled averaging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fedredis.arrays import Quantity
from fedredis.models.protocol import GradientTerm, SteeredModel
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.local import LocalResults
from fedredis.strategies.options import require
from fedredis.strategies.protocol import Global
from fedredis.strategies.state import arrays_of, filled, largest, named, points, stepped

if TYPE_CHECKING:
    from fedredis.arrays import Named
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.local import LocalWork
    from fedredis.strategies.protocol import Limits, Returned


@dataclass(frozen=True)
class Scaffold(FedAvg):
    """Control variates: each slave's steps are corrected by how its gradient differs from all's.

    The server has a control variate c, slave k has c_k, all 0 at first. In a round slave k takes
    K steps from w to w_k, at learning rate r, with ``c - c_k`` added to each gradient; then,
    over the |S| of N slaves that were counted, with p_k = n_k / sum n_k::

        d_k = (w - w_k) / (K r) - c
        w <- w + server_learning_rate (sum p_k w_k - w)
        c <- c + |S| / N sum p_k d_k
        c_k <- c_k + d_k

    Karimireddy et al., "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", ICML
    2020, algorithm 1 with option II, where all p_k are the same. While all slaves take part, c
    is the mean of the c_k, weighted by their rows.

    A slave holds nothing from round to round: its c_k is the memory that it is given back, as it
    was when it was last counted, so that an update that was not counted, or is computed twice,
    leaves no trace.
    """

    requires: ClassVar[type] = SteeredModel
    sends_state: ClassVar[bool] = True
    remembers: ClassVar[bool] = True

    server_learning_rate: float = 1.0

    def __post_init__(self) -> None:
        rate = self.server_learning_rate
        require(rate > 0, "server_learning_rate", rate, "above 0")

    def quantities(self, model: Model, sent: Global, limits: Limits) -> tuple[Quantity, ...]:
        """Describe what is added up: the parameters and the changes d_k, times the rows.

        A step is at least one, so that ``|d_k| <= max_norm / r + |c|``.
        """
        way = limits.max_norm / limits.settings.learning_rate
        control = arrays_of("control", model, sent.state)
        changes = [
            Quantity(f"control.{f.name}", f.shape, way + largest(c))
            for f, c in zip(model.schema().fields, control, strict=True)
        ]
        return (*points(model, sent, limits), *changes)

    def initial(self, model: Model) -> Named:
        """Return a control variate of 0."""
        return filled("control", model, 0.0)

    def local(self, work: LocalWork) -> LocalResults:
        """Train the model that was sent, with the correction."""
        sent, scale = work.sent.parameters, 1 / (work.steps * work.settings.learning_rate)
        control = arrays_of("control", work.model, work.sent.state)
        owns = [memory or [c * 0 for c in control] for memory in work.slaves.memories]
        terms = [
            GradientTerm(correction=[c - mine for c, mine in zip(control, own, strict=True)])
            for own in owns
        ]
        trained = work.train(terms)
        points, ways = work.points(trained), zip(sent, trained, control, strict=True)
        changes = [scale * (w - t) - c for w, t, c in ways]
        kept = [
            [mine + change for mine, change in zip(own, its, strict=True)]
            for own, *its in zip(owns, *changes, strict=True)
        ]
        return LocalResults([*points, *(work.rows * change for change in changes)], kept)

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Return the model and the control variate after a step."""
        means, count = returned.means, len(current.parameters)
        ways = zip(means[:count], current.parameters, strict=True)
        steps = (self.server_learning_rate * (mean - w) for mean, w in ways)
        share = returned.counted / returned.slaves
        control = stepped(
            arrays_of("control", model, current.state), (share * d for d in means[count:])
        )
        return Global(stepped(current.parameters, steps), named("control", model, control))
