"""A round of inference: one pass of an analysis over all rows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Sum, Updates
from fedredis.exchanges.base import Pass
from fedredis.exchanges.protocol import Step
from fedredis.inference.stages import Frame

if TYPE_CHECKING:
    from fedredis.exchanges.protocol import AtHand, Reduced, Rows
    from fedredis.inference.exact import Part
    from fedredis.inference.stages import Chain


class Inference(Pass):
    """One pass of an analysis, over rows to train on and held-out ones alike."""

    KIND = "inference"

    @property
    def enough(self) -> int:
        """All of them: passes of other slaves' rows would not go together."""
        return len(self.slaves)

    @property
    def _learner(self) -> Chain:
        return self.setup.analysis.chain

    @cached_property
    def _parts(self) -> tuple[Part, ...]:
        return self._learner.parts(self._pass, self.known)

    @cached_property
    def rule(self) -> Sum:
        """The sums of the pass."""
        return Sum(tuple(part.quantity for part in self._parts), self.setup.scope)

    def local(self, at: AtHand) -> Updates:
        """Add up each slave's rows."""
        each, rows = [], []
        for slave in at.slaves:
            frame = self._frame(at.raw(slave))
            each.append(self._learner.sums(self._pass, self.known, frame))
            rows.append(frame.rows)
        samples = np.array(rows, np.int64)
        values = [np.stack(arrays) for arrays in zip(*each, strict=True)]
        return Updates(tuple(at.slaves), samples, self.rule.encode(values, samples))

    def _frame(self, rows: Rows) -> Frame:
        config = self.setup.config
        X = np.concatenate([rows.train_X, rows.test_X])
        columns: dict[str, Any] = {
            column.name: np.ascontiguousarray(x)
            for column, x in zip(config.columns, X.T, strict=True)
        }
        if config.reading.label:
            y = np.concatenate([rows.train_y, rows.test_y])
            # A class stands for itself, as a category's digest does; 0 is a missing one.
            columns[config.reading.label] = y.astype(np.float64) + (1.0 if config.classes else 0.0)
        return Frame(columns, len(X))

    def learn(self, reduced: Reduced) -> Step:
        """Let the analysis learn."""
        artifact = f"preprocessing:{self.number}"
        total = [p.decode(t) for p, t in zip(self._parts, reduced.total, strict=True)]
        known = self._learner.learn(self._pass, self.known, total)
        over = self._learner.next_pass(known) is None
        return Step(
            artifacts={artifact: known},
            progress={"preprocessing": artifact, **({"converged": "1"} if over else {})},
            entry={"pass": self._pass},
            drop=(f"preprocessing:{self.number - 1}",),
        )
