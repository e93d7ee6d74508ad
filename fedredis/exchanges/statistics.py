"""A round of statistics: what the features need to know of all rows, in sums."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fedredis.arrays import Sum, Updates
from fedredis.exchanges.base import Pass
from fedredis.exchanges.protocol import Step

if TYPE_CHECKING:
    from fedredis.exchanges.protocol import AtHand, Reduced
    from fedredis.features import Features


class Statistics(Pass):
    """One pass of a feature map over the rows that are trained on.

    The last one also makes the model that training starts from.
    """

    KIND = "statistics"

    @property
    def _learner(self) -> Features:
        return self.setup.features

    @cached_property
    def rule(self) -> Sum:
        """The sums of the pass."""
        return Sum(self.setup.features.quantities(self._pass, self.known), self.setup.scope)

    def local(self, at: AtHand) -> Updates:
        """Add up the rows that each slave trains on; held-out rows take no part."""
        features, each, rows = self.setup.features, [], []
        for slave in at.slaves:
            of_slave = at.raw(slave)
            X, y = of_slave.train_X, of_slave.train_y
            each.append(features.sums(self._pass, self.known, X, y, of_slave.train_w))
            rows.append(len(X))
        samples = np.array(rows, np.int64)
        values = [np.stack(arrays) for arrays in zip(*each, strict=True)]
        encoded = self.rule.encode(values, samples)
        return Updates(tuple(at.slaves), samples, encoded)

    def learn(self, reduced: Reduced) -> Step:
        """Let the features learn; when they know all, make the first model."""
        setup, features, artifact = self.setup, self.setup.features, f"preprocessing:{self.number}"
        known = features.learn(self._pass, self.known, self.rule.decode(reduced.total))
        artifacts, progress = {artifact: known}, {"preprocessing": artifact}
        warnings: tuple[str, ...] = ()
        if features.next_pass(known) is None:
            artifacts |= setup.beginning(known)
            progress["model"] = "model:0"
            warnings = features.warnings(known)
        return Step(
            artifacts=artifacts,
            progress=progress,
            entry={"pass": self._pass},
            drop=(f"preprocessing:{self.number - 1}",),
            warnings=warnings,
        )
