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
from fedredis.secure.masks import (
    BLOCK,
    KEY,
    NONCE,
    SEED,
    derive,
    drawn,
    joined,
    keyed,
    seeds_of,
    stream,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.secure.circle import Circle

    Words = NDArray[np.int64]
    Seeds = NDArray[np.uint8]

#: Words of a key, and of the tag that ends a sealed text.
KEY_WORDS, TAG = KEY // 8, 2
#: For how many sums shares are dealt at once, at most.
SLOTS = 32
#: How many batches' secrets are kept at hand.
BATCHES_KEPT = 4

V = TypeVar("V")


class Slot(NamedTuple):
    """Which of the secrets that were dealt a sum takes: the batch, and the place in it."""

    batch: int
    place: int


@dataclass(frozen=True, eq=False)
class Dealt:
    """What a slave deals for a batch of `slots` sums, to its m neighbours, itself among them."""

    #: Encrypted shares, for each of the n neighbours who don't draw theirs (n, 6 slots + 2).
    letters: Words
    #: Digests of the secrets b (slots, 4), by which a wrong share is found out.
    seals: Words
    #: The secrets with neighbours, encrypted with k (slots, 2 m + 2).
    vaults: Words


def channel_key(root: bytes) -> X25519PrivateKey:
    """Make the channel key of a slave, out of what it has drawn for a run."""
    return X25519PrivateKey.from_private_bytes(derive(root, "channel"))


class Shared(NamedTuple):
    """What two slaves have in common, as one of them sees it."""

    #: Seeds of their masks, of the shares that it draws for the other, of those for itself, and
    #: of the tags that they vouch with.
    masks: bytes
    to: bytes
    back: bytes
    tags: bytes
    letters: ChaCha20Poly1305


class Pairs:
    """What slaves of one process have in common with others: agreed once, whoever asks."""

    def __init__(self, circle: Circle) -> None:
        self.circle = circle
        self._keys: dict[tuple[int, int], Shared] = {}

    def keys(self, key: X25519PrivateKey, own: int, other: int) -> Shared:
        """Return what two places share, as `own` sees it.

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
            text = HKDF(SHA256(), 4 * SEED + KEY, self.circle.digest, info).derive(secret)
            masks, to, back, tags = (text[at : at + SEED] for at in range(0, 4 * SEED, SEED))
            # What a slave deals to itself goes one way only.
            back = back if own != other else to
            self._keys[pair] = Shared(masks, to, back, tags, ChaCha20Poly1305(text[4 * SEED :]))
        found = self._keys[pair]
        return found if own <= other else found._replace(to=found.back, back=found.to)


class Party:
    """One slave among those who mask with each other."""

    def __init__(self, pairs: Pairs, name: str, root: bytes) -> None:
        """`root` (32,) was drawn by the slave for this run, and is known to it alone."""
        circle = pairs.circle
        self.circle, self.name, self.place = circle, name, circle.places[name]
        self._key, self._pairs = channel_key(root), pairs
        if self._key.public_key().public_bytes_raw() != circle.keys[self.place]:
            raise RuleError(
                "signatures",
                f"the channel key of slave {name} is not its own: another one has signed it, or "
                "its journal is not the one that the run began with; start another run",
            )
        self._root = derive(root, "circle", circle.digest)
        #: Its own secrets (2, SLOTS, SEED), and those with neighbours (m, SLOTS, SEED), by batch.
        self._own: dict[int, Seeds] = {}
        self._shared: dict[int, Seeds] = {}
        #: What neighbours have dealt it (members, 2, slots, 3), by batch: looked at once.
        self._opened: dict[int, dict[tuple[int, ...], Words]] = {}

    @cached_property
    def near(self) -> list[int]:
        """The places of its neighbours, its own among them."""
        found: list[int] = self.circle.near[self.place].tolist()
        return found

    def _secrets(self, batch: int) -> Seeds:
        """Return its secrets b for the sums of a batch, and its secrets k (2, SLOTS, SEED)."""
        if batch not in self._own:
            _make_room(self._own)
            text = stream(derive(self._root, "secrets", batch), 2 * SLOTS * SEED)
            self._own[batch] = seeds_of(text).reshape(2, SLOTS, SEED)
        return self._own[batch]

    @cached_property
    def _with(self) -> list[Shared]:
        """What it has in common with each neighbour, in their order."""
        return [self._pairs.keys(self._key, self.place, other) for other in self.near]

    @cached_property
    def _masks(self) -> Seeds:
        return seeds_of(b"".join(shared.masks for shared in self._with))

    @cached_property
    def _to(self) -> Seeds:
        return seeds_of(b"".join(shared.to for shared in self._with))

    @cached_property
    def _back(self) -> Seeds:
        return seeds_of(b"".join(shared.back for shared in self._with))

    @cached_property
    def tags(self) -> Seeds:
        """What it draws tags from, for each neighbour (m, SEED)."""
        return seeds_of(b"".join(shared.tags for shared in self._with))

    def seeds(self, slot: Slot) -> Seeds:
        """Return the secrets s that it has in common with all neighbours (m, SEED)."""
        if slot.batch not in self._shared:
            _make_room(self._shared)
            text = drawn(self._masks, joined(("masks", slot.batch)), SLOTS * BLOCK)
            seeds = np.ascontiguousarray(text).view(np.uint8)
            self._shared[slot.batch] = seeds.reshape(len(self.near), SLOTS, SEED)
        return self._shared[slot.batch][:, slot.place]

    def own(self, slot: Slot) -> Seeds:
        """Return its secret b (1, SEED)."""
        return self._secrets(slot.batch)[0, slot.place : slot.place + 1]

    def deal(self, batch: int, slots: int) -> Dealt:
        """Deal shares of the secrets of a batch."""
        circle, secrets = self.circle, self._secrets(batch)[:, :slots]
        alike, nonce = circle.drawn_alike, _nonce(batch, self.place)
        first = _drawn(self._to[:alike], batch, slots)
        shares = shamir.deal(secrets.reshape(-1, SEED), first, len(self.near))
        letters = [
            shared.letters.encrypt(nonce, text.tobytes(), None)
            for shared, text in zip(self._with[alike:], shares, strict=True)
        ]
        vaults = [
            vault(k.tobytes()).encrypt(NONCE, self.seeds(Slot(batch, place)).tobytes(), None)
            for place, k in enumerate(secrets[1])
        ]
        seals = [seal(b.tobytes()) for b in secrets[0]]
        return Dealt(*map(_rows, (letters, seals, vaults)))

    def opened(
        self, batch: int, slots: int, members: tuple[int, ...], letters: Sequence[Words]
    ) -> Words:
        """Return its shares of all secrets of a batch (members, 2, slots, 3), b before k.

        Zeros of who is no neighbour, or has lied; see `answers`.
        """
        if batch not in self._opened:
            _make_room(self._opened)
            self._opened[batch] = {}
        opened = self._opened[batch]
        if members not in opened:
            opened.clear()
            opened[members] = self._open(batch, slots, members, letters)
        return opened[members]

    def _open(
        self, batch: int, slots: int, members: Sequence[int], letters: Sequence[Words]
    ) -> Words:
        alike, size = self.circle.drawn_alike, 2 * slots * shamir.WORDS
        found = np.zeros((len(members), size), np.int64)
        at = [self.circle.position(member, self.place) for member in members]
        mine = {place: row for row, place in enumerate(self.near)}
        rows = [row for row, place in enumerate(at) if place is not None and place < alike]
        if rows:
            seeds = self._back[[mine[members[row]] for row in rows]]
            # As they are dealt: numbers below the prime, two a word.
            shares = (_drawn(seeds, batch, slots) % shamir.PRIME).astype(np.uint32)
            found[rows] = shares.reshape(len(rows), -1).view(np.int64)
        for row, place in enumerate(at):
            if place is None or place < alike:
                continue
            sender, sealed = members[row], letters[row][place - alike].tobytes()
            try:
                text = self._with[mine[sender]].letters.decrypt(
                    _nonce(batch, sender), sealed, None
                )
            except InvalidTag:
                continue
            found[row] = np.frombuffer(text, "<i8")
        return found.reshape(len(members), 2, slots, shamir.WORDS)


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
    near = np.stack([party.circle.near[party.place] for party in parties])
    seeds = np.stack([party.seeds(slot) for party in parties])
    places = np.array([party.place for party in parties])[:, np.newaxis]
    own = [party.own(slot) for party in parties]
    after, before = (seeds[others[near] & side] for side in (near > places, near < places))
    return words(np.concatenate([*own, after]), before, context, count)


def answers(
    parties: Sequence[Party],
    slot: Slot,
    slots: int,
    members: tuple[int, ...],
    inside: frozenset[int],
    letters: Sequence[Words],
) -> Words:
    """Give away one share of each party's for each member's sake (parties, members, 3).

    Zeros where there is none.

    Parameters
    ----------
    members
        The places of those who were asked for the sum and had dealt.
    inside
        Those whose vectors are in the sum.
    letters
        What each member has dealt: its letters (n, …).
    """
    which = np.array([member not in inside for member in members], np.intp)
    rows = np.arange(len(members))
    each = (party.opened(slot.batch, slots, members, letters) for party in parties)
    return np.stack([opened[rows, which, slot.place] for opened in each])


def seal(secret: bytes) -> bytes:
    """Digest a secret b (SEED,), so that a wrong one is found out."""
    return keyed(secret, b"seal")


def vault(secret: bytes) -> ChaCha20Poly1305:
    """Return what a secret k (SEED,) locks."""
    return ChaCha20Poly1305(keyed(secret, b"vault"))


def _drawn(seeds: Seeds, batch: int, slots: int) -> NDArray[np.uint64]:
    """Draw the shares of a batch (n, 2 slots, PARTS) that a dealer and each of n others know of.

    They are meant modulo the prime of 23 bits: of 64 bits, its numbers are all as likely, but for
    one part in 2^41.
    """
    numbers = drawn(seeds, joined(("shares", batch)), 2 * slots * shamir.PARTS)
    return numbers.reshape(len(seeds), 2 * slots, shamir.PARTS)


def _nonce(batch: int, sender: int) -> bytes:
    """Return the nonce of a letter: of a key each side sends one a batch, and always that."""
    return batch.to_bytes(4, "little") + sender.to_bytes(8, "little")


def _rows(texts: Sequence[bytes]) -> Words:
    """Lay texts of one length below each other."""
    return np.frombuffer(b"".join(texts), "<i8").reshape(len(texts), -1)


def _make_room(cache: dict[int, V]) -> None:
    """Let go of older batches."""
    while len(cache) >= BATCHES_KEPT:
        del cache[next(iter(cache))]
