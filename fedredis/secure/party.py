"""One slave's part: it deals shares of its secrets, masks what it sends, and helps to unmask sums.

For every sum it has two secrets of its own, b and k, and one with each neighbour, s. It adds the
words of b, and of every s (subtracts them where the neighbour comes before it). It has dealt
shares of b and k, and laid all its s into a vault that k opens. Once a sum's set of slaves is
committed, neighbours give away their shares of b for those who are in it, of k for those who are
not: never both for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fedredis.errors import RuleError
from fedredis.secure import shamir
from fedredis.secure.masks import KEY, derive, digest, stream, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.secure.circle import Circle

    Words = NDArray[np.int64]

#: What AEAD adds to a text, in words; keys of letters and vaults are used once, so the nonce is 0.
TAG, NONCE = 2, bytes(12)
#: Words of a key or share.
WORDS = KEY // 8
#: How many batches' letters are kept open.
BATCHES_KEPT = 4


class Slot(NamedTuple):
    """Which of the secrets that were dealt a sum takes: the batch, and the place in it."""

    batch: int
    place: int


@dataclass(frozen=True, eq=False)
class Dealt:
    """What a slave deals for a batch of `slots` sums, to its m neighbours, itself among them."""

    #: Encrypted shares, for each neighbour (m, 8 slots + 2).
    letters: Words
    #: Digests of the secrets b (slots, 4), by which a wrong share is found out.
    seals: Words
    #: The secrets with neighbours, encrypted with k (slots, 4 m + 2).
    vaults: Words


def channel_key(root: bytes) -> X25519PrivateKey:
    """Make the channel key of a slave, out of what it has drawn for a run."""
    return X25519PrivateKey.from_private_bytes(derive(root, "channel"))


class Party:
    """One slave among those who mask with each other."""

    def __init__(self, circle: Circle, name: str, root: bytes) -> None:
        """`root` (32,) was drawn by the slave for this run, and is known to it alone."""
        self.circle, self.name, self.place = circle, name, circle.places[name]
        self._key = channel_key(root)
        if self._key.public_key().public_bytes_raw() != circle.keys[self.place]:
            raise RuleError("signatures", f"the channel key of slave {name} is not its own")
        self._root = derive(root, "circle", circle.digest)
        self._pairs: dict[int, tuple[bytes, bytes]] = {}
        #: What neighbours have dealt it, by batch: opened once for all its sums.
        self._opened: dict[int, dict[int, bytes]] = {}

    @cached_property
    def near(self) -> list[int]:
        """The places of its neighbours, its own among them."""
        found: list[int] = self.circle.near[self.place].tolist()
        return found

    def _pair(self, other: int) -> tuple[bytes, bytes]:
        """Return the two keys that it has in common with a neighbour: for masks, for letters."""
        if other not in self._pairs:
            keys = self.circle.keys
            info = b"".join(sorted((keys[self.place], keys[other])))
            try:
                secret = self._key.exchange(X25519PublicKey.from_public_bytes(keys[other]))
            except ValueError:
                raise RuleError(
                    "signatures", f"the channel key of slave {self.circle.names[other]} is none"
                ) from None
            both = HKDF(SHA256(), 2 * KEY, self.circle.digest, info).derive(secret)
            self._pairs[other] = both[:KEY], both[KEY:]
        return self._pairs[other]

    def _secret(self, slot: Slot, which: str) -> int:
        drawn = derive(self._root, which, *slot)
        return int.from_bytes(drawn, "little") % shamir.PRIME

    def _shared(self, slot: Slot, other: int) -> bytes:
        return derive(self._pair(other)[0], *slot)

    def _letter(self, batch: int, sender: int, receiver: int) -> ChaCha20Poly1305:
        other = receiver if sender == self.place else sender
        return ChaCha20Poly1305(derive(self._pair(other)[1], "letter", batch, sender))

    def deal(self, batch: int, slots: int) -> Dealt:
        """Deal shares of the secrets of a batch."""
        circle, numbered = self.circle, [Slot(batch, n) for n in range(slots)]
        b, k = ([self._secret(slot, which) for slot in numbered] for which in "bk")
        needed = shamir.coefficients_needed(2 * slots, circle.helpers)
        random = stream(derive(self._root, "coefficients", batch), needed)
        shares = shamir.deal([*b, *k], circle.helpers, [place + 1 for place in self.near], random)
        letters = [
            self._letter(batch, self.place, other).encrypt(NONCE, text, None)
            for other, text in zip(self.near, shares, strict=True)
        ]
        inside = [
            b"".join(bytes(KEY) if o == self.place else self._shared(slot, o) for o in self.near)
            for slot in numbered
        ]
        vaults = [
            ChaCha20Poly1305(_key(secret)).encrypt(NONCE, text, None)
            for secret, text in zip(k, inside, strict=True)
        ]
        seals = [digest("seal", _key(secret)) for secret in b]
        return Dealt(*(np.stack([_words(t) for t in texts]) for texts in (letters, seals, vaults)))

    def answer(
        self,
        slot: Slot,
        slots: int,
        members: Sequence[int],
        inside: frozenset[int],
        letters: Sequence[Words],
    ) -> Words:
        """Give away one share for each member's sake (members, 4); zeros where there is none.

        Parameters
        ----------
        members
            The places of those who were asked for the sum and had dealt.
        inside
            Those whose vectors are in the sum.
        letters
            What each member has dealt: its letters (m, …).
        """
        found = np.zeros((len(members), WORDS), np.int64)
        for row, (member, dealt) in enumerate(zip(members, letters, strict=True)):
            near = self.circle.near[member]
            at = int(np.searchsorted(near, self.place))
            if at == len(near) or near[at] != self.place:
                continue
            shares = self._open(slot.batch, member, dealt[at])
            which = slot.place if member in inside else slots + slot.place
            if shares:
                found[row] = _words(shares[KEY * which : KEY * (which + 1)])
        return found

    def _open(self, batch: int, sender: int, letter: Words) -> bytes:
        """Open a letter; one whose sender has lied, or is another, is empty."""
        opened = self._opened.setdefault(batch, {})
        if sender not in opened:
            try:
                key = self._letter(batch, sender, self.place)
                opened[sender] = key.decrypt(NONCE, letter.tobytes(), None)
            except InvalidTag:
                return b""
            if len(self._opened) > BATCHES_KEPT:
                del self._opened[next(iter(self._opened))]
        return opened[sender]


def masks(
    parties: Sequence[Party], slot: Slot, context: bytes, members: Sequence[int], count: int
) -> Words:
    """Return what each of some parties adds to its words (k, count), modulo 2^64.

    `members` are the places of all who mask in this sum. Words are bound to the `context`: sums of
    two contexts have no word in common.
    """
    total = np.zeros((len(parties), count), np.int64)
    row = {party.place: at for at, party in enumerate(parties)}
    for at, party in enumerate(parties):
        total[at] += self_mask(_key(party._secret(slot, "b")), context, count)
        for other in set(party.near).intersection(members) - {party.place}:
            # What two of them have in common is drawn once.
            if row.get(other, -1) < at:
                mask = pair_mask(party._shared(slot, other), context, count)
                sign = 1 if other > party.place else -1
                total[at] += sign * mask
                if other in row:
                    total[row[other]] -= sign * mask
    return total


def self_mask(key: bytes, context: bytes, count: int) -> Words:
    """Draw the words of a secret b (count,)."""
    return words(derive(key, "self", context), count)


def pair_mask(shared: bytes, context: bytes, count: int) -> Words:
    """Draw the words of what two slaves have in common (count,)."""
    return words(derive(shared, "pair", context), count)


def _key(secret: int) -> bytes:
    return secret.to_bytes(KEY, "little")


def _words(text: bytes) -> Words:
    return np.frombuffer(text, "<i8")
