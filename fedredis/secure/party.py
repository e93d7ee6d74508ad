"""One slave's part: it deals shares of its secrets, masks what it sends, and helps to unmask sums.

For every sum it has two secrets of its own, b and k, and one with each neighbour, s. It adds the
words of b, and of every s (subtracts them where the neighbour comes before it). It has dealt
shares of b and k, and laid all its s into a vault that k opens. As many shares as say nothing of
a secret are drawn from keys that two slaves have in common, and need not be sent; the others
follow from them. Once a sum's set of slaves is committed, neighbours give away their shares of b
for those who are in it, of k for those who are not: never both for one.
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
#: Bytes of a secret of two slaves for one sum: as hard to guess as their keys, X25519's.
SEED = 16
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

    #: Encrypted shares, for each of the n neighbours who don't draw theirs (n, 8 slots + 2).
    letters: Words
    #: Digests of the secrets b (slots, 4), by which a wrong share is found out.
    seals: Words
    #: The secrets with neighbours, encrypted with k (slots, 2 m + 2).
    vaults: Words


def channel_key(root: bytes) -> X25519PrivateKey:
    """Make the channel key of a slave, out of what it has drawn for a run."""
    return X25519PrivateKey.from_private_bytes(derive(root, "channel"))


class Shared(NamedTuple):
    """The keys that two slaves have in common: for masks, for drawn shares, for letters."""

    masks: bytes
    shares: bytes
    letters: ChaCha20Poly1305


class Pairs:
    """What slaves of one process have in common with others: drawn once, whoever asks."""

    def __init__(self, circle: Circle) -> None:
        self.circle = circle
        self._keys: dict[tuple[int, int], Shared] = {}
        #: Seeds of masks by batch, then by pair.
        self._seeds: dict[int, dict[tuple[int, int], bytes]] = {}

    def keys(self, key: X25519PrivateKey, own: int, other: int) -> Shared:
        """Return the keys that two places share.

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
            drawn = HKDF(SHA256(), 3 * KEY, self.circle.digest, info).derive(secret)
            masks, shares, letters = drawn[:KEY], drawn[KEY : 2 * KEY], drawn[2 * KEY :]
            self._keys[pair] = Shared(masks, shares, ChaCha20Poly1305(letters))
        return self._keys[pair]

    def seeds(self, key: X25519PrivateKey, own: int, other: int, batch: int) -> bytes:
        """Return the secrets s of two places for the sums of a batch, end to end."""
        pair = (own, other) if own < other else (other, own)
        found = _of_batch(self._seeds, batch)
        if pair not in found:
            drawn = keyed(self.keys(key, own, other).masks, b"masks %d" % batch)
            found[pair] = stream(drawn, SEED * SLOTS)
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
        #: Its own secrets, and those with neighbours (m, SLOTS, SEED), by batch.
        self._drawn: dict[int, list[int]] = {}
        self._shared: dict[int, NDArray[np.uint8]] = {}
        #: What neighbours have dealt it (members, 2, slots, 4), by batch: looked at once.
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

    @cached_property
    def _with(self) -> dict[int, Shared]:
        """The keys that it has in common with each neighbour, by place."""
        return {other: self._pairs.keys(self._key, self.place, other) for other in self.near}

    def seeds(self, slot: Slot) -> NDArray[np.uint8]:
        """Return the secrets s that it has in common with all neighbours (m, SEED)."""
        if slot.batch not in self._shared:
            _make_room(self._shared)
            pairs, key, place = self._pairs, self._key, self.place
            each = [pairs.seeds(key, place, other, slot.batch) for other in self.near]
            shared = np.frombuffer(b"".join(each), np.uint8)
            self._shared[slot.batch] = shared.reshape(len(each), SLOTS, SEED)
        return self._shared[slot.batch][:, slot.place]

    def own(self, slot: Slot) -> bytes:
        """Return its secret b."""
        return _key(self._secrets(slot.batch)[slot.place])

    def deal(self, batch: int, slots: int) -> Dealt:
        """Deal shares of the secrets of a batch."""
        circle, secrets = self.circle, self._secrets(batch)
        b, k = secrets[:slots], secrets[SLOTS : SLOTS + slots]
        alike, nonce = circle.drawn_alike, _nonce(batch, self.place)
        drawn = [
            _drawn(self._with[other], batch, self.place, slots) for other in self.near[:alike]
        ]
        shares = shamir.deal([*b, *k], circle.helpers, len(self.near), b"".join(drawn))
        letters = [
            self._with[other].letters.encrypt(nonce, text, None)
            for other, text in zip(self.near[alike:], shares[alike:], strict=True)
        ]
        each = (self.seeds(Slot(batch, place)) for place in range(slots))
        vaults = [
            ChaCha20Poly1305(_key(secret)).encrypt(NONCE, seeds.tobytes(), None)
            for secret, seeds in zip(k, each, strict=True)
        ]
        seals = [seal(_key(secret)) for secret in b]
        return Dealt(*map(_rows, (letters, seals, vaults)))

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
            What each member has dealt: its letters (n, …).
        """
        opened, about = _of_batch(self._opened, slot.batch), tuple(members)
        if about not in opened:
            opened.clear()
            texts = [
                self._open(slot.batch, slots, *one) for one in zip(members, letters, strict=True)
            ]
            opened[about] = _rows(texts).reshape(-1, 2, slots, WORDS)
        which = np.fromiter((member not in inside for member in members), np.intp, len(members))
        given: Words = opened[about][np.arange(len(members)), which, slot.place]
        return given

    def _open(self, batch: int, slots: int, sender: int, letters: Words) -> bytes:
        """Look at one's shares (2, slots, 32): zeros of who is no neighbour, or has lied."""
        at, alike = self.circle.position(sender, self.place), self.circle.drawn_alike
        if at is None:
            return bytes(2 * slots * KEY)
        if at < alike:
            return _drawn(self._with[sender], batch, sender, slots)
        try:
            sealed, nonce = letters[at - alike].tobytes(), _nonce(batch, sender)
            return self._with[sender].letters.decrypt(nonce, sealed, None)
        except InvalidTag:
            return bytes(2 * slots * KEY)


def masks(
    parties: Sequence[Party], slot: Slot, context: bytes, members: Sequence[int], count: int
) -> Words:
    """Return what some parties together add to the sum of their words (count,), modulo 2^64.

    What two of them would add and subtract is left out. `members` are the places of all who mask
    in this sum. Words are bound to the `context`: sums of two contexts have no word in common.
    """
    others = np.zeros(len(parties[0].circle.names), np.bool_)
    others[list(members)] = True
    others[[party.place for party in parties]] = False
    added: list[NDArray[np.uint8]] = []
    subtracted: list[NDArray[np.uint8]] = []
    for party in parties:
        near, seeds = party.circle.near[party.place], party.seeds(slot)
        added.append(seeds[others[near] & (near > party.place)])
        subtracted.append(seeds[others[near] & (near < party.place)])
    own = self_masks([party.own(slot) for party in parties], context, count)
    plus, minus = (pair_masks(_each(some), context, count) for some in (added, subtracted))
    return own + plus - minus


def _each(seeds: Sequence[NDArray[np.uint8]]) -> list[bytes]:
    """Take secrets s (…, SEED) apart."""
    text = b"".join(some.tobytes() for some in seeds)
    return [text[at : at + SEED] for at in range(0, len(text), SEED)]


def seal(key: bytes) -> bytes:
    """Digest a secret b (32,), so that a wrong one is found out."""
    return keyed(key, b"seal")


def self_masks(keys: Sequence[bytes], context: bytes, count: int) -> Words:
    """Add up the words of secrets b (count,)."""
    return words(keys, b"self" + context, count)


def pair_masks(seeds: Sequence[bytes], context: bytes, count: int) -> Words:
    """Add up the words of secrets s (count,)."""
    return words(seeds, b"pair" + context, count)


def _drawn(common: Shared, batch: int, dealer: int, slots: int) -> bytes:
    """Draw the shares of a batch (2, slots, 32) that a dealer and one other know of."""
    return stream(keyed(common.shares, b"shares %d %d" % (batch, dealer)), 2 * slots * KEY)


def _nonce(batch: int, sender: int) -> bytes:
    """Return the nonce of a letter: of a key each side sends one a batch, and always that."""
    return batch.to_bytes(4, "little") + sender.to_bytes(8, "little")


def _key(secret: int) -> bytes:
    return secret.to_bytes(KEY, "little")


def _rows(texts: Sequence[bytes]) -> Words:
    """Lay texts of one length below each other."""
    return np.frombuffer(b"".join(texts), "<i8").reshape(len(texts), -1)


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
