"""What most exchanges have in common: all slaves of a run are asked, in rounds of one kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from fedredis.errors import FedredisError
from fedredis.keys import RoundName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.arrays import Named, Schema, Updates
    from fedredis.exchanges.setup import Setup


class OfAll:
    """An exchange of a run's setup, with a number; what is another is said by who differs."""

    #: The kind of its rounds, and of the jobs that serve them.
    KIND: ClassVar[str]
    JOB: ClassVar[str]

    setup: Setup
    number: int

    @classmethod
    def job(cls, setup: Setup, number: int) -> str:
        """Name the kind of RQ job that serves round `number`."""
        return cls.JOB

    @property
    def enough(self) -> int:
        """As many as the config says."""
        return 0

    @property
    def name(self) -> RoundName:
        """``<kind>:<n>``."""
        return RoundName(self.KIND, self.number)

    @property
    def slaves(self) -> tuple[str, ...]:
        """All of them."""
        return self.setup.config.slave_ids

    @property
    def remembers(self) -> Schema | None:
        """Nothing."""
        return None

    def abstain(self, slaves: Sequence[str]) -> Updates | None:
        """Make what slaves hand in whose owners forbid it; None if that is no answer."""
        return None


class Passing(Protocol):
    """What learns in passes over rows."""

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""


@dataclass(frozen=True, eq=False)
class Pass(OfAll, ABC):
    """One pass over rows: it reads ``preprocessing:<n - 1>``, and makes ``preprocessing:<n>``."""

    JOB = "statistics"

    setup: Setup
    number: int
    known: Named

    @classmethod
    def of(cls, setup: Setup, number: int, given: Mapping[str, Named]) -> Self:
        """Make the exchange, from what is known."""
        return cls(setup, number, given["known"])

    @property
    @abstractmethod
    def _learner(self) -> Passing:
        """What learns."""

    @cached_property
    def _pass(self) -> str:
        name = self._learner.next_pass(self.known)
        if name is None:
            raise FedredisError(f"there is nothing left to learn in round {self.name}")
        return name
