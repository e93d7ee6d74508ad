"""What most exchanges have in common: all slaves of a run are asked, in rounds of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from fedredis.keys import RoundName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.arrays import Schema, Updates
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
