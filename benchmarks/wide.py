"""A model of any size, whose training costs next to nothing: what is left is what fedredis costs.

``python -m benchmarks.wide DIRECTORY`` is a worker that knows it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis import models
from fedredis.arrays import Field, Schema
from fedredis.jobs import process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.models import TrainingSettings

#: Names the number of parameters in the environment of masters and workers.
PARAMETERS = "BENCHMARK_PARAMETERS"


@dataclass(frozen=True)
class Wide:
    """Parameters that training moves a little, alike for all slaves."""

    width: int
    classes: int

    def schema(self) -> Schema:
        """Describe the parameters."""
        return Schema((Field("weights", "<f8", (int(os.environ[PARAMETERS]),)),))

    def initialise(self, rng: np.random.Generator) -> Arrays:
        """Return random numbers."""
        return [rng.normal(size=field.shape) for field in self.schema().fields]

    def train(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        settings: TrainingSettings,
        rng: np.random.Generator,
    ) -> Arrays:
        """Return the parameters, moved."""
        return [array * 0.999 for array in parameters]

    def predict(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Return the same probability for each class."""
        return np.full((len(X), self.classes), 1 / self.classes)

    def train_stack(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        settings: TrainingSettings,
        rngs: Sequence[np.random.Generator],
    ) -> Arrays:
        """Return the parameters, moved, once for all slaves."""
        return [np.broadcast_to(a * 0.999, (len(X), *a.shape)) for a in parameters]

    def predict_stack(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Return those of several slaves."""
        return np.full((*X.shape[:2], self.classes), 1 / self.classes)


def register() -> None:
    """Make the model known by the name ``wide``, and this module one that workers find."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    models.MODELS["wide"] = Wide


if __name__ == "__main__":
    register()
    process.main()
