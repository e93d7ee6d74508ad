"""The scores of the model that a run stands for, counted once training is over."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fedredis.arrays import Sum, Updates
from fedredis.exchanges.evaluation import Evaluation
from fedredis.exchanges.grown import GrownEvaluation
from fedredis.exchanges.protocol import Step
from fedredis.metrics.scores import Scores, area

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.arrays.figures import Facts
    from fedredis.exchanges.protocol import Reduced
    from fedredis.exchanges.stacks import Stack

#: What the artifact's one array is called.
COUNTS = "counts"


class Scoring(Evaluation):
    """The counts of ``model:<n>`` on held-out rows, which become ``scores:<n>``.

    A slave whose owner does not allow it abstains, with no rows.
    """

    KIND = "scores"

    @cached_property
    def scores(self) -> Scores:
        """What is counted."""
        return Scores(len(self.setup.config.classes))

    @cached_property
    def rule(self) -> Sum:
        """The counts."""
        return Sum(self.scores.quantities(), self.setup.scope)

    def sums(self, stack: Stack) -> tuple[Arrays, Facts]:
        """Count the held-out rows of a stack."""
        return self.scores.sums(self._predict(stack), stack.y), {}

    def abstain(self, slaves: Sequence[str]) -> Updates:
        """Hand in nothing."""
        samples = np.zeros(len(slaves), np.int64)
        shapes = [(len(samples), *quantity.shape) for quantity in self.scores.quantities()]
        stacks = self.rule.encode([np.zeros(shape, np.int64) for shape in shapes], samples)
        return Updates(tuple(slaves), samples, stacks)

    def learn(self, reduced: Reduced) -> Step:
        """Keep the counts."""
        (counts,) = self.rule.decode(reduced.total)
        areas = [found for table in counts if (found := area(table)[0]) is not None]
        auc = float(np.mean(areas)) if areas else None
        kept: dict[str, NDArray[np.int64]] = {COUNTS: counts}
        return Step(artifacts={f"scores:{self.number}": kept}, entry={"auc": auc})


class GrownScoring(Scoring, GrownEvaluation):
    """The same of an ensemble of trees."""
