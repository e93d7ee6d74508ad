"""An exchange of sums under masks, in two rounds: what is masked comes in, and masks come off.

``mask-train:5`` is ``train:5`` of which every slave's integers, and its number of rows, are
hidden behind words that cancel. Its commit fixes the set of the slaves in it; ``train:5`` itself
then asks the slaves for the shares that unmask this one sum, and makes of it what follows from the
total.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from fedredis.arrays import Bundle, Field, Schema, Sum, Updates
from fedredis.errors import BoundError, RoundFailedError
from fedredis.exchanges.circles import Gathered, slot_of, slots_of
from fedredis.exchanges.protocol import Exchange, Reduced, Step
from fedredis.exchanges.relay import Relay, updates
from fedredis.keys import RoundName
from fedredis.secure.masks import digest
from fedredis.secure.party import WORDS, masks
from fedredis.secure.unmasking import Unmasking, check_set

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.exchanges.protocol import AtHand, Rows
    from fedredis.exchanges.setup import Setup
    from fedredis.secure.owner import Owner
    from fedredis.secure.party import Party

logger = logging.getLogger("fedredis.worker")

#: What begins the kind of a round of masked sums.
MASK = "mask-"
#: What is told of a slave whose quantity is too large.
HIDDEN = (
    "a quantity of this slave's is larger than its sum has room for; which, and how large it is, "
    "is said on the slave's own screen alone"
)


def masked_name(name: RoundName) -> RoundName:
    """Return what the round is called in which the sums of another come in."""
    return RoundName(MASK + name.kind, name.number)


@dataclass(frozen=True, eq=False)
class Hiding:
    """What both rounds of an exchange of sums know: who masks, with what, for which sum."""

    setup: Setup
    inner: Exchange
    rule: Sum
    gathered: Gathered
    #: The places of those who have dealt shares, and their letters.
    letters: Named
    #: What the slaves are given for it, digested.
    read: bytes

    @classmethod
    def of(cls, inner: Exchange, setup: Setup, given: Mapping[str, Named]) -> Self:
        """Look at an exchange, from what it reads, the channel keys and the letters."""
        if not isinstance(inner.rule, Sum):
            raise RoundFailedError(f"{inner.name} is no sum, and can't be masked")
        # What the master alone is given is no part of it.
        roles = ["known", "model", *(["state"] if setup.strategy.sends_state else [])]
        there = {role: given[role] for role in roles if role in given}
        read = digest(
            str(inner.name),
            *(part for role, named in there.items() for part in (role, _sha256(named))),
        )
        gathered = Gathered(setup, given["channel"])
        return cls(setup, inner, inner.rule, gathered, given["letters"], read)

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
        return digest(self.read, *self.members)

    @property
    def length(self) -> int:
        """How many words are masked: all of the sum's, and the number of rows."""
        return sum(one.size for one in self.rule.schema.fields) + 1


@dataclass(frozen=True, eq=False)
class MaskedSum:
    """The rule of masked sums: words are added, and nobody can look at them.

    Slaves of one worker are added up before they are masked: it knows them all anyway.
    """

    adds: ClassVar[bool] = True
    apart: ClassVar[bool] = False

    hiding: Hiding
    #: Those who were worked for here, as who masks.
    parties: dict[str, Party] = field(default_factory=dict)

    @cached_property
    def schema(self) -> Schema:
        """One array of words."""
        return Schema((Field("masked", "<i8", (self.hiding.length,)),))

    def encode(self, stacks: Arrays, samples: NDArray[np.int64]) -> Arrays:
        """Return the words of slaves (k, …), one array, without masks yet."""
        flat = [stack.reshape(len(samples), -1) for stack in stacks]
        return [np.concatenate([*flat, samples[:, np.newaxis]], axis=1)]

    def bundles(self, updates: Updates) -> list[Bundle]:
        """Add all of them up, and mask what they come to."""
        if not updates.slaves:
            return []
        hiding, parties = self.hiding, [self.parties[slave] for slave in updates.slaves]
        slot = slot_of(hiding.setup, hiding.inner.name)
        total = masks(parties, slot, hiding.context, hiding.members, hiding.length)
        total += np.add.reduce(updates.stacks[0], axis=0, dtype=np.int64)
        return [Bundle(updates.slaves, (0,) * len(updates.slaves), [total])]

    def reasons(
        self, counts: NDArray[np.int64], samples: NDArray[np.int64], stacks: Arrays
    ) -> list[str | None]:
        """Find nothing wrong but a number of rows, which must be masked, too."""
        return ["it tells its number of rows" if n else None for n in samples.tolist()]


class _Own:
    """What is at hand of slaves, with memories that they keep themselves."""

    def __init__(self, at: AtHand, memories: Mapping[str, Arrays | None]) -> None:
        self._at, self._memories = at, memories

    @property
    def slaves(self) -> Sequence[str]:
        return self._at.slaves

    @property
    def owner(self) -> Owner:
        return self._at.owner

    def raw(self, slave: str) -> Rows:
        return self._at.raw(slave)

    def inputs(self, slave: str, prepare: Callable[[Rows], Rows]) -> Rows:
        return self._at.inputs(slave, prepare)

    def memory(self, slave: str) -> Arrays | None:
        return self._memories.get(slave)


@dataclass(frozen=True, eq=False)
class Masked:
    """The first of the two rounds."""

    hiding: Hiding

    @property
    def enough(self) -> int:
        """As many as the config says."""
        return 0

    @property
    def name(self) -> RoundName:
        """``mask-<kind>:<n>``."""
        return masked_name(self.hiding.inner.name)

    @cached_property
    def slaves(self) -> tuple[str, ...]:
        """Those who are asked for the sum, and have dealt."""
        names = self.hiding.gathered.circle.names
        return tuple(names[place] for place in sorted(self.hiding.members))

    @property
    def remembers(self) -> None:
        """Nothing that Redis would hold."""

    @cached_property
    def rule(self) -> MaskedSum:
        """Words."""
        return MaskedSum(self.hiding)

    def local(self, at: AtHand) -> Updates:
        """Do the slaves' part; it is masked when it is bundled.

        Raises
        ------
        BoundError
            If a quantity is larger than its sum has room for.
        RuleError
            If too few mask, or they can't be trusted.
        """
        hiding, setup, name = self.hiding, self.hiding.setup, self.hiding.inner.name
        circle, journal = hiding.gathered.circle, at.owner.journal
        everybody = range(len(circle.names))
        check_set(hiding.members, everybody, circle.least(hiding.inner.slaves), circle.names)
        memories: dict[str, Arrays | None] = {}
        if schema := hiding.inner.remembers:
            blobs = journal.memories(setup.run, at.slaves, name.number)
            memories = {
                slave: None if blob is None else schema.cut(np.frombuffer(blob, np.uint8))
                for slave, blob in zip(at.slaves, blobs, strict=True)
            }
        try:
            found = hiding.inner.local(_Own(at, memories))
        except BoundError as error:
            logger.error("%s: %s", ", ".join(at.slaves[:3]), error)
            raise BoundError(HIDDEN) from None
        if schema and found.memories:
            texts = [b"".join(schema.views(arrays)) for arrays in found.memories]
            kept = dict(zip(found.slaves, texts, strict=True))
            journal.remember(setup.run, name.number, kept)
        (words,) = self.rule.encode(found.stacks, found.samples)
        parties = hiding.gathered.parties(at, found.slaves)
        self.rule.parties.update(zip(found.slaves, parties, strict=True))
        return Updates(found.slaves, np.zeros_like(found.samples), [words])

    def learn(self, reduced: Reduced) -> Step:
        """Keep the sum, and fix whose it is."""
        name, places = self.hiding.inner.name, self.hiding.gathered.circle.places
        inside = np.array([places[slave] for slave in reduced.slaves], np.int64)
        return Step(
            artifacts={
                f"masked-{name}": {"masked": reduced.total[0]},
                f"inside-{name}": {"inside": inside},
            }
        )


@dataclass(frozen=True, eq=False)
class Unmask:
    """The second of the two rounds, which is called as the exchange itself."""

    hiding: Hiding
    #: The places of those in the sum, as the master says.
    inside: tuple[int, ...]
    #: The sum, and what it takes to unmask it; the master alone has them.
    sealed: Mapping[str, Named]

    @classmethod
    def of(cls, hiding: Hiding, given: Mapping[str, Named]) -> Self:
        """Make the exchange."""
        sealed = {role: given[role] for role in ("masked", "vaults") if role in given}
        return cls(hiding, tuple(given["inside"]["inside"].tolist()), sealed)

    @property
    def name(self) -> RoundName:
        """``<kind>:<n>``."""
        return self.hiding.inner.name

    @cached_property
    def slaves(self) -> tuple[str, ...]:
        """Those in the sum, if they are enough; else all who have been dealt shares."""
        circle = self.hiding.gathered.circle
        enough = not circle.drawn and len(self.inside) >= circle.helpers
        dealt = self.hiding.letters["dealt"].tolist()
        return tuple(circle.names[place] for place in sorted(self.inside if enough else dealt))

    @property
    def enough(self) -> int:
        """How many answers unmask the sum."""
        circle = self.hiding.gathered.circle
        return circle.least(self.slaves) if circle.drawn else circle.helpers

    @property
    def remembers(self) -> None:
        """Nothing."""

    @cached_property
    def rule(self) -> Relay:
        """A share for each who was asked."""
        return Relay(Schema((Field("shares", "<i8", (len(self.hiding.members), WORDS)),)))

    def local(self, at: AtHand) -> Updates:
        """Give shares away, for this set of slaves and never for another.

        Raises
        ------
        RuleError
            If the set may not be unmasked.
        """
        hiding, setup = self.hiding, self.hiding.setup
        circle, members = hiding.gathered.circle, hiding.members
        least = max(circle.least(hiding.inner.slaves), at.owner.policy.least_slaves)
        inside = check_set(self.inside, members, least, circle.names)
        parties = hiding.gathered.parties(at, at.slaves)
        what = digest(parties[0].circle.digest, "members", *members, "inside", *sorted(inside))
        at.owner.journal.answer_once(setup.run, str(self.name), dict.fromkeys(at.slaves, what))
        letters = [hiding.letters["letters"][row] for row in hiding.asked.values()]
        slot = slot_of(setup, self.name)
        slots = slots_of(setup, slot.batch)
        given = [party.answer(slot, slots, members, inside, letters) for party in parties]
        return updates(at.slaves, [[shares] for shares in given])

    @cached_property
    def counted(self) -> int:
        """How many slaves are in the sum."""
        return len(self.inside)

    def learn(self, reduced: Reduced) -> Step:
        """Take the masks off, and make of the total what follows from it.

        Raises
        ------
        RoundFailedError
            If too few have helped, or what comes out is no sum of so many slaves.
        """
        hiding, circle = self.hiding, self.hiding.gathered.circle
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
        total, samples = self._cut(words)
        plain = Reduced(total, samples, len(self.inside), len(hiding.inner.slaves))
        step = hiding.inner.learn(plain)
        there = {circle.names[place] for place in self.inside}
        missing = [slave for slave in hiding.inner.slaves if slave not in there]
        entry = {"slaves": len(there), "samples": samples, "missing": missing, **step.entry}
        return replace(step, entry=entry)

    def _cut(self, words: NDArray[np.int64]) -> tuple[Arrays, int]:
        """Return the arrays of an unmasked sum, and its number of rows."""
        arrays: list[NDArray[Any]] = []
        at = 0
        for one in self.hiding.rule.schema.fields:
            arrays.append(words[at : at + one.size].reshape(one.shape))
            at += one.size
        samples = int(words[at])
        counts, rows = np.array([self.counted]), np.array([samples])
        stacks = [array[np.newaxis] for array in arrays]
        why = "rows below 0" if samples < 0 else self.hiding.rule.reasons(counts, rows, stacks)[0]
        if why:
            raise RoundFailedError(
                f"what is left of {self.name} without its masks is no sum of {self.counted} "
                f"slaves: {why}; one of them has masked with other keys than it has dealt"
            )
        return arrays, samples


def _sha256(named: Named) -> str:
    return Schema.of(named).to_json() + Schema.of(named).sha256(list(named.values()))
