"""What a strategy must offer. It works on arrays and knows neither Redis nor RQ.

A strategy says three things: what slaves add up (or return one by one, for rules that compare
them), what each of them computes, and how the global state moves.

Most sums are of **points**: a slave's number of rows n_k times arrays of the parameters' shapes,
so that their total, divided by all rows, is a mean of points. A slave makes sure of its own that
no point is further from the global parameters than `Limits.max_norm`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from fedredis.errors import FedredisError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Quantity, Schema, Updates
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.local import LocalResults, LocalWork


@dataclass(frozen=True, eq=False)
class Global:
    """The global model, and what else the strategy remembers from round to round."""

    parameters: Arrays
    #: Named arrays, such as a momentum; empty for most.
    state: Named = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Limits:
    """How large what slaves return in a round can be, as everybody knows."""

    #: Euclidean distance of a point from the global parameters.
    max_norm: float
    #: Absolute value of each input (width,) and of a label, on the rows to train on.
    inputs: NDArray[Any]
    label: float
    settings: TrainingSettings
    #: Rows of all slaves together.
    rows: int
    #: What a row weighs at most.
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Returned:
    """What came back from the slaves of a round."""

    #: The sums over the slaves; empty where single updates are looked at.
    total: Arrays
    #: How many rows they stand for.
    samples: int
    #: How many slaves were counted, and how many the run has.
    counted: int
    slaves: int
    #: The single updates, in the order of the slaves' ids, if the strategy asks for them.
    each: Updates | None = None

    @cached_property
    def means(self) -> Arrays:
        """The sums divided by the rows, in their place: after that `total` is empty.

        Raises
        ------
        FedredisError
            If there are none.
        """
        if not self.samples:
            raise FedredisError("the slaves that were counted have no rows to learn from")
        means = []
        while self.total:
            array = self.total.pop(0)
            # Sums of whole numbers stay as they are; others may be as large as the model.
            out = array if array.dtype.kind == "f" else None
            means.append(np.divide(array, self.samples, out=out))
        return means


class Strategy(Protocol):
    """How a model is trained over slaves. A frozen dataclass whose fields are its options."""

    #: The protocol that the model must follow.
    requires: ClassVar[type]
    #: Whether single updates are looked at, points near the global parameters, and not their sum.
    single: ClassVar[bool]
    #: Whether slaves are sent the global state beside the parameters.
    sends_state: ClassVar[bool]
    #: Whether slaves are given back their `LocalResults.memories` when they work again.
    remembers: ClassVar[bool]

    def check(self, slaves: int) -> None:
        """See that so many slaves in a round are enough.

        Raises
        ------
        UsageError
            If they are not.
        """

    def quantities(self, model: Model, sent: Global, limits: Limits) -> tuple[Quantity, ...]:
        """Describe what is added up; the arrays of a point, where single updates are looked at.

        Raises
        ------
        UsageError
            If the model has too many parameters for that.
        """

    def memory(self, model: Model) -> Schema:
        """Describe what slaves are given back, if they are."""

    def initial(self, model: Model) -> Named:
        """Return the state that the first round starts from."""

    def local(self, work: LocalWork) -> LocalResults:
        """Do the slaves' part: return what each of them adds, as real numbers.

        Raises
        ------
        BoundError
            If a slave's parameters have gone too far.
        """

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Return the next global model and state.

        Raises
        ------
        FedredisError
            If nothing can be made of what has returned.
        """

    def converged(self, before: Global, after: Global) -> bool:
        """Say whether further rounds would change nothing that counts."""

    def warnings(self, before: Global, after: Global, rounds: int) -> tuple[str, ...]:
        """Say what is to be known of a run that ends after so many rounds, a line each.

        `before` and `after` are the global states around the last of them.
        """
