"""What a model must offer. It works on arrays and knows neither Redis nor RQ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fedredis.codec import Arrays, Schema


@dataclass(frozen=True)
class TrainingSettings:
    """How a slave trains in one round of minibatch SGD."""

    local_epochs: int
    batch_size: int
    learning_rate: float
    #: L2 penalty: ``l2 / 2 * ||W||^2`` is added to the mean loss; the intercept is not penalised.
    l2: float


class Model(Protocol):
    """A model with a fixed schema of parameters. It never changes its own state."""

    def schema(self) -> Schema:
        """Describe the parameters."""

    def initialise(self, rng: np.random.Generator) -> Arrays:
        """Make the parameters that the first round starts from."""

    def train(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        settings: TrainingSettings,
        rng: np.random.Generator,
    ) -> Arrays:
        """Return new parameters, trained on inputs X (n, width) and labels y (n,), n >= 1.

        Same arguments, same generator state: the same bits.
        """

    def predict(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class (n, classes) for inputs X (n, width)."""

    def evaluate(self, parameters: Arrays, X: NDArray[Any], y: NDArray[Any]) -> Arrays:
        """Return the sums that metrics are made of (see `fedredis.metrics`), n may be 0."""


@runtime_checkable
class StackedModel(Model, Protocol):
    """A model that works for several slaves at once, to the same bits as for each alone."""

    def train_stack(
        self,
        parameters: Arrays,
        Xs: Sequence[NDArray[Any]],
        ys: Sequence[NDArray[Any]],
        settings: TrainingSettings,
        rngs: Sequence[np.random.Generator],
    ) -> list[Arrays]:
        """Return what `train` does for each slave; all have the same number of rows."""

    def evaluate_stack(
        self, parameters: Arrays, Xs: Sequence[NDArray[Any]], ys: Sequence[NDArray[Any]]
    ) -> list[Arrays]:
        """Return what `evaluate` does for each slave; all have the same number of rows."""
