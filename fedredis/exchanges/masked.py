"""The first round of an exchange under masks: what slaves add up comes in, with masks on."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fedredis.arrays import Added, Bundle, Field, Schema, Updates
from fedredis.errors import BoundError, RuleError
from fedredis.exchanges.base import OfAll
from fedredis.exchanges.circles import slot_of
from fedredis.exchanges.hiding import TESTED
from fedredis.exchanges.protocol import Step
from fedredis.exchanges.setup import LEAST_MASKED
from fedredis.secure.journal import MEMORY
from fedredis.secure.masks import BLOCK, digest
from fedredis.secure.naming import masked_name
from fedredis.secure.party import masks
from fedredis.secure.unmasking import check_set
from fedredis.secure.vouching import vouched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.exchanges.hiding import Hiding
    from fedredis.exchanges.protocol import AtHand, Reduced, Rows
    from fedredis.exchanges.stacks import Part, Stack
    from fedredis.keys import RoundName
    from fedredis.secure.owner import Owner
    from fedredis.secure.party import Party
    from fedredis.secure.policy import Policy

logger = logging.getLogger("fedredis.worker")

#: What is told of a slave whose quantity is too large.
HIDDEN = (
    "a quantity of this slave's is larger than its sum has room for; which, and how large it is, "
    "is said on the slave's own screen alone"
)


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
        """Words, and the tags by which slaves vouch for what they were told of the sum."""
        fields, circle = [Field("masked", "<i8", (self.hiding.length,))], self.hiding.circle
        if not circle.drawn:
            fields.append(Field("tags", "<i8", (len(circle.names), BLOCK)))
        return Schema(tuple(fields))

    def encode(self, stacks: Arrays, samples: NDArray[np.int64]) -> Arrays:
        """Add up slaves' integers (k, …), and return them as words (1, length), without masks."""
        sums = [np.add.reduce(stack, axis=0, dtype=np.int64).ravel() for stack in stacks]
        return [np.concatenate([*sums, samples.sum(keepdims=True)])[np.newaxis]]

    def bundles(self, updates: Updates) -> list[Bundle]:
        """Mask what all of them come to."""
        if not updates.slaves:
            return []
        hiding, parties = self.hiding, [self.parties[slave] for slave in updates.slaves]
        slot = slot_of(hiding.setup, hiding.inner.name)
        total = masks(parties, slot, hiding.context, hiding.members, hiding.length)
        total += updates.stacks[0][0]
        arrays = [total]
        if not hiding.circle.drawn:
            arrays.append(vouched(parties, hiding.context))
        return [Bundle(updates.slaves, (0,) * len(updates.slaves), arrays)]

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

    def stacks(self, part: Part, prepare: Callable[[Rows], Rows]) -> Sequence[Stack]:
        return self._at.stacks(part, prepare)

    def memory(self, slave: str) -> Arrays | None:
        return self._memories.get(slave)

    def later(self, do: Callable[[], None], nbytes: int) -> None:
        self._at.later(do, nbytes)


@dataclass(frozen=True, eq=False)
class Masked(OfAll):
    """The first of the two rounds; Redis holds nothing that slaves are to remember."""

    hiding: Hiding

    @property
    def known(self) -> Named | None:
        """What the sum that is masked knows of the features."""
        return getattr(self.hiding.inner, "known", None)

    @property
    def name(self) -> RoundName:
        """``mask-<kind>:<n>``."""
        return masked_name(self.hiding.inner.name)

    @cached_property
    def slaves(self) -> tuple[str, ...]:
        """Those who are asked for the sum, and have dealt."""
        names = self.hiding.circle.names
        return tuple(names[place] for place in sorted(self.hiding.members))

    @property
    def enough(self) -> int:
        """As many as the sum needs."""
        return self.hiding.inner.enough

    @cached_property
    def rule(self) -> MaskedSum:
        """Words."""
        return MaskedSum(self.hiding)

    def local(self, at: AtHand) -> Updates:
        """Do the slaves' part; it is masked when it is bundled."""
        hiding, setup, name = self.hiding, self.hiding.setup, self.hiding.inner.name
        journal = at.owner.journal
        self._check_enough(at.owner.policy)
        parties = hiding.gathered.parties(at, at.slaves)
        memories: dict[str, Arrays | None] = {}
        given: dict[str, bytes | None] = {}
        if schema := hiding.inner.remembers:
            blobs = journal.memories(setup.run, at.slaves, name.number)
            given = dict(zip(at.slaves, blobs, strict=True))
            memories = {
                slave: None if blob is None else schema.cut(np.frombuffer(blob, np.uint8))
                for slave, blob in given.items()
            }
        # Before anything is computed: that a quantity is too large says something of the rows,
        # and a master that could ask in a round for many models would be told many times.
        self._fix(at, given)
        try:
            found = [part.local(_Own(at, memories)) for part in hiding.parts]
        except BoundError as error:
            logger.error("%s: %s", ", ".join(at.slaves[:3]), error)
            raise BoundError(HIDDEN) from None
        own = found[-1]
        if schema and own.memories:
            texts = [b"".join(schema.views(arrays)) for arrays in own.memories]
            kept = dict(zip(own.slaves, texts, strict=True))
            journal.remember(setup.run, name.number, kept)
        self.rule.parties.update(zip(at.slaves, parties, strict=True))
        return self._added(found)

    def _check_enough(self, policy: Policy) -> None:
        """See that the sum is of as many slaves as hide each other, and their owner asks for.

        Raises
        ------
        RuleError
            If it is not.
        """
        hiding, circle, asked = self.hiding, self.hiding.circle, len(self.hiding.inner.slaves)
        least = circle.least(asked)
        if asked < LEAST_MASKED:
            raise RuleError(
                "threshold",
                f"the sum is of {asked} slaves, {LEAST_MASKED} hide each other: ask more of them",
            )
        if least < policy.least_slaves:
            # Once it has handed in, the others can unmask what has its part in it.
            raise RuleError(
                "least_slaves",
                f"a sum of {least} slaves could be unmasked, {policy.least_slaves} are needed; a "
                "higher threshold makes sure of it",
            )
        check_set(hiding.members, range(len(circle.names)), least, circle.names)

    def _fix(self, at: AtHand, given: Mapping[str, bytes | None]) -> None:
        """Write down what the slaves mask, who are given something back perhaps.

        Raises
        ------
        RuleError
            If one has masked something else before.
        """
        hiding = self.hiding
        names = [str(masked_name(part.name)) for part in hiding.parts]
        said = dict.fromkeys(names, dict.fromkeys(at.slaves, hiding.context))
        if given:
            called = f"{MEMORY}{hiding.inner.name}"
            said[called] = {slave: digest(blob or b"") for slave, blob in given.items()}
        at.owner.fix_rows(hiding.setup.run, at.slaves, lambda slave: _arrays(at.raw(slave)))
        at.owner.journal.once(hiding.setup.run, said)

    def _added(self, found: Sequence[Updates]) -> Updates:
        """Add up the slaves' parts of each sum, and lay the sums behind each other."""
        own = found[-1]

        def again(places: Sequence[int]) -> Updates:
            # In each part slaves stand in an order of its own.
            some = {own.slaves[place] for place in places}
            return self._added(
                [one.take([i for i, s in enumerate(one.slaves) if s in some]) for one in found]
            )

        words = [self.rule.encode(one.stacks, one.samples)[0] for one in found]
        stacks = [np.concatenate(words, axis=1)]
        return Added(own.slaves, np.zeros_like(own.samples), stacks, again=again)

    def learn(self, reduced: Reduced) -> Step:
        """Keep the sum, and fix whose it is."""
        name, places = self.hiding.inner.name, self.hiding.circle.places
        inside = np.array([places[slave] for slave in reduced.slaves], np.int64)
        beside = [part.name.number for part in self.hiding.beside]
        more = {TESTED: np.array(beside, np.int64)} if beside else {}
        if not self.hiding.circle.drawn:
            more["tags"] = reduced.total[1]
        return Step(
            artifacts={
                f"masked-{name}": {"masked": reduced.total[0]},
                f"inside-{name}": {"inside": inside, **more},
            }
        )


def _arrays(rows: Rows) -> list[NDArray[Any] | None]:
    return [rows.train_X, rows.train_y, rows.train_w, rows.test_X, rows.test_y]
