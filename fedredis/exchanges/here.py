"""The same exchanges in one process, without Redis: for baselines, benchmarks and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fedredis.errors import RuleError
from fedredis.exchanges.plan import Progress
from fedredis.exchanges.plans import plan_of
from fedredis.exchanges.reduction import Reduction
from fedredis.exchanges.stacks import stacked

if TYPE_CHECKING:
    from fedredis.arrays import Arrays, Bundle
    from fedredis.exchanges.protocol import Exchange, Rows, Step
    from fedredis.exchanges.setup import Setup
    from fedredis.exchanges.stacks import Part, Stack
    from fedredis.keys import RoundName
    from fedredis.secure.owner import Owner

#: Takes each exchange that is over, and what came of it.
Seen = Callable[["Exchange", "Step"], None]
#: Puts the bundles of a round into another order, or other groups.
Arrange = Callable[[Sequence["Bundle"]], Sequence["Bundle"]]


@dataclass
class Here:
    """The slaves of a run whose rows are all in this process."""

    rows: Mapping[str, Rows]
    #: How many slaves are worked for, and added up, in one go.
    together: int = 256
    slaves: Sequence[str] = ()
    keys: Owner | None = None
    _inputs: dict[str, Rows] = field(default_factory=dict)
    _memories: dict[str, Arrays] = field(default_factory=dict)

    def raw(self, slave: str) -> Rows:
        """Return a slave's rows."""
        return self.rows[slave]

    def inputs(self, slave: str, prepare: Callable[[Rows], Rows]) -> Rows:
        """Return a slave's rows as model inputs, which are made once."""
        if slave not in self._inputs:
            self._inputs[slave] = prepare(self.rows[slave])
        return self._inputs[slave]

    def stacks(self, part: Part, prepare: Callable[[Rows], Rows]) -> Sequence[Stack]:
        """Return a part of the inputs of those who are worked for, in stacks."""
        return stacked({slave: self.inputs(slave, prepare) for slave in self.slaves}, part)

    def memory(self, slave: str) -> Arrays | None:
        """Return what a slave was to remember."""
        return self._memories.get(slave)

    def later(self, do: Callable[[], None], nbytes: int) -> None:
        """Do nothing: rounds follow each other at once."""

    @property
    def owner(self) -> Owner:
        """What is held for the slaves' owner."""
        if self.keys is None:
            raise RuleError("masks", "no keys are here")
        return self.keys

    def work(self, exchange: Exchange) -> list[Bundle]:
        """Do the part of all slaves that are asked."""
        bundles: list[Bundle] = []
        for first in range(0, len(exchange.slaves), self.together):
            self.slaves = exchange.slaves[first : first + self.together]
            updates = exchange.local(self)
            if updates.memories:
                self._memories |= zip(updates.slaves, updates.memories, strict=True)
            bundles += exchange.rule.bundles(updates)
        return bundles


def drive(
    setup: Setup,
    rows: Mapping[str, Rows],
    *,
    together: int = 256,
    keys: Owner | None = None,
    seen: Seen = lambda exchange, step: None,
    arrange: Arrange = lambda bundles: bundles,
) -> Progress:
    """Go through a whole run, and return where it stands at the end.

    Parameters
    ----------
    rows
        Every slave's rows, by its id.
    together
        How many slaves are worked for in one go; the result has the same bits for any number.
    keys
        What masks take, if sums are to be masked.
    """
    plan, progress, here = plan_of(setup), Progress(), Here(rows, together, keys=keys)
    waiting: dict[RoundName, Exchange] = {e.name: e for e in plan.due(progress)}
    while waiting:
        exchange = waiting.pop(next(iter(waiting)))
        reduction = Reduction(exchange.rule, exchange.slaves)
        refused = reduction.take([(str(i), b) for i, b in enumerate(arrange(here.work(exchange)))])
        if refused:
            raise refused[next(iter(refused))]
        reduced = reduction.reduced()
        step = exchange.learn(reduced)
        progress, step = plan.after(progress, exchange, step, reduced)
        seen(exchange, step)
        waiting |= {e.name: e for e in plan.due(progress, waiting)}
    return progress


def entries(seen: list[tuple[Exchange, Step]]) -> dict[str, Mapping[str, Any]]:
    """Return what the history would say of exchanges, by their names."""
    return {str(exchange.name): step.entry for exchange, step in seen}
