"""The test of a boosted model: the scores of held-out rows are kept from round to round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from fedredis.exchanges.evaluation import Evaluation
from fedredis.trees.ensemble import Ensemble
from fedredis.trees.rows import Pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.exchanges.coded import Coded
    from fedredis.exchanges.stacks import Stack


class GrownEvaluation(Evaluation):
    """The test of ``model:<n>``, an ensemble of trees."""

    def _predict(self, stack: Stack) -> NDArray[Any]:
        """Return predictions (k, n, outputs) for the held-out rows of a stack."""
        forest = self.setup.forest(self.known)
        pool = Pool.of([cast("Coded", one).test for one in stack.rows], forest.last)
        raw = pool.raw(Ensemble.of_arrays(self.parameters))
        predictions = forest.loss.predictions(raw, self.known)
        return predictions.reshape(len(stack.rows), -1, predictions.shape[1])
