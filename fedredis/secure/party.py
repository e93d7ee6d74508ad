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
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fedredis.errors import RuleError
from fedredis.secure import shamir
from fedredis.secure.masks import KEY, NONCE, derive, keyed, stream, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.secure.circle import Circle

    Words = NDArray[np.int64]

#: Words of a key or share, and of the tag that ends a sealed text.
WORDS, TAG = KEY // 8, 2
#: For how many sums shares are dealt at once, at most.
SLOTS = 16
#: How many batches' secrets are kept at hand.
BATCHES_KEPT = 4

K = TypeVar("K")
V = TypeVar("V")


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


class Pairs:
    """What slaves of one process have in common with others: drawn once, whoever asks."""

    def __init__(self, circle: Circle) -> None:
        self.circle = circle
        self._keys: dict[tuple[int, int], tuple[bytes, ChaCha20Poly1305]] = {}
        #: Seeds of masks by batch, then by pair.
        self._seeds: dict[int, dict[tuple[int, int], bytes]] = {}

    def keys(self, key: X25519PrivateKey, own: int, other: int) -> tuple[bytes, ChaCha20Poly1305]:
        """Return the two keys that two places share, one for masks and one for letters.

        Raises
        ------
        RuleError
            If the other one's channel key is none.
        """
        pair = (own, other) if own < other else (other, own)
        if pair not in self._keys:
            public = self.circle.keys
            try:
                secret = key.exchange(X25519PublicKey.from_public_bytes(public[other]))
            except ValueError:
                name = self.circle.names[other]
                raise RuleError("signatures", f"the channel key of slave {name} is none") from None
            info = public[pair[0]] + public[pair[1]]
            both = HKDF(SHA256(), 2 * KEY, self.circle.digest, info).derive(secret)
            self._keys[pair] = both[:KEY], ChaCha20Poly1305(both[KEY:])
        return self._keys[pair]

    def seeds(self, key: X25519PrivateKey, own: int, other: int, batch: int) -> bytes:
        """Return the secrets s of two places for the sums of a batch, end to end."""
        pair = (own, other) if own < other else (other, own)
        found = _of_batch(self._seeds, batch)
        if pair not in found:
            drawn = keyed(self.keys(key, own, other)[0], b"masks %d" % batch)
            found[pair] = stream(drawn, KEY * SLOTS)
        return found[pair]


class Party:
    """One slave among those who mask with each other."""

    def __init__(self, pairs: Pairs, name: str, root: bytes) -> None:
        """`root` (32,) was drawn by the slave for this run, and is known to it alone."""
        circle = pairs.circle
        self.circle, self.name, self.place = circle, name, circle.places[name]
        self._key, self._pairs = channel_key(root), pairs
        if self._key.public_key().public_bytes_raw() != circle.keys[self.place]:
            raise RuleError("signatures", f"the channel key of slave {name} is not its own")
        self._root = derive(root, "circle", circle.digest)
        #: Its own secrets, and those with neighbours (m, SLOTS, 32), by batch.
        self._drawn: dict[int, list[int]] = {}
        self._shared: dict[int, NDArray[np.uint8]] = {}
        #: What neighbours have dealt it (members, 2, slots, 4), by batch: opened once.
        self._opened: dict[int, dict[tuple[int, ...], Words]] = {}

    @cached_property
    def near(self) -> list[int]:
        """The places of its neighbours, its own among them."""
        found: list[int] = self.circle.near[self.place].tolist()
        return found

    def _secrets(self, batch: int) -> list[int]:
        """Return its secrets b for the sums of a batch, and then its secrets k."""
        if batch not in self._drawn:
            _make_room(self._drawn)
            drawn = stream(derive(self._root, "secrets", batch), 2 * SLOTS * KEY)
            each = (drawn[at : at + KEY] for at in range(0, len(drawn), KEY))
            self._drawn[batch] = [int.from_bytes(one, "little") % shamir.PRIME for one in each]
        return self._drawn[batch]

    def _letters(self, other: int) -> ChaCha20Poly1305:
        return self._pairs.keys(self._key, self.place, other)[1]

    def seeds(self, slot: Slot) -> bytes:
        """Return the secrets s that it has in common with all neighbours, end to end."""
        if slot.batch not in self._shared:
            _make_room(self._shared)
            pairs, key, place = self._pairs, self._key, self.place
            each = [pairs.seeds(key, place, other, slot.batch) for other in self.near]
            shared = np.frombuffer(b"".join(each), np.uint8)
            self._shared[slot.batch] = shared.reshape(len(each), SLOTS, KEY)
        return self._shared[slot.batch][:, slot.place].tobytes()

    def own(self, slot: Slot) -> bytes:
        """Return its secret b."""
        return _key(self._secrets(slot.batch)[slot.place])

    def deal(self, batch: int, slots: int) -> Dealt:
        """Deal shares of the secrets of a batch."""
        circle, secrets = self.circle, self._secrets(batch)
        b, k = secrets[:slots], secrets[SLOTS : SLOTS + slots]
        needed = shamir.random_needed(2 * slots, circle.helpers)
        random = stream(derive(self._root, "shares", batch), needed)
        shares = shamir.deal([*b, *k], circle.helpers, len(self.near), random)
        letters = [
            self._letters(other).encrypt(_nonce(batch, self.place), text, None)
            for other, text in zip(self.near, shares, strict=True)
        ]
        vaults = [
            ChaCha20Poly1305(_key(secret)).encrypt(NONCE, self.seeds(Slot(batch, n)), None)
            for n, secret in enumerate(k)
        ]
        seals = [seal(_key(secret)) for secret in b]
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
        opened, about = _of_batch(self._opened, slot.batch), tuple(members)
        if about not in opened:
            opened.clear()
            opened[about] = np.stack(
                [self._open(slot.batch, slots, *one) for one in zip(members, letters, strict=True)]
            )
        which = [0 if member in inside else 1 for member in members]
        return opened[about][range(len(members)), which, slot.place]

    def _open(self, batch: int, slots: int, sender: int, letters: Words) -> Words:
        """Open a letter (2, slots, 4); who is no neighbour, or has lied, has sent only zeros."""
        shape, at = (2, slots, WORDS), self.circle.position(sender, self.place)
        if at is None:
            return np.zeros(shape, np.int64)
        try:
            sealed, nonce = letters[at].tobytes(), _nonce(batch, sender)
            return _words(self._letters(sender).decrypt(nonce, sealed, None)).reshape(shape)
        except InvalidTag:
            return np.zeros(shape, np.int64)


def masks(
    parties: Sequence[Party], slot: Slot, context: bytes, members: Sequence[int], count: int
) -> Words:
    """Return what some parties together add to the sum of their words (count,), modulo 2^64.

    What two of them would add and subtract is left out. `members` are the places of all who mask
    in this sum. Words are bound to the `context`: sums of two contexts have no word in common.
    """
    others = set(members) - {party.place for party in parties}
    added: list[bytes] = []
    subtracted: list[bytes] = []
    for party in parties:
        seeds = party.seeds(slot)
        for at, other in enumerate(party.near):
            if other in others:
                some = added if other > party.place else subtracted
                some.append(seeds[KEY * at : KEY * (at + 1)])
    own = self_masks([party.own(slot) for party in parties], context, count)
    return own + pair_masks(added, context, count) - pair_masks(subtracted, context, count)


def seal(key: bytes) -> bytes:
    """Digest a secret b (32,), so that a wrong one is found out."""
    return keyed(key, b"seal")


def self_masks(keys: Sequence[bytes], context: bytes, count: int) -> Words:
    """Add up the words of secrets b (count,)."""
    return words(keys, b"self" + context, count)


def pair_masks(seeds: Sequence[bytes], context: bytes, count: int) -> Words:
    """Add up the words of secrets s (count,)."""
    return words(seeds, b"pair" + context, count)


def _nonce(batch: int, sender: int) -> bytes:
    """Return the nonce of a letter: of a key each side sends one a batch, and always that."""
    return batch.to_bytes(4, "little") + sender.to_bytes(8, "little")


def _key(secret: int) -> bytes:
    return secret.to_bytes(KEY, "little")


def _words(text: bytes) -> Words:
    return np.frombuffer(text, "<i8")


def _of_batch(cache: dict[int, dict[K, V]], batch: int) -> dict[K, V]:
    """Return what is kept of a batch, and let go of older ones."""
    if batch not in cache:
        _make_room(cache)
        cache[batch] = {}
    return cache[batch]


def _make_room(cache: dict[int, V]) -> None:
    """Let go of older batches."""
    while len(cache) >= BATCHES_KEPT:
        del cache[next(iter(cache))]
