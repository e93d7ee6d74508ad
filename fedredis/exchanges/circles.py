"""What comes before masks: slaves publish signed channel keys, and deal shares of secrets.

Keys are published once a run. Shares are dealt for `SLOTS` sums of a kind at once, so that a sum
takes two rounds: what is masked comes in, and the masks come off.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Self

import numpy as np

from fedredis.arrays import Field, Schema
from fedredis.errors import BlobError
from fedredis.exchanges.base import OfAll
from fedredis.exchanges.kinds import KINDS
from fedredis.exchanges.protocol import Step
from fedredis.exchanges.relay import Relay, updates
from fedredis.keys import RoundName
from fedredis.secure import shamir
from fedredis.secure.circle import Circle
from fedredis.secure.graph import COMPLETE
from fedredis.secure.masks import KEY, SEED
from fedredis.secure.owner import CIRCLES
from fedredis.secure.party import KEY_WORDS, SLOTS, TAG, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.arrays import Named, Updates
    from fedredis.exchanges.protocol import AtHand, Reduced
    from fedredis.exchanges.setup import Setup
    from fedredis.secure.circle import Terms
    from fedredis.secure.party import Party

#: For how many passes over all rows: most feature maps need fewer. And for how many tests, where
#: most are masked together with training.
PASSES = 4
#: The kinds of sums that are passes.
OF_PASSES = ("statistics", "inference")
#: All kinds of sums, which have batches of their own.
SUMS = (*OF_PASSES, *(kind for kind in KINDS if kind not in OF_PASSES))


def masked_together(setup: Setup) -> bool:
    """Say whether the test of a model may be masked together with the training after it.

    The same slaves take part in both; of trees a round of training is many sums.
    """
    return not setup.boosts and not setup.config.sample


def slots_of(setup: Setup, batch: int) -> int:
    """Return for how many sums shares are dealt in a batch."""
    kind = _kind(batch)
    if kind in OF_PASSES or (kind == "evaluate" and masked_together(setup)):
        return PASSES
    if kind == "scores":
        return 1
    # No more than are needed, as far as is known.
    sums = setup.config.rounds * (setup.boosting.depth if kind == "grow" else 1)
    # Where slaves are many, half of it: each has some 4 KB of shares a sum.
    most = SLOTS if setup.config.slaves <= COMPLETE else SLOTS // 2
    batches = -(-sums // most)
    return -(-sums // batches)


def _kind(batch: int) -> str:
    """Tell of which kind the sums of a batch are."""
    return SUMS[(batch - 1) % len(SUMS)]


def slot_of(setup: Setup, name: RoundName) -> Slot:
    """Return which secrets the sum of a round takes."""
    first = SUMS.index(name.kind) + 1
    batch, place = divmod(name.number - 1, slots_of(setup, first))
    return Slot(batch * len(SUMS) + first, place)


def ascending(places: bytes, count: int) -> list[int]:
    """Read places, of which there are so many; in their order, so that they mean one thing only.

    Raises
    ------
    ValueError
        If one is none, or is not behind the one before.
    """
    found: list[int] = np.frombuffer(places, np.int64).tolist()
    if [*sorted({*found})] != found or not {*found} <= {*range(count)}:
        raise ValueError("its places are not in order")
    return found


@dataclass(frozen=True, eq=False)
class Gathered:
    """The channel keys of a run, and their signatures, by name."""

    terms: Terms
    keys: Mapping[str, bytes]
    signatures: Mapping[str, bytes]

    @classmethod
    def of(cls, setup: Setup, channel: Named) -> Gathered:
        """Read an artifact: every exchange has it, and it is always the same.

        Raises
        ------
        BlobError
            If it is none.
        """
        try:
            parts = [channel[name].tobytes() for name in ("places", "keys", "signatures")]
            return _gathered(setup.terms, *parts)
        except (KeyError, IndexError, ValueError) as error:
            raise BlobError(f"these are no channel keys: {error}") from None

    @cached_property
    def circle(self) -> Circle:
        """Who masks with whom; whether the keys are theirs is looked at by the slaves."""
        terms, keys = self.terms, tuple(self.keys.values())
        return Circle(b"", tuple(self.keys), keys, terms.share, len(terms.slaves))

    def parties(self, at: AtHand, slaves: Sequence[str]) -> list[Party]:
        """Return slaves as those who mask."""
        return at.owner.parties(self.terms, self.keys, self.signatures, slaves)


@lru_cache(maxsize=CIRCLES)
def _gathered(terms: Terms, places: bytes, keys: bytes, signatures: bytes) -> Gathered:
    names = [terms.slaves[place] for place in ascending(places, len(terms.slaves))]
    # Slices of a length of their own, if there are more or fewer: zip says so.
    each = (
        [text[at : at + size] for at in range(0, len(text), size)]
        for text, size in ((keys, KEY), (signatures, 2 * KEY))
    )
    return Gathered(terms, *(dict(zip(names, texts, strict=True)) for texts in each))


@dataclass(frozen=True, eq=False)
class Channel(OfAll):
    """Slaves publish the keys by which they speak to each other, signed by their identities."""

    KIND = "channel"
    JOB = "statistics"

    setup: Setup

    @classmethod
    def of(cls, setup: Setup, number: int, given: Mapping[str, Named]) -> Self:
        """Make the exchange."""
        return cls(setup)

    @property
    def name(self) -> RoundName:
        """``channel:1``."""
        return RoundName("channel", 1)

    @cached_property
    def rule(self) -> Relay:
        """A key and a signature of each."""
        fields = Field("keys", "<i8", (KEY_WORDS,)), Field("signatures", "<i8", (2 * KEY_WORDS,))
        return Relay(Schema(fields))

    def local(self, at: AtHand) -> Updates:
        """Sign the slaves' keys."""
        signed = [at.owner.channel(self.setup.terms, slave) for slave in at.slaves]
        return updates(at.slaves, [[np.frombuffer(b, "<i8") for b in both] for both in signed])

    def learn(self, reduced: Reduced) -> Step:
        """Hand everybody's keys to all."""
        place = {slave: i for i, slave in enumerate(self.slaves)}
        places = np.array([place[slave] for slave in reduced.apart.slaves], np.int64)
        keys, signatures = reduced.apart.stacks
        gathered = {"places": places, "keys": keys, "signatures": signatures}
        return Step(artifacts={"channel:1": gathered})


@dataclass(frozen=True, eq=False)
class Deal(OfAll):
    """Slaves deal shares of the secrets of a batch of sums to each other."""

    KIND = "deal"

    setup: Setup
    number: int
    gathered: Gathered

    @classmethod
    def of(cls, setup: Setup, number: int, given: Mapping[str, Named]) -> Self:
        """Make the exchange, from the channel keys."""
        return cls(setup, number, Gathered.of(setup, given["channel"]))

    @classmethod
    def job(cls, setup: Setup, number: int) -> str:
        """Tell which jobs serve what the shares are for."""
        return "statistics" if _kind(number) in OF_PASSES else "train"

    @property
    def slaves(self) -> tuple[str, ...]:
        """Those who have published a key."""
        return self.gathered.circle.names

    @cached_property
    def rule(self) -> Relay:
        """Letters to neighbours, and what the master needs to unmask."""
        slots, circle = slots_of(self.setup, self.number), self.gathered.circle
        sent = circle.size - circle.drawn_alike
        letters = Field("letters", "<i8", (sent, 2 * shamir.WORDS * slots + TAG))
        vaults = Field("vaults", "<i8", (slots, SEED // 8 * circle.size + TAG))
        return Relay(Schema((letters, Field("seals", "<i8", (slots, KEY_WORDS)), vaults)))

    def local(self, at: AtHand) -> Updates:
        """Deal the slaves' shares."""
        parties = self.gathered.parties(at, at.slaves)
        dealt = [party.deal(self.number, slots_of(self.setup, self.number)) for party in parties]
        return updates(at.slaves, [[one.letters, one.seals, one.vaults] for one in dealt])

    def learn(self, reduced: Reduced) -> Step:
        """Hand the letters to the slaves, and keep the rest."""
        places = self.gathered.circle.places
        dealt = np.array([places[slave] for slave in reduced.apart.slaves], np.int64)
        letters, seals, vaults = reduced.apart.stacks
        return Step(
            artifacts={
                f"letters:{self.number}": {"dealt": dealt, "letters": letters},
                f"vaults:{self.number}": {"seals": seals, "vaults": vaults},
            }
        )
