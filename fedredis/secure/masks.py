"""Masks: keys that are derived from keys, and words that are drawn from seeds.

Words are added to integers modulo 2^64. A sum takes many seeds and few words of each, so all are
drawn at once, by one key of AES (FIPS 197) that is made of what the words are for, and is known to
all: block i of a seed s is AES(s + i) + s + i, where + is XOR, as Matyas, Meyer and Oseas make a
one-way function of a cipher; see Guo, Katz, Wang and Yu, "Efficient and Secure Multiparty
Computation from Fixed-Key Block Ciphers", S&P 2020. Keys come out of other keys by keyed BLAKE2b
(RFC 7693).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

#: Bytes of a key, and of a seed: a block of AES, as hard to guess as the keys of X25519.
KEY, SEED = 32, 16
#: Words of a block.
BLOCK = SEED // 8
#: Words that are drawn before they are added up: what a core's cache holds.
WORDS_AT_ONCE = 1 << 14
#: A key seals one text or draws one stream only, so the nonce says nothing.
NONCE = bytes(12)


def derive(key: bytes, *about: bytes | str | int) -> bytes:
    """Make a key (32,) from another one, for what is said of it."""
    return keyed(key, joined(about))


def keyed(key: bytes, about: bytes) -> bytes:
    """Make a key (32,) from another one, for a text."""
    return hashlib.blake2b(about, key=key, digest_size=KEY).digest()


def joined(parts: Iterable[bytes | str | int]) -> bytes:
    """Put parts together such that no two lists of them look alike."""
    each = [p if isinstance(p, bytes) else str(p).encode() for p in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in each)


def digest(*parts: bytes | str | int) -> bytes:
    """Digest parts (32,)."""
    return hashlib.sha256(joined(parts)).digest()


def listed(places: Iterable[int]) -> bytes:
    """Write places down, 8 bytes each."""
    return np.fromiter(places, "<i8").tobytes()


def arrays_digest(arrays: Iterable[NDArray[Any] | None]) -> bytes:
    """Digest arrays, or what is none (32,)."""
    found = hashlib.blake2b(digest_size=KEY)
    for array in arrays:
        about = "-" if array is None else f"{array.dtype.str}{array.shape}"
        found.update(joined([about]))
        if array is not None:
            found.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return found.digest()


def stream(key: bytes, count: int) -> bytes:
    """Draw bytes from a key: ChaCha20's (RFC 8439), from block 1 on."""
    # Of short streams half the time of a bare cipher, which takes two objects a key.
    return ChaCha20Poly1305(key).encrypt(NONCE, bytes(count), None)[:count]


def seeds_of(text: bytes) -> NDArray[np.uint8]:
    """Take seeds apart that stand end to end (n, SEED)."""
    return np.frombuffer(text, np.uint8).reshape(-1, SEED)


def drawn(seeds: NDArray[np.uint8], about: bytes, count: int) -> NDArray[np.uint64]:
    """Draw 64-bit words for a text from each of some seeds (n, SEED): (n, count)."""
    blocks = -(-count // BLOCK)
    each = np.ascontiguousarray(seeds).view("<u8").reshape(-1, 1, BLOCK)
    given = np.repeat(each, blocks, axis=1)
    given[:, :, 0] ^= np.arange(blocks, dtype="<u8")
    # A block more, for which the cipher asks.
    taken = np.empty(given.size + BLOCK, "<u8")
    cipher = Cipher(AES(hashlib.blake2b(about, digest_size=KEY).digest()), ECB()).encryptor()  # noqa: S305
    cipher.update_into(given.data.cast("B"), taken.data.cast("B"))
    words = taken[: given.size].reshape(given.shape)
    words ^= given
    return words.reshape(len(seeds), -1)[:, :count]


def words(
    added: NDArray[np.uint8], subtracted: NDArray[np.uint8], about: bytes, count: int
) -> NDArray[np.int64]:
    """Draw 64-bit words for a text from seeds (n, SEED): the sum of some less others' (count,)."""
    seeds, plus = np.concatenate([added, subtracted]), len(added)
    total, at_once = np.zeros(count, np.uint64), max(1, WORDS_AT_ONCE // max(1, count))
    for first in range(0, len(seeds), at_once):
        some = drawn(seeds[first : first + at_once], about, count)
        turn = min(max(plus - first, 0), len(some))
        total += np.add.reduce(some[:turn], axis=0)
        total -= np.add.reduce(some[turn:], axis=0)
    return total.view(np.int64)
