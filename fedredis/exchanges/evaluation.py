"""The test of a global model, on rows that slaves hold out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fedredis.arrays import Sum, Updates
from fedredis.exchanges.base import OfAll
from fedredis.exchanges.protocol import Step
from fedredis.exchanges.stacks import merged
from fedredis.models.stack import predict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.arrays.figures import Facts
    from fedredis.exchanges.protocol import AtHand, Reduced
    from fedredis.exchanges.setup import Setup
    from fedredis.exchanges.stacks import Stack

#: Why a run has no figures.
NOTHING_HELD_OUT = "no slave holds out rows, so no figure says how good the model is"


@dataclass(frozen=True, eq=False)
class Evaluation(OfAll):
    """The test of ``model:<n>``."""

    KIND = "evaluate"

    setup: Setup
    number: int
    known: Named
    parameters: Arrays

    @classmethod
    def of(cls, setup: Setup, number: int, given: Mapping[str, Named]) -> Self:
        """Make the exchange, from the preprocessing and the model."""
        return cls(setup, number, given["known"], list(given["model"].values()))

    @classmethod
    def job(cls, setup: Setup, number: int) -> str:
        """Jobs of training, which go on meanwhile; the last model is tested by jobs of its own."""
        return "train" if number < setup.config.rounds else "evaluate"

    @cached_property
    def rule(self) -> Sum:
        """The sums of the measure."""
        return Sum(self.setup.measure.quantities(), self.setup.scope)

    def local(self, at: AtHand) -> Updates:
        """Test the model on each slave's held-out rows."""
        setup = self.setup
        found = at.stacks("test", lambda raw: setup.prepare(self.known, raw))
        groups: list[Arrays] = []
        told: list[Facts] = []
        for stack in found:
            sums, facts = self.sums(stack)
            told.append(facts)
            groups.append(self.rule.encode(sums, stack.samples))
        order = tuple(chain.from_iterable(stack.slaves for stack in found))
        samples = np.concatenate([stack.samples for stack in found])
        together = {name: np.concatenate([facts[name] for facts in told]) for name in told[0]}
        return Updates(order, samples, merged(groups), together)

    def sums(self, stack: Stack) -> tuple[Arrays, Facts]:
        """Sum up the test on the held-out rows of a stack, and say what each slave tells."""
        measure = self.setup.measure
        sums = measure.sums(self._predict(stack), stack.y)
        return sums, measure.facts(sums, stack.samples, self.known)

    def _predict(self, stack: Stack) -> NDArray[Any]:
        """Return predictions (k, n, outputs) for the held-out rows of a stack."""
        return predict(self.setup.model(self.known), self.parameters, stack.X)

    def learn(self, reduced: Reduced) -> Step:
        """Say how good the model is."""
        figures = self.setup.measure.summary(self.rule.decode(reduced.total), self.known)
        score = figures[self.setup.measure.primary]
        return Step(
            progress={} if score is None else {"score": repr(score)},
            entry=figures,
            warnings=() if figures["rows"] else (NOTHING_HELD_OUT,),
        )
