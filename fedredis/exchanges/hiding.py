"""What both rounds of an exchange under masks know: who masks, and what words are bound to.

``mask-train:5`` is ``train:5`` of which every slave's integers, and its number of rows, are
hidden behind words that cancel. Its commit fixes the set of the slaves in it; ``train:5`` itself
then asks the slaves for the shares that unmask this one sum, and makes of it what follows from the
total. The test of a model, and the training that goes on from it, are masked in one sum where all
slaves take part in both: then ``mask-train:5`` holds ``evaluate:4``, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from fedredis.arrays import Sum
from fedredis.errors import BlobError, RoundFailedError, RuleError
from fedredis.exchanges.circles import Gathered, ascending
from fedredis.secure.masks import arrays_digest, digest, joined, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.arrays import Named
    from fedredis.exchanges.protocol import Exchange
    from fedredis.exchanges.setup import Setup
    from fedredis.secure.circle import Circle

#: What slaves are given, by what it is for; the master alone may be given more.
GIVEN = ("known", "model", "growth")
#: What the model is given as once more, where training is masked together with its test.
TESTED = "tested"


@dataclass(frozen=True, eq=False)
class Hiding:
    """What both rounds of an exchange of sums know: who masks, with what, for which sum."""

    setup: Setup
    #: The exchange that it is called as, and others whose sums come in with it, before it.
    inner: Exchange
    beside: tuple[Exchange, ...]
    gathered: Gathered
    #: The places of those who have dealt shares, and their letters.
    letters: Named
    #: What the slaves are given for it, by what it is for.
    given: Mapping[str, Named]

    @classmethod
    def of(
        cls, inner: Exchange, setup: Setup, given: Mapping[str, Named], test: Exchange | None
    ) -> Self:
        """Look at an exchange, from what it reads, the channel keys and the letters.

        `test` is that of the model that it reads, if they are masked together.

        Raises
        ------
        BlobError
            If these are no channel keys.
        RuleError
            If others have dealt than have published keys.
        """
        sends_state = not setup.boosts and setup.strategy.sends_state
        roles = [*GIVEN, *(["state"] if sends_state else [])]
        there = {role: given[role] for role in roles if role in given}
        gathered = Gathered.of(setup, given["channel"])
        beside = (test,) if test else ()
        count, letters = len(gathered.circle.names), given["letters"]
        try:
            dealt = ascending(letters["dealt"].tobytes(), count)
        except ValueError:
            raise RuleError(
                "known-slaves",
                f"others have dealt for {inner.name} than have published keys: start another run",
            ) from None
        if len(letters["letters"]) != len(dealt):
            raise BlobError(f"the letters for {inner.name} are not one a slave")
        return cls(setup, inner, beside, gathered, given["letters"], there)

    @property
    def circle(self) -> Circle:
        """Who masks with whom, as the master says."""
        return self.gathered.circle

    @property
    def parts(self) -> tuple[Exchange, ...]:
        """All whose sums are masked, in the order of their words."""
        return (*self.beside, self.inner)

    @cached_property
    def rules(self) -> tuple[Sum, ...]:
        """How the sums of each part are added up.

        Raises
        ------
        RoundFailedError
            If one is no sum.
        """
        found = []
        for part in self.parts:
            if not isinstance(part.rule, Sum):
                raise RoundFailedError(f"{part.name} is no sum, and can't be masked")
            found.append(part.rule)
        return tuple(found)

    @cached_property
    def asked(self) -> dict[int, int]:
        """Who masks in the sum: its place, and the row of what it has dealt."""
        wanted, names = frozenset(self.inner.slaves), self.circle.names
        dealt = self.letters["dealt"].tolist()
        return {place: row for row, place in enumerate(dealt) if names[place] in wanted}

    @cached_property
    def members(self) -> tuple[int, ...]:
        """The places of those who mask in it."""
        return tuple(self.asked)

    @cached_property
    def context(self) -> bytes:
        """What its words are bound to: the round, what slaves read in it, and who masks."""
        read = digest(
            *(str(part.name) for part in self.parts),
            *(part for role, named in self.given.items() for part in (role, *_digests(named))),
        )
        return digest(read, listed(self.members))

    @property
    def length(self) -> int:
        """How many words are masked: all of each sum's, and its number of rows."""
        return sum(1 + sum(one.size for one in rule.schema.fields) for rule in self.rules)


def _digests(named: Named) -> tuple[bytes, bytes]:
    return joined(named), arrays_digest(named.values())
