"""Fair federated averaging."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedredis.arrays import Quantity
from fedredis.errors import BoundError, FedredisError, UsageError
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.local import LocalResults
from fedredis.strategies.options import require
from fedredis.strategies.protocol import Global
from fedredis.strategies.state import stepped

if TYPE_CHECKING:
    from fedredis.arrays import Arrays
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.local import LocalWork
    from fedredis.strategies.protocol import Limits, Returned

#: A slave's loss counts as this much at least, or its powers would not be finite.
SMALLEST_LOSS = 1e-10
#: A mean log loss is below it, since probabilities are cut at 1e-15.
LARGEST_LOG_LOSS = 35.0
#: By how many powers of 2 a loss may count for more than a loss of 1 does.
MOST_WEIGHT = 30


@dataclass(frozen=True)
class QFedAvg(FedAvg):
    """Fairness: slaves that the model serves badly count for more.

    What is minimised is ``sum n_k F_k^(q+1) / (q+1)``, F_k being slave k's mean loss, without
    the penalty. Slave k trains w to w_k; with F_k at w and L = 1 / learning_rate::

        D_k = F_k^q L (w - w_k)
        h_k = q F_k^(q-1) ||L (w - w_k)||^2 + L F_k^q
        w <- w - sum n_k D_k / sum n_k h_k

    What travels is ``n_k F_k^q (w_k - w)`` and ``n_k h_k``, in two integers each: for a large q
    they are of very different sizes.

    Li et al., "Fair Resource Allocation in Federated Learning", ICLR 2020, algorithm 2, where
    slaves are drawn in proportion to the n_k instead. With a q of 0 it is FedAvg.
    """

    q: float = 0.2

    def __post_init__(self) -> None:
        require(self.q >= 0, "q", self.q, "0 or more")

    def quantities(self, model: Model, sent: Global, limits: Limits) -> tuple[Quantity, ...]:
        """Describe what is added up: the weighted way, and the normaliser h_k, times the rows.

        The normaliser is bounded by the largest loss and way, and for ``q < 1`` by the smallest
        loss.

        Raises
        ------
        UsageError
            If some losses would weigh so much that others are rounded off beside them.
        """
        q, lipschitz, loss = self.q, 1 / limits.settings.learning_rate, _largest_loss(limits)
        if q * math.log2(loss) > MOST_WEIGHT:
            raise UsageError(
                f"qfedavg: with q={q:g} losses up to {loss:.3g} weigh more than can be added "
                f"exactly: q must be {MOST_WEIGHT / math.log2(loss):.2g} at most",
                field="strategy",
            )
        steepest = (SMALLEST_LOSS if q < 1 else loss) ** (q - 1)
        way = loss**q * limits.max_norm
        most = q * steepest * (lipschitz * limits.max_norm) ** 2 + lipschitz * loss**q
        ways = [Quantity(f.name, f.shape, way, wide=True) for f in model.schema().fields]
        return (*ways, Quantity("normaliser", (1,), most, nonnegative=True, wide=True))

    def local(self, work: LocalWork) -> LocalResults:
        """Train the model that was sent, and weigh the way by the loss that it had.

        Raises
        ------
        BoundError
            Also if the loss is larger than the sum has room for.
        """
        sent, lipschitz = work.sent.parameters, 1 / work.settings.learning_rate
        losses, most = work.losses(), _largest_loss(work.limits)
        if max(losses) > most:
            raise BoundError(
                f"its mean loss is {max(losses):.3g}, and {most:.3g} is the most that qfedavg can "
                "weigh: a smaller learning_rate, or another strategy"
            )
        trained = work.train()
        work.points(trained)  # raises if they are too far away
        each: list[Arrays] = []
        for measured, *after in zip(losses, *trained, strict=True):
            loss = max(measured, SMALLEST_LOSS)
            ways = [t - w for t, w in zip(after, sent, strict=True)]
            square = lipschitz**2 * sum(float(np.square(way).sum()) for way in ways)
            normaliser = self.q * loss ** (self.q - 1) * square + lipschitz * loss**self.q
            weighed = [work.rows * loss**self.q * way for way in ways]
            each.append([*weighed, np.array([work.rows * normaliser])])
        return LocalResults([np.stack(arrays) for arrays in zip(*each, strict=True)])

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Take the slaves' ways together, over their normalisers."""
        *ways, normaliser = returned.total
        if not normaliser[0] > 0:
            raise FedredisError("the slaves' normalisers come to nothing to divide by")
        scale = 1 / (settings.learning_rate * float(normaliser[0]))
        return Global(stepped(current.parameters, (scale * way for way in ways)), current.state)


def _largest_loss(limits: Limits) -> float:
    """Return the largest mean loss: a log loss, or the square of twice the largest label."""
    return max(LARGEST_LOG_LOSS, 4 * limits.label**2)
