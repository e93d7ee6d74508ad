"""What all slaves of a run know of each other: signed keys, and who masks with whom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fedredis.errors import RuleError
from fedredis.secure import graph
from fedredis.secure.identity import Roster, verify
from fedredis.secure.masks import digest, joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fedredis.secure.identity import Identity

#: What signatures and keys are bound to: it changes with every change of the protocol.
PROTOCOL = "fedredis masks 7"


@dataclass(frozen=True)
class Terms:
    """What a run asks of those who mask in it; whoever signs a key signs this."""

    run: str
    #: The digest of its config.
    config: bytes
    #: All its slaves, in the order of their places.
    slaves: tuple[str, ...]
    #: The share of the slaves that must help to unmask a sum.
    share: float

    def statement(self, roster: Roster, name: str, key: bytes) -> bytes:
        """Return what a slave signs: that a key is its own, in this run, on these terms."""
        named = roster.digest(self.slaves)
        return joined((PROTOCOL, self.run, "channel:1", self.config, named, name, key))

    def sign(self, roster: Roster, identity: Identity, key: bytes) -> bytes:
        """Sign a channel key (64,)."""
        return identity.sign(self.statement(roster, identity.name, key))

    def circle(
        self, roster: Roster, keys: Mapping[str, bytes], signatures: Mapping[str, bytes]
    ) -> Circle:
        """Join those whose channel keys are signed; every signature is looked at.

        Raises
        ------
        RuleError
            If a key is not signed by whom the roster names, or too few are there.
        """
        if not 0.5 < self.share <= 1:
            raise RuleError("threshold", f"{self.share} of the slaves is not more than half")
        # First, since who lacks one has signed another roster than all others.
        for name in keys:
            if name not in roster.keys or name not in self.slaves:
                raise RuleError("roster", _stranger(name))
        for name, key in keys.items():
            signed = self.statement(roster, name, key)
            if not verify(roster.keys[name], signatures[name], signed):
                raise RuleError(
                    "signatures",
                    f"the channel key of slave {name} is not signed by it for this run, its "
                    "config and this roster; compare rosters (`fedredis identity show` tells "
                    "their fingerprints)",
                )
        least = graph.threshold(self.share, len(self.slaves))
        if len(keys) < least:
            raise RuleError(
                "threshold",
                f"{len(keys)} of {len(self.slaves)} slaves mask, {least} are needed: start a run "
                "of those who do, or one with a lower threshold",
            )
        names = tuple(name for name in self.slaves if name in keys)
        about = digest(PROTOCOL, self.run, self.config, roster.digest(self.slaves))
        each = tuple(keys[name] for name in names)
        return Circle(about, names, each, self.share, len(self.slaves))


def _stranger(name: str) -> str:
    return (
        f"slave {name} is not on this slave's roster: compare its fingerprint with its owner, and "
        "add its line to the policy file"
    )


@dataclass(frozen=True)
class Circle:
    """Those who mask with each other in a run."""

    about: bytes
    names: tuple[str, ...]
    #: Their channel keys (32,), X25519.
    keys: tuple[bytes, ...]
    share: float
    #: How many slaves the run has, those without a key among them.
    asked: int

    @cached_property
    def digest(self) -> bytes:
        """What every key is bound to (32,)."""
        return digest(self.about, repr(self.share), *self.names, *self.keys)

    @cached_property
    def near(self) -> list[NDArray]:  # type: ignore[type-arg]
        """For each place who masks with it, itself among them."""
        seed = digest("graph", *self.names, *self.keys)
        return graph.neighbours(len(self.names), seed)

    def position(self, place: int, neighbour: int) -> int | None:
        """Return where a place has a neighbour among its neighbours, if it is one."""
        if not self.drawn:
            return neighbour
        at = int(np.searchsorted(self.near[place], neighbour))
        return at if at < self.size and self.near[place][at] == neighbour else None

    @cached_property
    def drawn(self) -> bool:
        """Whether neighbours are drawn."""
        return len(self.names) > graph.COMPLETE

    @cached_property
    def size(self) -> int:
        """How many neighbours a place has, itself among them."""
        return len(self.near[0])

    @cached_property
    def helpers(self) -> int:
        """How many of a place's neighbours must help to unmask it.

        The share is that of all slaves of the run: a master that leaves slaves out of the circle
        makes it no easier for those who side with it.
        """
        if self.drawn:
            return graph.threshold(self.share, self.size, drawn=True)
        return min(self.size, graph.threshold(self.share, self.asked))

    @cached_property
    def drawn_alike(self) -> int:
        """How many of a place's neighbours draw their shares, as the place itself does.

        As many as say nothing of the secret: the shares of all others follow from them and it.
        """
        return self.helpers - 1

    @cached_property
    def places(self) -> dict[str, int]:
        """The places by name."""
        return {name: place for place, name in enumerate(self.names)}

    def least(self, asked: int) -> int:
        """Return how many of so many slaves that a round asks its sum must hold."""
        return max(2, graph.threshold(self.share, asked))
