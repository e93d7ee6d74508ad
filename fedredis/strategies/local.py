"""What some slaves have at hand in a round of training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays.rules import distances
from fedredis.errors import BoundError
from fedredis.models import stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.metrics import Measure
    from fedredis.models.protocol import GradientTerm, Model, TrainingSettings
    from fedredis.strategies.protocol import Global, Limits


@dataclass(frozen=True, eq=False)
class LocalSlaves:
    """The rows of k slaves that have n of them each, and what chance and memory they have."""

    #: Inputs (k, n, width) and labels (k, n), n >= 1.
    X: NDArray[Any]
    y: NDArray[Any]
    #: One for each slave, derived from the run's seed, the round and the slave.
    rngs: Sequence[np.random.Generator]
    #: What each returned when it was last counted, None for nothing; empty if nobody did.
    memories: Sequence[Arrays | None] = ()
    #: What rows weigh (k, n): 1 on average over all slaves' rows. None where all weigh 1.
    weights: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class LocalResults:
    """What k slaves add to the sums, stacks (k, …), and what each is to be given back."""

    arrays: Arrays
    memories: Sequence[Arrays] = ()


@dataclass(frozen=True, eq=False)
class LocalWork:
    """The work of slaves that have the same number of rows."""

    model: Model
    sent: Global
    settings: TrainingSettings
    limits: Limits
    #: How predictions are measured.
    measure: Measure
    slaves: LocalSlaves

    @property
    def count(self) -> int:
        """How many slaves there are: k."""
        return len(self.slaves.y)

    @property
    def rows(self) -> int:
        """How many rows each slave has: n."""
        return int(self.slaves.y.shape[1])

    @property
    def steps(self) -> int:
        """How many steps of SGD each slave takes: one a batch, the last and short one included."""
        return steps(self.rows, self.settings)

    def train(self, terms: Sequence[GradientTerm] = ()) -> Arrays:
        """Return the slaves' trained parameters (k, …), with a term each if any are given.

        Terms need a model that takes them: `Strategy.requires` sees to it.
        """
        slaves = self.slaves
        return stack.train(
            self.model,
            self.sent.parameters,
            slaves.X,
            slaves.y,
            self.settings,
            slaves.rngs,
            terms,
            slaves.weights,
        )

    def points(self, trained: Arrays) -> Arrays:
        """Multiply the slaves' parameters (k, …) by the number of rows, as sums take them.

        Raises
        ------
        BoundError
            If they are further from what was sent than `Limits.max_norm`, or no numbers.
        """
        stacks = [array.astype(np.float64) for array in trained]
        self._refuse_far(stacks)
        for points in stacks:
            points *= self.rows
        return stacks

    def losses(self) -> list[float]:
        """Return the mean loss of the model that was sent on each slave's own rows.

        Squared errors are in squared standard deviations of the label; what is no number is
        infinite.
        """
        slaves = self.slaves
        predictions = stack.predict(self.model, self.sent.parameters, slaves.X)
        losses = self.measure.losses(predictions, slaves.y)
        if slaves.weights is not None:
            losses *= slaves.weights
        means: list[float] = (losses.sum(axis=1) / self.rows).tolist()
        return [mean if math.isfinite(mean) else math.inf for mean in means]

    def _refuse_far(self, stacks: Sequence[NDArray[np.float64]]) -> None:
        once = np.ones(self.count, np.int64)
        each = np.array(
            [
                distances([points], once, [w])
                for points, w in zip(stacks, self.sent.parameters, strict=True)
            ]
        )
        each[np.isnan(each)] = math.inf
        far, most = np.sqrt(np.square(each).sum(axis=0)), self.limits.max_norm
        if (far <= most).all():
            return
        slave = int(np.argmin(far <= most))
        farthest = int(np.argmax(each[:, slave]))
        name = self.model.schema().names[farthest]
        raise BoundError(
            f"after training it is {far[slave]:.3g} away from the global model, more than "
            f"max_norm={most:.3g}, in '{name}' above all: a smaller learning_rate keeps it nearer"
        )


def steps(rows: int, settings: TrainingSettings) -> int:
    """Return how many steps of SGD so many rows make in a round."""
    return settings.local_epochs * math.ceil(rows / settings.batch_size)
