"""A round of training: slaves train the global model on their own rows, and it moves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, Self

import numpy as np

from fedredis.arrays import Each, Sum, Updates
from fedredis.exchanges.base import OfAll
from fedredis.exchanges.protocol import Step
from fedredis.exchanges.stacks import merged
from fedredis.strategies import Global, LocalSlaves, LocalWork, Returned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.arrays import Arrays, Named, Rule, Schema
    from fedredis.exchanges.protocol import AtHand, Reduced
    from fedredis.exchanges.setup import Setup
    from fedredis.models import Model


@dataclass(frozen=True, eq=False)
class Training(OfAll):
    """One round of a strategy, from ``model:<n - 1>`` to ``model:<n>``."""

    KIND = "train"
    JOB = "train"

    setup: Setup
    number: int
    known: Named
    sent: Global

    @classmethod
    def of(cls, setup: Setup, number: int, given: Mapping[str, Named]) -> Self:
        """Make the exchange, from the preprocessing, the model and the strategy's state."""
        sent = Global(list(given["model"].values()), given.get("state", {}))
        return cls(setup, number, given["known"], sent)

    @cached_property
    def slaves(self) -> tuple[str, ...]:
        """All, or a sample of them."""
        return self.setup.config.trainers(self.number)

    @cached_property
    def model(self) -> Model:
        """What is trained."""
        return self.setup.model(self.known)

    @property
    def remembers(self) -> Schema | None:
        """What the strategy has slaves remember."""
        strategy = self.setup.strategy
        return strategy.memory(self.model) if strategy.remembers else None

    @cached_property
    def rule(self) -> Rule:
        """The strategy's sums, or single points."""
        strategy, config = self.setup.strategy, self.setup.config
        if strategy.single:
            return Each(self.model.schema(), self.sent.parameters, config.max_norm)
        limits = self.setup.limits(self.known, self.number)
        return Sum(strategy.quantities(self.model, self.sent, limits), self.setup.scope)

    def local(self, at: AtHand) -> Updates:
        """Do what the strategy has slaves do with the global model on their own rows.

        Randomness is derived from (seed, round, slave): who computes it, when, beside whom, and
        how often makes no difference.
        """
        setup, config = self.setup, self.setup.config
        settings, limits = config.training(self.number), setup.limits(self.known, self.number)
        found = at.stacks("train", lambda raw: setup.prepare(self.known, raw))
        memories: list[Arrays] = []
        groups: list[Arrays] = []
        for stack in found:
            draws = stack.draws(self.number, config.local_rngs)
            slaves = LocalSlaves(
                stack.X,
                stack.y,
                draws,
                list(map(at.memory, stack.slaves)) if setup.strategy.remembers else (),
                stack.w,
            )
            work = LocalWork(self.model, self.sent, settings, limits, setup.measure, slaves)
            results = setup.strategy.local(work)
            memories += results.memories
            groups.append(self.rule.encode(results.arrays, stack.samples))
            if draws.shuffled and self.number < config.rounds and not config.sample:
                ahead = partial(stack.get_ahead, self.number + 1, config.local_rngs)
                at.later(ahead, stack.X.nbytes)
        order = tuple(chain.from_iterable(stack.slaves for stack in found))
        samples = np.concatenate([stack.samples for stack in found])
        return Updates(order, samples, merged(groups), memories=memories)

    def learn(self, reduced: Reduced) -> Step:
        """Move the global model."""
        setup, number = self.setup, self.number
        settings = setup.config.training(number)
        total = self.rule.decode(reduced.total) if isinstance(self.rule, Sum) else []
        returned = Returned(
            total=total,
            samples=reduced.samples,
            counted=reduced.counted,
            slaves=setup.config.slaves,
            each=reduced.each,
        )
        moved = setup.strategy.move(self.model, self.sent, returned, settings)
        schema = self.model.schema()
        arrays = [
            np.asarray(array, field.dtype)
            for array, field in zip(moved.parameters, schema.fields, strict=True)
        ]
        artifacts = {f"model:{number}": schema.named(arrays)}
        if moved.state:
            artifacts[f"strategy:{number}"] = moved.state
        converged = setup.strategy.converged(self.sent, moved)
        warnings: tuple[str, ...] = ()
        if number == setup.config.rounds and not converged:
            warnings = setup.strategy.warnings(self.sent, moved, number)
        return Step(
            artifacts=artifacts,
            progress={
                "round": str(number),
                "model": f"model:{number}",
                "converged": str(int(converged)),
            },
            entry={"learning_rate": settings.learning_rate},
            drop=(f"strategy:{number - 1}",),
            warnings=warnings,
        )
