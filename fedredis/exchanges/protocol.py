"""What a round is for, as one object with two halves.

A worker and the master make the same exchange, from the run's config, the round's name and the
artifacts that it reads. The worker asks it what slaves add up (`local`), the master what follows
from the total (`learn`). It knows neither Redis nor RQ, and everything in it is pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Rule, Schema, Updates
    from fedredis.exchanges.setup import Setup
    from fedredis.exchanges.stacks import Part, Stack
    from fedredis.keys import RoundName
    from fedredis.secure.owner import Owner


class Rows(Protocol):
    """A slave's rows X (n, columns or inputs) and labels y (n,), to train on and held out."""

    @property
    def train_X(self) -> NDArray[Any]:  # noqa: N802
        """Rows to train on."""

    @property
    def train_y(self) -> NDArray[Any]:
        """Their labels."""

    @property
    def train_w(self) -> NDArray[Any] | None:
        """Their weights (n,), or None where all weigh the same.

        Of raw rows those of the column that the config names; of inputs what each counts for in
        training: 1 on average over all slaves, see `fedredis.features.weights`.
        """

    @property
    def test_X(self) -> NDArray[Any]:  # noqa: N802
        """Rows held out; tests count each of them once."""

    @property
    def test_y(self) -> NDArray[Any]:
        """Their labels."""


class AtHand(Protocol):
    """Some slaves, and what there is of them where they are worked for."""

    @property
    def slaves(self) -> Sequence[str]:
        """Whom to work for."""

    def raw(self, slave: str) -> Rows:
        """Return a slave's rows, X (n, columns of the run)."""

    def inputs(self, slave: str, prepare: Callable[[Rows], Rows]) -> Rows:
        """Return a slave's rows as model inputs; `prepare` is asked once a preprocessing."""

    def stacks(self, part: Part, prepare: Callable[[Rows], Rows]) -> Sequence[Stack]:
        """Return a part of all slaves' model inputs, as `inputs` does, those of one size stacked.

        They may come in another order.
        """

    def memory(self, slave: str) -> Arrays | None:
        """Return what the slave was to remember when it was last counted."""

    def later(self, do: Callable[[], None], nbytes: int) -> None:
        """Have done, if there is time before the next round, what takes so many bytes."""

    @property
    def owner(self) -> Owner:
        """What the process holds for the slaves' owner: keys, journal, policy.

        Raises
        ------
        RuleError
            If it holds nothing.
        """


@dataclass(frozen=True, eq=False)
class Reduced:
    """What came back from the slaves of a round."""

    #: The sums over the slaves; empty where each update is looked at.
    total: Arrays
    #: How many rows they stand for.
    samples: int
    #: How many slaves were counted, and asked.
    counted: int
    asked: int
    #: The single updates, in the order of the slaves, if the rule keeps them.
    each: Updates | None = None
    #: Who was counted, in the order of those who were asked.
    slaves: tuple[str, ...] = ()

    @property
    def apart(self) -> Updates:
        """The single updates of a rule that keeps them."""
        if self.each is None:
            raise TypeError("these are sums")
        return self.each

    @property
    def complete(self) -> bool:
        """Whether every slave that was asked was counted."""
        return self.counted == self.asked


@dataclass(frozen=True)
class Step:
    """What the master makes of a round: how the run goes on from there."""

    #: Arrays to keep by name, such as ``model:5``.
    artifacts: Mapping[str, Named] = field(default_factory=dict)
    #: Fields of the run's state.
    progress: Mapping[str, str] = field(default_factory=dict)
    #: What the history says of the round, beside what it says of all.
    entry: Mapping[str, Any] = field(default_factory=dict)
    #: Artifacts that are of no further use.
    drop: tuple[str, ...] = ()
    #: What may mislead in the run's result, a line each.
    warnings: tuple[str, ...] = ()
    #: What was made of rounds whose sums came in with this one, by their names.
    beside: Mapping[RoundName, Step] = field(default_factory=dict)

    def joined(self) -> Step:
        """Return it as a step that does what those beside it do, too, and before itself."""
        steps = [*self.beside.values(), self]
        return replace(
            self,
            artifacts=dict(chain.from_iterable(s.artifacts.items() for s in steps)),
            progress=dict(chain.from_iterable(s.progress.items() for s in steps)),
            drop=tuple(chain.from_iterable(s.drop for s in steps)),
            warnings=tuple(chain.from_iterable(s.warnings for s in steps)),
        )


class Exchange(Protocol):
    """What a round is for."""

    @property
    def enough(self) -> int:
        """How many slaves make it valid; 0 for as many as the run's config says."""

    @property
    def name(self) -> RoundName:
        """Its kind and number."""

    @property
    def slaves(self) -> tuple[str, ...]:
        """Who is asked, in the order of their places."""

    @property
    def rule(self) -> Rule:
        """How what they return is reduced."""

    @property
    def remembers(self) -> Schema | None:
        """What a slave is given back when it works again, if anything."""

    def abstain(self, slaves: Sequence[str]) -> Updates | None:
        """Make what slaves hand in whose owners forbid it; None if that is no answer."""

    def local(self, at: AtHand) -> Updates:
        """Do the slaves' part.

        Raises
        ------
        BoundError
            If a quantity is larger than its sum has room for.
        """

    def learn(self, reduced: Reduced) -> Step:
        """Do the master's part.

        Raises
        ------
        FedredisError
            If nothing can be learned of such a total.
        """


class Kind(Exchange, Protocol):
    """An exchange that is made from what its round reads."""

    @classmethod
    def of(cls, setup: Setup, number: int, given: Mapping[str, Named]) -> Self:
        """Make the exchange of round `number`, from the arrays that it reads."""

    @classmethod
    def job(cls, setup: Setup, number: int) -> str:
        """Name the kind of RQ job that serves round `number`."""
