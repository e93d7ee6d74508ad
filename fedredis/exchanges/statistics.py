"""A round of statistics: what the features need to know of all rows, in sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from fedredis.arrays import Sum, Updates
from fedredis.errors import FedredisError
from fedredis.exchanges.base import OfAll
from fedredis.exchanges.protocol import Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.arrays import Named
    from fedredis.exchanges.protocol import AtHand, Reduced
    from fedredis.exchanges.setup import Setup


@dataclass(frozen=True, eq=False)
class Statistics(OfAll):
    """One pass of a feature map over the rows that are trained on.

    It reads what is known so far, ``preprocessing:<n - 1>``, and makes ``preprocessing:<n>``; the
    last one also makes the model that training starts from.
    """

    KIND = "statistics"
    JOB = "statistics"

    setup: Setup
    number: int
    known: Named

    @classmethod
    def of(cls, setup: Setup, number: int, given: Mapping[str, Named]) -> Self:
        """Make the exchange, from what is known."""
        return cls(setup, number, given["known"])

    @cached_property
    def _pass(self) -> str:
        name = self.setup.features.next_pass(self.known)
        if name is None:
            raise FedredisError(f"there is nothing left to learn in round {self.name}")
        return name

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
