"""The test of a global model, on rows that slaves hold out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fedredis.arrays import Sum, Updates
from fedredis.exchanges.base import OfAll
from fedredis.exchanges.protocol import Step
from fedredis.exchanges.stacks import stacks
from fedredis.models import stack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.arrays.updates import Facts
    from fedredis.exchanges.protocol import AtHand, Reduced, Rows
    from fedredis.exchanges.setup import Setup

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
        rows = {
            s: at.inputs(s, lambda raw: setup.prepare(self.known, raw)) for s in sorted(at.slaves)
        }
        order: list[str] = []
        groups: list[Arrays] = []
        facts: dict[str, list[float | None]] = {}
        for names in stacks({slave: of_slave.test_X for slave, of_slave in rows.items()}):
            alike = [rows[name] for name in names]
            sums, told = self.sums(alike)
            samples = np.full(len(names), len(alike[0].test_y), np.int64)
            for fact, values in told.items():
                facts.setdefault(fact, []).extend(values)
            order += names
            groups.append(self.rule.encode(sums, samples))
        whole = [np.concatenate(a) if len(a) > 1 else a[0] for a in zip(*groups, strict=True)]
        samples = np.array([len(rows[name].test_y) for name in order], np.int64)
        return Updates(tuple(order), samples, whole, facts)

    def sums(self, rows: Sequence[Rows]) -> tuple[Arrays, Facts]:
        """Sum up the test on as many held-out rows of each slave, and say what each tells."""
        measure = self.setup.measure
        sums = measure.sums(self._predict(rows), np.stack([one.test_y for one in rows]))
        samples = np.full(len(rows), len(rows[0].test_y), np.int64)
        return sums, measure.facts(sums, samples, self.known)

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
