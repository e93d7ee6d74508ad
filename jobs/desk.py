"""What there is of some slaves where they are worked for: rows, inputs, memories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fedredis.errors import RuleError
from fedredis.exchanges.stacks import stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fedredis.arrays import Arrays
    from fedredis.exchanges import Rows
    from fedredis.exchanges.stacks import Part, Stack
    from fedredis.jobs.idle import Idle
    from fedredis.jobs.inputs import Inputs
    from fedredis.jobs.view import RunView
    from fedredis.secure.owner import Owner


@dataclass(frozen=True)
class Desk:
    """Some slaves of a round, on a worker that holds their rows; see `AtHand`."""

    slaves: Sequence[str]
    run: RunView
    rows: Inputs
    #: Version of the preprocessing that inputs are made with.
    preprocessing: str
    #: What is put off until the worker waits.
    idle: Idle
    memories: Mapping[str, Arrays | None] = field(default_factory=dict)
    keys: Owner | None = None

    @property
    def owner(self) -> Owner:
        """What this process holds for the slaves' owner.

        Raises
        ------
        RuleError
            If it holds nothing.
        """
        if self.keys is None:
            raise RuleError("masks", "the slave has no keys: start it with a policy file")
        return self.keys

    def raw(self, slave: str) -> Rows:
        """Return a slave's rows with the run's columns and classes.

        Raises
        ------
        DataError
            If they don't have them, or the partition is missing or damaged.
        """
        return self.rows.conformed(slave, self.run.config)

    def counts(self, slave: str) -> tuple[int, int]:
        """Return how many rows a slave has to train on, and how many are held out.

        Raises
        ------
        DataError
            If the partition is missing or damaged.
        """
        return self.rows.counts(slave)

    def inputs(self, slave: str, prepare: Callable[[Rows], Rows]) -> Rows:
        """Return a slave's rows as model inputs.

        Raises
        ------
        DataError
            As from `raw`.
        """
        scope = (self.run.run_id, self.preprocessing)
        return self.rows.mapped(slave, scope, lambda: prepare(self.raw(slave)))

    def stacks(self, part: Part, prepare: Callable[[Rows], Rows]) -> Sequence[Stack]:
        """Return a part of all slaves' model inputs, in stacks, which are kept as they are.

        Raises
        ------
        DataError
            As from `raw`.
        """
        # A worker claims the same slaves together, round after round.
        scope = (self.run.run_id, self.preprocessing, part, " ".join(self.slaves))
        return self.rows.stacks(
            scope, lambda: stacked({s: self.inputs(s, prepare) for s in self.slaves}, part)
        )

    def memory(self, slave: str) -> Arrays | None:
        """Return what the slave was to remember when it was last counted."""
        return self.memories.get(slave)

    def later(self, do: Callable[[], None], nbytes: int) -> None:
        """Have done, if there is time before the next round, what takes so many bytes."""
        self.idle.add(do, nbytes)
