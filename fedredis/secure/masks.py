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
    from collections.abc import Iterable

    from numpy.typing import NDArray

#: Bytes of a key.
KEY = 32
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


def words(key: bytes, count: int) -> NDArray[np.int64]:
    """Draw 64-bit words (count,), read-only, from a key that nothing else is drawn from."""
    sealed = ChaCha20Poly1305(key).encrypt(NONCE, bytes(8 * count), None)
    return np.frombuffer(sealed, "<i8", count)
