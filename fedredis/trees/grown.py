"""A grown ensemble as a model that predicts, whatever options it was grown with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.arrays import Schema
from fedredis.trees.boosting import Boosting
from fedredis.trees.ensemble import Ensemble
from fedredis.trees.forest import Forest
from fedredis.trees.losses import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Named


@dataclass(frozen=True, eq=False)
class Grown:
    """An ensemble of trees, given what its features know."""

    ensemble: Ensemble
    classes: int
    known: Named

    def schema(self) -> Schema:
        """Describe the arrays."""
        return Schema.of(self.ensemble.named())

    def predict(self, parameters: Sequence[NDArray[Any]], codes: NDArray[Any]) -> NDArray[Any]:
        """Predict for codes (n, columns): probabilities (n, classes), or standardised labels."""
        ensemble = Ensemble.of_arrays(parameters)
        options = Boosting(loss=NAMES[int(ensemble.loss[0])])
        return Forest(options, self.classes, self.known).predict(ensemble, codes)
