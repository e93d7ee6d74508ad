"""Secrets in shares, of which any `threshold` make the secret and fewer say nothing of it.

Shamir, "How to Share a Secret", CACM 1979, over the prime field of 2^255 - 19. Several secrets are
shared at once: their polynomials lie side by side, as lanes of one long integer.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from operator import sub
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The field's prime, and how many bits it has.
PRIME, BITS = 2**255 - 19, 255
#: Bytes of a secret, of a coefficient and of a share.
SIZE = 32


def random_needed(secrets: int, threshold: int) -> int:
    """Return how many random bytes `deal` takes."""
    return secrets * (threshold - 1) * SIZE


def deal(secrets: Sequence[int], threshold: int, points: int, random: bytes) -> list[bytes]:
    """Share secrets; return for each of the points 1, 2, … its shares of all of them, end to end.

    The first `threshold` - 1 shares are the `random` bytes as they are (see `random_needed`), the
    others follow by adding up differences, of which there are no further ones. A share is below
    2^256, and is meant modulo the prime.
    """
    count = len(secrets)
    found = _apart(random, count * SIZE)
    # Values at the last point are below 2^(points + threshold) times the shares.
    lane = SIZE + (points + threshold) // 8 + 2
    first = b"".join(secret.to_bytes(SIZE, "little") for secret in secrets)
    padded = _padded(first + random, lane)
    values = [int.from_bytes(row, "little") for row in _apart(padded, lane * count)]
    newest = []
    while values:
        newest.append(values[-1])
        values = list(map(sub, values[1:], values))
    newest.reverse()
    low = _lanes(((1 << BITS) - 1).to_bytes(SIZE, "little") * count, lane)
    high = _lanes(((1 << 8 * lane - BITS) - 1).to_bytes(lane, "little") * count, lane, lane)
    # A multiple of the prime, larger than what may be below 0.
    above = _lanes((PRIME << 8 * lane - BITS - 2).to_bytes(lane, "little") * count, lane, lane)
    for _ in range(points - len(found)):
        # From the last difference, which stays, down to the value itself.
        newest = list(accumulate(newest))
        value = newest[-1] + above
        # In every lane at once: 2^255 is 19 modulo the prime.
        value = (value & low) + 19 * (value >> BITS & high)
        line = np.frombuffer(value.to_bytes(lane * count, "little"), np.uint8)
        found.append(line.reshape(count, lane)[:, :SIZE].tobytes())
    return found


def _lanes(row: bytes, lane: int, size: int = SIZE) -> int:
    """Lay numbers of `size` bytes into lanes of so many bytes."""
    return int.from_bytes(_padded(row, lane, size), "little")


def _padded(row: bytes, lane: int, size: int = SIZE) -> bytes:
    padded = np.zeros((len(row) // size, lane), np.uint8)
    padded[:, :size] = np.frombuffer(row, np.uint8).reshape(-1, size)
    return padded.tobytes()


def _apart(text: bytes, size: int) -> list[bytes]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@lru_cache(maxsize=64)
def weights(points: tuple[int, ...]) -> list[int]:
    """Return what shares at these points are to be multiplied with: Lagrange's polynomials at 0.

    They are the same for all secrets, and their sum over the shares is the secret.
    """
    found = []
    for own in points:
        above = below = 1
        for other in points:
            if other != own:
                above, below = above * other % PRIME, below * (other - own) % PRIME
        found.append(above * pow(below, -1, PRIME) % PRIME)
    return found


def combine(shares: Mapping[int, int]) -> int:
    """Make the secret from as many shares, by their points, as its threshold says."""
    rows = [share.to_bytes(SIZE, "little") for share in shares.values()]
    (secret,) = combined(weights(tuple(shares)), rows)
    return secret


def combined(weights: Sequence[int], rows: Sequence[bytes]) -> list[int]:
    """Make secrets from the shares of all of them at each point, and the weights of the points."""
    # Lanes have room for sums of products, of 2^16 points.
    lane, count = 2 * SIZE + 2, len(rows[0]) // SIZE
    pairs = zip(weights, rows, strict=True)
    total = sum(weight * _lanes(row, lane) for weight, row in pairs)
    text = total.to_bytes(lane * count, "little")
    each = (text[at : at + lane] for at in range(0, len(text), lane))
    return [int.from_bytes(one, "little") % PRIME for one in each]
