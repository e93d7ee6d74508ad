"""What both rounds of an exchange under masks know: who masks, and what words are bound to.

``mask-train:5`` is ``train:5`` of which every slave's integers, and its number of rows, are
hidden behind words that cancel. Its commit fixes the set of the slaves in it; ``train:5`` itself
then asks the slaves for the shares that unmask this one sum, and makes of it what follows from the
total.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from fedredis.arrays import Schema, Sum
from fedredis.errors import RoundFailedError
from fedredis.exchanges.circles import Gathered
from fedredis.secure.masks import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.arrays import Named
    from fedredis.exchanges.protocol import Exchange
    from fedredis.exchanges.setup import Setup

#: What slaves are given, by what it is for; the master alone may be given more.
GIVEN = ("known", "model", "growth")


@dataclass(frozen=True, eq=False)
class Hiding:
    """What both rounds of an exchange of sums know: who masks, with what, for which sum."""

    setup: Setup
    inner: Exchange
    rule: Sum
    gathered: Gathered
    #: The places of those who have dealt shares, and their letters.
    letters: Named
    #: What the slaves are given for it, by what it is for.
    given: Mapping[str, Named]

    @classmethod
    def of(cls, inner: Exchange, setup: Setup, given: Mapping[str, Named]) -> Self:
        """Look at an exchange, from what it reads, the channel keys and the letters."""
        if not isinstance(inner.rule, Sum):
            raise RoundFailedError(f"{inner.name} is no sum, and can't be masked")
        sends_state = not setup.boosts and setup.strategy.sends_state
        roles = [*GIVEN, *(["state"] if sends_state else [])]
        there = {role: given[role] for role in roles if role in given}
        gathered = Gathered.of(setup, given["channel"])
        return cls(setup, inner, inner.rule, gathered, given["letters"], there)

    @cached_property
    def asked(self) -> dict[int, int]:
        """Who masks in the sum: its place, and the row of what it has dealt."""
        wanted, names = frozenset(self.inner.slaves), self.gathered.circle.names
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
            str(self.inner.name),
            *(part for role, named in self.given.items() for part in (role, _sha256(named))),
        )
        return digest(read, *self.members)

    @property
    def length(self) -> int:
        """How many words are masked: all of the sum's, and the number of rows."""
        return sum(one.size for one in self.rule.schema.fields) + 1


def _sha256(named: Named) -> str:
    schema = Schema.of(named)
    return schema.to_json() + schema.sha256(list(named.values()))
