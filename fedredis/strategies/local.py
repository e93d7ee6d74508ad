"""What some slaves have at hand in a round of training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.models.protocol import StackedModel, SteeredModel, SteeredStackedModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fedredis.codec import Arrays
    from fedredis.metrics import Measure
    from fedredis.models.protocol import GradientTerm, Model, TrainingSettings
    from fedredis.strategies.protocol import Global
    from fedredis.update import Update


@dataclass(frozen=True)
class LocalSlave:
    """One slave's rows, and what chance and memory it has."""

    #: Inputs (n, width) and labels (n,), n >= 1.
    X: NDArray[Any]
    y: NDArray[Any]
    #: Derived from the run's seed, the round and the slave.
    rng: np.random.Generator
    #: Its last counted update, if the strategy recalls it and there is one.
    last: Update | None = None

    @property
    def rows(self) -> int:
        """Its number of rows n_k."""
        return len(self.y)


@dataclass(frozen=True)
class LocalWork:
    """The work of slaves that have the same number of rows."""

    model: Model
    sent: Global
    settings: TrainingSettings
    #: How predictions are measured.
    measure: Measure
    slaves: Sequence[LocalSlave]

    @property
    def steps(self) -> int:
        """How many steps of SGD each slave takes: one a batch, the last and short one included."""
        batches = math.ceil(self.slaves[0].rows / self.settings.batch_size)
        return self.settings.local_epochs * batches

    def train(self, terms: Sequence[GradientTerm] = ()) -> list[Arrays]:
        """Return each slave's trained parameters, with a term each if any are given.

        To the same bits, whether the model works for several slaves at once or not. Terms need a
        model that takes them: `Strategy.requires` sees to it.
        """
        model, parameters, settings = self.model, self.sent.parameters, self.settings
        Xs, ys = [slave.X for slave in self.slaves], [slave.y for slave in self.slaves]
        rngs = [slave.rng for slave in self.slaves]
        if terms and isinstance(model, SteeredStackedModel):
            return model.train_stack(parameters, Xs, ys, settings, rngs, terms)
        if terms and isinstance(model, SteeredModel):
            return [
                model.train_steered(parameters, X, y, settings, rng, term)
                for X, y, rng, term in zip(Xs, ys, rngs, terms, strict=True)
            ]
        if isinstance(model, StackedModel):
            return model.train_stack(parameters, Xs, ys, settings, rngs)
        return [
            model.train(parameters, X, y, settings, rng)
            for X, y, rng in zip(Xs, ys, rngs, strict=True)
        ]

    def points(self, trained: Sequence[Arrays]) -> list[Arrays]:
        """Multiply each slave's arrays by its number of rows, as updates carry them."""
        return [
            [array * slave.rows for array in arrays]
            for slave, arrays in zip(self.slaves, trained, strict=True)
        ]

    def losses(self) -> list[float]:
        """Return the mean loss of the model that was sent on each slave's own rows."""
        predict, measure = self.model.predict, self.measure
        tests = (measure.sums(predict(self.sent.parameters, s.X), s.y) for s in self.slaves)
        return [measure.mean_loss(t, s.rows) for t, s in zip(tests, self.slaves, strict=True)]
