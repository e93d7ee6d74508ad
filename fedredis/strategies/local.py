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
class LocalSlave:
    """One slave's rows, and what chance and memory it has."""

    #: Inputs (n, width) and labels (n,), n >= 1.
    X: NDArray[Any]
    y: NDArray[Any]
    #: Derived from the run's seed, the round and the slave.
    rng: np.random.Generator
    #: The memory that it returned when it was last counted, if there is one.
    memory: Arrays | None = None
    #: What its rows weigh (n,): 1 on average over all slaves' rows. None where all weigh 1.
    weights: NDArray[Any] | None = None

    @property
    def rows(self) -> int:
        """Its number of rows n_k."""
        return len(self.y)


@dataclass(frozen=True, eq=False)
class LocalResult:
    """What a slave adds to the sums, and what it is to be given back next time."""

    arrays: Arrays
    memory: Arrays | None = None


@dataclass(frozen=True, eq=False)
class LocalWork:
    """The work of slaves that have the same number of rows."""

    model: Model
    sent: Global
    settings: TrainingSettings
    limits: Limits
    #: How predictions are measured.
    measure: Measure
    slaves: Sequence[LocalSlave]

    @property
    def rows(self) -> int:
        """How many rows each slave has."""
        return self.slaves[0].rows

    @property
    def steps(self) -> int:
        """How many steps of SGD each slave takes: one a batch, the last and short one included."""
        return steps(self.rows, self.settings)

    def train(self, terms: Sequence[GradientTerm] = ()) -> list[Arrays]:
        """Return each slave's trained parameters, with a term each if any are given.

        Terms need a model that takes them: `Strategy.requires` sees to it.
        """
        slaves = self.slaves
        return stack.train(
            self.model,
            self.sent.parameters,
            [slave.X for slave in slaves],
            [slave.y for slave in slaves],
            self.settings,
            [slave.rng for slave in slaves],
            terms,
            [slave.weights for slave in slaves if slave.weights is not None],
        )

    def points(self, trained: Sequence[Arrays]) -> list[Arrays]:
        """Multiply each slave's parameters by its number of rows, as sums take them.

        Raises
        ------
        BoundError
            If they are further from what was sent than `Limits.max_norm`, or no numbers.
        """
        stacks = [np.stack(arrays).astype(np.float64) for arrays in zip(*trained, strict=True)]
        self._refuse_far(stacks)
        for points in stacks:
            points *= self.rows
        return [[points[i] for points in stacks] for i in range(len(self.slaves))]

    def losses(self) -> list[float]:
        """Return the mean loss of the model that was sent on each slave's own rows.

        Squared errors are in squared standard deviations of the label; what is no number is
        infinite.
        """
        predictions = stack.predict(self.model, self.sent.parameters, [s.X for s in self.slaves])
        losses = self.measure.losses(predictions, np.stack([s.y for s in self.slaves]))
        for line, slave in zip(losses, self.slaves, strict=True):
            line *= 1.0 if slave.weights is None else slave.weights
        means: list[float] = (losses.sum(axis=1) / self.rows).tolist()
        return [mean if math.isfinite(mean) else math.inf for mean in means]

    def _refuse_far(self, stacks: Sequence[NDArray[np.float64]]) -> None:
        once = np.ones(len(self.slaves), np.int64)
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
