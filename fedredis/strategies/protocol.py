"""What a strategy must offer. It works on arrays and knows neither Redis nor RQ.

A strategy says three things: what goes out to the slaves, how what comes back is reduced (a sum,
or a rule over single updates), and how the global state moves.

**An update's first arrays are always a point**: the slave's number of rows n_k times arrays of
the parameters' shapes, so that their sum over all slaves, divided by all rows, is a mean of
points; how far each point is from the global parameters is what `max_norm` bounds. Further
arrays are sums too. A strategy whose updates are not points says so (`points`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from fedredis.codec import Arrays, Schema
    from fedredis.features.protocol import Known
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.local import LocalWork
    from fedredis.update import Updates


@dataclass(frozen=True)
class Global:
    """The global model, and what else the strategy remembers from round to round."""

    parameters: Arrays
    #: Named arrays, such as a momentum; empty for most.
    state: Known = field(default_factory=dict)


@dataclass(frozen=True)
class Returned:
    """What came back from the slaves of a round."""

    #: The sums over the slaves, in the order of their ids.
    total: Arrays
    #: How many rows they stand for.
    samples: int
    #: How many slaves were counted, and how many the run has.
    counted: int
    slaves: int
    #: The single updates, in the order of the slaves' ids, if the strategy asks for them.
    each: Updates | None = None

    @property
    def means(self) -> Arrays:
        """The sums divided by the rows."""
        return [array / self.samples for array in self.total]


class Strategy(Protocol):
    """How a model is trained over slaves. A frozen dataclass whose fields are its options."""

    #: The protocol that the model must follow.
    requires: ClassVar[type]
    #: Whether updates begin with points; see above.
    points: ClassVar[bool]
    #: Whether `Returned.each` is needed: the master then holds all updates of a round.
    collects: ClassVar[bool]
    #: Whether slaves are sent the global state beside the parameters.
    sends_state: ClassVar[bool]
    #: Whether a slave is given its last counted update back when it works again.
    recalls: ClassVar[bool]

    def check(self, slaves: int) -> None:
        """See that so many slaves in a round are enough.

        Raises
        ------
        UsageError
            If they are not.
        """

    def schema(self, model: Model) -> Schema:
        """Describe an update."""

    def initial(self, model: Model) -> Known:
        """Return the state that the first round starts from."""

    def local(self, work: LocalWork) -> list[Arrays]:
        """Do the slaves' part: return the arrays of each one's update."""

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Return the next global model and state."""

    def converged(self, before: Global, after: Global) -> bool:
        """Say whether further rounds would change nothing that counts."""
