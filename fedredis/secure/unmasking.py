"""The master's part: what is left of a sum of masked words once shares have been given away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from cryptography.exceptions import InvalidTag

from fedredis.errors import RoundFailedError, RuleError
from fedredis.secure import shamir
from fedredis.secure.masks import NONCE, SEED, seeds_of, words
from fedredis.secure.party import seal, vault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.secure.circle import Circle

    Words = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Unmasking:
    """A masked sum: whose it is, and who masked with them."""

    circle: Circle
    context: bytes
    #: The places of those who were asked and had dealt, and of those who are in the sum.
    members: Sequence[int]
    inside: frozenset[int]
    #: For each member the digest of its b (4,), and its vault (2 m + 2).
    seals: Sequence[Words]
    vaults: Sequence[Words]

    def total(self, masked: Words, answers: Mapping[int, Words]) -> Words:
        """Take the masks off a sum (count,).

        Parameters
        ----------
        answers
            What helpers gave away, by their places, each (members, 3).

        Raises
        ------
        RoundFailedError
            If too few have helped, or a share is wrong; it names whose secret can't be had.
        """
        given = _Given(self.circle, self.members, sorted(answers.items()))
        added: list[bytes] = []
        subtracted: list[bytes] = []
        for row, member in enumerate(self.members):
            if member in self.inside:
                added.append(given.secret(row, self._fits_seal))
                continue
            # Where nobody in the sum masked with it, there is nothing of it to take off.
            if self.inside.isdisjoint(self.circle.near[member].tolist()):
                continue
            key = given.secret(row, self._fits_vault)
            opened = vault(key).decrypt(NONCE, self.vaults[row].tobytes(), None)
            for at, other in enumerate(self.circle.near[member].tolist()):
                if other in self.inside:
                    # The other one has added its words, or subtracted them.
                    some = added if member > other else subtracted
                    some.append(opened[SEED * at : SEED * (at + 1)])
        # As it was put on: the sum of all words is taken off.
        plus, minus = (seeds_of(b"".join(some)) for some in (added, subtracted))
        return masked - words(plus, minus, self.context, len(masked))

    def _fits_seal(self, row: int, key: bytes) -> bool:
        return seal(key) == self.seals[row].tobytes()

    def _fits_vault(self, row: int, key: bytes) -> bool:
        try:
            opened = vault(key).decrypt(NONCE, self.vaults[row].tobytes(), None)
        except InvalidTag:
            return False
        return len(opened) == SEED * self.circle.size


class _Given:
    """What helpers gave away, and secrets of it."""

    def __init__(
        self, circle: Circle, members: Sequence[int], answers: Sequence[tuple[int, Words]]
    ) -> None:
        self._circle, self._members = circle, members
        self._helpers = [place for place, _ in answers]
        each = np.stack([shares for _, shares in answers])
        self._shares = each
        #: For each member whether each helper gave one.
        self._there = np.ascontiguousarray(np.any(each != 0, axis=2).T)
        #: Which helpers gave a share: the same ones for many a member.
        self._givers: dict[bytes, tuple[int, ...]] = {}
        #: What the shares of some come to, for all members.
        self._keys: dict[tuple[int, ...], list[bytes]] = {}

    def _combined(self, row: int, some: tuple[int, ...]) -> bytes:
        """Make the key of a member from the shares of some."""
        if self._circle.drawn:
            # Each has neighbours of its own.
            return self._keys_of(row, some, slice(row, row + 1))[0]
        if some not in self._keys:
            self._keys[some] = self._keys_of(row, some, slice(None))
        return self._keys[some][row]

    def _givers_to(self, row: int) -> tuple[int, ...]:
        there = self._there[row].tobytes()
        if there not in self._givers:
            self._givers[there] = tuple(np.flatnonzero(self._there[row]).tolist())
        return self._givers[there]

    def _keys_of(self, row: int, some: Sequence[int], rows: slice) -> list[bytes]:
        places = [self._circle.position(self._members[row], self._helpers[i]) for i in some]
        points = [place + 1 for place in places if place is not None]
        numbers = self._shares[list(some), rows].view(np.uint32)
        secrets = shamir.combined(points, numbers.reshape(*numbers.shape[:2], shamir.PARTS))
        return [secret.tobytes() for secret in secrets]

    def secret(self, row: int, fits: Callable[[int, bytes], bool]) -> bytes:
        """Make the secret of a member, of which it can be said whether it fits.

        Raises
        ------
        RoundFailedError
            If there are too few shares, or one is wrong.
        """
        there, needed = self._givers_to(row), self._circle.helpers
        name = self._circle.names[self._members[row]]
        if len(there) < needed:
            raise RoundFailedError(
                f"{len(there)} slaves help to unmask slave {name}, {needed} are needed"
            )
        # One liar is found out by leaving others in its place.
        for first in range(len(there) - needed + 1):
            key = self._combined(row, there[first : first + needed])
            if fits(row, key):
                return key
        raise RoundFailedError(f"the shares of slave {name} don't make its secret: one is wrong")


def check_set(
    inside: Sequence[int], members: Sequence[int], least: int, names: Sequence[str]
) -> frozenset[int]:
    """See that a sum's set of slaves is one that may be unmasked; return it.

    Raises
    ------
    RuleError
        If a slave is in it twice, was not asked for the sum, or too few are in it.
    """
    found = frozenset(inside)
    if len(found) != len(inside):
        raise RuleError("one-set", "a slave stands twice in the set of a sum")
    if strange := sorted(found.difference(members)):
        raise RuleError(
            "known-slaves",
            f"{', '.join(names[p] if 0 <= p < len(names) else str(p) for p in strange[:10])} "
            "did not mask in this sum",
        )
    if len(found) < least:
        raise RuleError("threshold", f"{len(found)} slaves are in the sum, {least} are needed")
    return found
