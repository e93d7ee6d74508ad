"""Masks: keys that are derived from keys, and words that are drawn from them.

Words are those of ChaCha20 (RFC 8439), added to integers modulo 2^64; keys come out of other keys
by the second half of HKDF-SHA256 (RFC 5869), one block long.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

#: Bytes of a key.
KEY = 32
#: A key draws one stream only, so the nonce says nothing.
NONCE = bytes(16)


def derive(key: bytes, *about: bytes | str | int) -> bytes:
    """Make a key (32,) from another one, for what is said of it."""
    return expand(key, joined(about))


def expand(key: bytes, info: bytes) -> bytes:
    """Return one block (32,) of HKDF's second half."""
    return hmac.digest(key, info + b"\x01", "sha256")


def joined(parts: Iterable[bytes | str | int]) -> bytes:
    """Put parts together such that no two lists of them look alike."""
    each = [p if isinstance(p, bytes) else str(p).encode() for p in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in each)


def digest(*parts: bytes | str | int) -> bytes:
    """Digest parts (32,)."""
    return hashlib.sha256(joined(parts)).digest()


def stream(key: bytes, count: int) -> bytes:
    """Draw bytes from a key that nothing else is drawn from."""
    return Cipher(ChaCha20(key, NONCE), None).encryptor().update(bytes(count))


def words(key: bytes, count: int) -> NDArray[np.int64]:
    """Draw 64-bit words (count,), read-only, from a key that nothing else is drawn from."""
    return np.frombuffer(stream(key, 8 * count), "<i8")
