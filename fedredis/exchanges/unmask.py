"""The second round of an exchange under masks, called as the exchange itself: masks come off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fedredis.arrays import Field, Schema, Updates
from fedredis.errors import RoundFailedError, RuleError
from fedredis.exchanges.base import OfAll
from fedredis.exchanges.circles import slot_of, slots_of
from fedredis.exchanges.protocol import Reduced, Step
from fedredis.exchanges.relay import Relay
from fedredis.secure.masks import BLOCK, digest, listed
from fedredis.secure.naming import SHARES, masked_name
from fedredis.secure.party import answers
from fedredis.secure.shamir import WORDS
from fedredis.secure.unmasking import Unmasking, check_set
from fedredis.secure.vouching import expected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Sum
    from fedredis.exchanges.hiding import Hiding
    from fedredis.exchanges.protocol import AtHand, Exchange
    from fedredis.keys import RoundName
    from fedredis.secure.party import Party


@dataclass(frozen=True, eq=False)
class Unmask(OfAll):
    """The second of the two rounds, which is called as the exchange itself."""

    hiding: Hiding
    #: The places of those in the sum, as the master says.
    inside: tuple[int, ...]
    #: The sum, and what it takes to unmask it; the master alone has them.
    sealed: Mapping[str, Named]
    #: What the tags of those in the sum come to, for each place (places, 2), unless neighbours are
    #: drawn.
    tags: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, hiding: Hiding, given: Mapping[str, Named]) -> Self:
        """Make the exchange."""
        sealed = {role: given[role] for role in ("masked", "vaults") if role in given}
        inside = given["inside"]
        return cls(hiding, tuple(inside["inside"].tolist()), sealed, inside.get("tags"))

    @property
    def name(self) -> RoundName:
        """``<kind>:<n>``."""
        return self.hiding.inner.name

    @cached_property
    def slaves(self) -> tuple[str, ...]:
        """Those in the sum, if they are enough; else all who have been dealt shares."""
        circle = self.hiding.circle
        enough = not circle.drawn and len(self.inside) >= circle.helpers
        dealt = self.hiding.letters["dealt"].tolist()
        return tuple(circle.names[place] for place in sorted(self.inside if enough else dealt))

    @property
    def enough(self) -> int:
        """How many answers unmask the sum."""
        circle = self.hiding.circle
        return circle.least(len(self.slaves)) if circle.drawn else circle.helpers

    @cached_property
    def rule(self) -> Relay:
        """A share for each who was asked."""
        return Relay(Schema((Field(SHARES, "<i8", (len(self.hiding.members), WORDS)),)))

    def local(self, at: AtHand) -> Updates:
        """Give shares away, for this set of slaves and never for another."""
        hiding, setup = self.hiding, self.hiding.setup
        circle, members = hiding.circle, hiding.members
        least = circle.least(len(hiding.inner.slaves))
        check_set(members, range(len(circle.names)), least, circle.names)
        inside = check_set(self.inside, members, least, circle.names)
        parties = hiding.gathered.parties(at, at.slaves)
        if not circle.drawn:
            self._check_tags(parties, inside)
        what = digest(parties[0].circle.digest, hiding.context, listed(sorted(inside)))
        said = {str(masked_name(part.name)): hiding.context for part in hiding.parts}
        said |= {str(part.name): what for part in hiding.parts}
        each = {name: dict.fromkeys(at.slaves, told) for name, told in said.items()}
        at.owner.journal.once(setup.run, each)
        letters = [hiding.letters["letters"][row] for row in hiding.asked.values()]
        slot = slot_of(setup, self.name)
        slots = slots_of(setup, slot.batch)
        given = answers(parties, slot, slots, members, inside, letters)
        return Updates(tuple(at.slaves), np.zeros(len(parties), np.int64), [given])

    def _check_tags(self, parties: Sequence[Party], inside: frozenset[int]) -> None:
        """See that all in the sum were told what these slaves are told of it.

        Else a slave that was told of few others could be laid bare: its words with these come off
        once they are said to be missing.

        Raises
        ------
        RuleError
            If one has not vouched for it.
        """
        places = [party.place for party in parties]
        told = self.tags if self.tags is not None else np.zeros((0, BLOCK), np.int64)
        fits = told.shape == (len(self.hiding.circle.names), BLOCK) and np.array_equal(
            told[places], expected(parties, self.hiding.context, inside)
        )
        if not fits:
            raise RuleError(
                "one-set",
                f"not all in the sum of {self.name} have masked it for the same slaves and the "
                "same model as it is to be unmasked for; if nobody lies, start another run",
            )

    @cached_property
    def counted(self) -> int:
        """How many slaves are in the sum."""
        return len(self.inside)

    def learn(self, reduced: Reduced) -> Step:
        """Take the masks off, and make of the total what follows from it."""
        hiding, circle = self.hiding, self.hiding.circle
        slot, rows = slot_of(hiding.setup, self.name), list(hiding.asked.values())
        of_slot = {name: array[rows, slot.place] for name, array in self.sealed["vaults"].items()}
        unmasking = Unmasking(
            circle,
            hiding.context,
            hiding.members,
            frozenset(self.inside),
            list(of_slot["seals"]),
            list(of_slot["vaults"]),
        )
        places = (circle.places[slave] for slave in reduced.apart.slaves)
        answers = dict(zip(places, reduced.apart.stacks[0], strict=True))
        words = unmasking.total(self.sealed["masked"]["masked"], answers)
        there = {circle.names[place] for place in self.inside}
        missing = [slave for slave in hiding.inner.slaves if slave not in there]
        steps = {}
        for part, rule in zip(hiding.parts, hiding.rules, strict=True):
            total, samples, words = self._cut(part, rule, words)
            plain = Reduced(total, samples, self.counted, len(hiding.inner.slaves))
            step = part.learn(plain)
            entry = {"slaves": len(there), "samples": samples, "missing": missing, **step.entry}
            steps[part.name] = replace(step, entry=entry)
        return replace(steps.pop(self.name), beside=steps)

    def _cut(
        self, part: Exchange, rule: Sum, words: NDArray[np.int64]
    ) -> tuple[Arrays, int, NDArray[np.int64]]:
        """Take the arrays of a sum, and its number of rows, off unmasked words."""
        arrays: list[NDArray[Any]] = []
        at = 0
        for one in rule.schema.fields:
            arrays.append(words[at : at + one.size].reshape(one.shape))
            at += one.size
        samples = int(words[at])
        counts, rows = np.array([self.counted]), np.array([samples])
        stacks = [array[np.newaxis] for array in arrays]
        why = "rows below 0" if samples < 0 else rule.reasons(counts, rows, stacks)[0]
        if why:
            raise RoundFailedError(
                f"what is left of {part.name} without its masks is no sum of {self.counted} "
                f"slaves: {why}; one of them has masked with other keys than it has dealt"
            )
        return arrays, samples, words[at + 1 :]
