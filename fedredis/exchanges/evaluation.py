"""The test of a global model, on rows that slaves hold out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fedredis.arrays import Sum, Updates
from fedredis.exchanges.protocol import Step
from fedredis.exchanges.stacks import stacks
from fedredis.keys import RoundName
from fedredis.models import stack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.exchanges.protocol import AtHand, Reduced, Rows
    from fedredis.exchanges.setup import Setup

#: Why a run has no figures.
NOTHING_HELD_OUT = "no slave holds out rows, so no figure says how good the model is"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The test of ``model:<n>``."""

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

    @property
    def enough(self) -> int:
        """As many as the config says."""
        return 0

    @property
    def name(self) -> RoundName:
        """``evaluate:<n>``."""
        return RoundName("evaluate", self.number)

    @property
    def slaves(self) -> tuple[str, ...]:
        """All of them."""
        return self.setup.config.slave_ids

    @property
    def remembers(self) -> None:
        """Nothing."""

    @cached_property
    def rule(self) -> Sum:
        """The sums of the measure."""
        return Sum(self.setup.measure.quantities(), self.setup.scope)

    def local(self, at: AtHand) -> Updates:
        """Test the model on each slave's held-out rows."""
        setup, measure = self.setup, self.setup.measure
        rows = {
            s: at.inputs(s, lambda raw: setup.prepare(self.known, raw)) for s in sorted(at.slaves)
        }
        order: list[str] = []
        groups: list[Arrays] = []
        facts: dict[str, list[float | None]] = {}
        for names in stacks({slave: of_slave.test_X for slave, of_slave in rows.items()}):
            predictions = self._predict([rows[name] for name in names])
            sums = measure.sums(predictions, np.stack([rows[name].test_y for name in names]))
            samples = np.full(len(names), predictions.shape[1], np.int64)
            for fact, values in measure.facts(sums, samples, self.known).items():
                facts.setdefault(fact, []).extend(values)
            order += names
            groups.append(self.rule.encode(sums, samples))
        whole = [np.concatenate(a) if len(a) > 1 else a[0] for a in zip(*groups, strict=True)]
        samples = np.array([len(rows[name].test_y) for name in order], np.int64)
        return Updates(tuple(order), samples, whole, facts)

    def _predict(self, rows: Sequence[Rows]) -> NDArray[Any]:
        """Return predictions (k, n, outputs) for as many held-out rows of each slave."""
        model = self.setup.model(self.known)
        return stack.predict(model, self.parameters, [one.test_X for one in rows])

    def learn(self, reduced: Reduced) -> Step:
        """Say how good the model is."""
        figures = self.setup.measure.summary(self.rule.decode(reduced.total), self.known)
        score = figures[self.setup.measure.primary]
        return Step(
            progress={} if score is None else {"score": repr(score)},
            entry=figures,
            warnings=() if figures["rows"] else (NOTHING_HELD_OUT,),
        )
