"""Masks: keys that are derived from keys, and words that are drawn from them.

Words are those of ChaCha20 (RFC 8439), added to integers modulo 2^64. Keys come out of other keys
by keyed BLAKE2b (RFC 7693), which takes a third of the time of HMAC for so short a text.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

#: Bytes of a key.
KEY = 32
#: Words that are drawn before they are added up.
WORDS_AT_ONCE = 1 << 16
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


def stream(key: bytes, count: int) -> bytes:
    """Draw bytes from a key: ChaCha20's, from block 1 on."""
    # Of short streams half the time of a bare cipher, which takes two objects a key.
    return ChaCha20Poly1305(key).encrypt(NONCE, bytes(count), None)[:count]


def words(seeds: Sequence[bytes], about: bytes, count: int) -> NDArray[np.int64]:
    """Draw 64-bit words for a text from each of some seeds, and add them up (count,).

    Each seed makes a key for the text, which nothing else is drawn from.
    """
    total, nothing = np.zeros(count, np.int64), bytes(8 * count)
    at_once = max(1, WORDS_AT_ONCE // max(1, count))
    for first in range(0, len(seeds), at_once):
        sealed = [
            ChaCha20Poly1305(keyed(seed, about)).encrypt(NONCE, nothing, None)
            for seed in seeds[first : first + at_once]
        ]
        drawn = np.frombuffer(b"".join(sealed), "<i8").reshape(len(sealed), -1)
        total += np.add.reduce(drawn[:, :count], axis=0)
    return total
