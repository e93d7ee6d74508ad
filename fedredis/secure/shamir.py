"""Secrets in shares, of which any `threshold` make the secret and fewer say nothing of it.

Shamir, "How to Share a Secret", CACM 1979, over the prime field of 2^255 - 19. Several secrets are
shared at once: their polynomials lie side by side, as lanes of one long integer, and are evaluated
together by Horner's rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The field's prime, and how many bits it has.
PRIME, BITS = 2**255 - 19, 255
#: Bytes of a secret, of a coefficient and of a share.
SIZE = 32


def coefficients_needed(secrets: int, threshold: int) -> int:
    """Return how many random bytes `deal` takes."""
    return secrets * (threshold - 1) * SIZE


def point(place: int) -> int:
    """Return where polynomials are evaluated: 1, -1, 2, -2 and so on for places 0, 1, 2, 3."""
    return (place // 2 + 1) * (-1 if place % 2 else 1)


def deal(
    secrets: Sequence[int], threshold: int, points: Sequence[int], random: bytes
) -> list[bytes]:
    """Share secrets; return for each point its shares of all of them, end to end.

    A share is below 2^256, and is meant modulo the prime. `random` holds the other coefficients:
    see `coefficients_needed`.
    """
    count, sizes = len(secrets), {abs(x) for x in points}
    lane = SIZE + (threshold * max(sizes).bit_length() + 23) // 8
    rows = [b"".join(secret.to_bytes(SIZE, "little") for secret in secrets)]
    rows += [random[k : k + count * SIZE] for k in range(0, len(random), count * SIZE)]
    packed = [_lanes(row, lane) for row in rows]
    low = _lanes(((1 << BITS) - 1).to_bytes(SIZE, "little") * count, lane)
    high = _lanes(((1 << 8 * lane - BITS) - 1).to_bytes(lane, "little") * count, lane, lane)
    # A multiple of the prime, larger than what is subtracted from it.
    above = _lanes((PRIME << 8 * lane - BITS - 2).to_bytes(lane, "little") * count, lane, lane)
    shares = {}
    for size in sizes:
        # p(x) and p(-x) have their even and odd parts in common.
        even, odd = (_horner(packed[first::2], size * size) for first in (0, 1))
        shares[size], shares[-size] = even + odd * size, even + above - odd * size
    found = []
    for x in points:
        value = shares[x]
        # In every lane at once: 2^255 is 19 modulo the prime.
        for _ in range(3):
            value = (value & low) + 19 * (value >> BITS & high)
        line = np.frombuffer(value.to_bytes(lane * count, "little"), np.uint8)
        found.append(line.reshape(count, lane)[:, :SIZE].tobytes())
    return found


def _horner(coefficients: Sequence[int], x: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = value * x + coefficient
    return value


def _lanes(row: bytes, lane: int, size: int = SIZE) -> int:
    """Lay numbers of `size` bytes into lanes of so many bytes."""
    padded = np.zeros((len(row) // size, lane), np.uint8)
    padded[:, :size] = np.frombuffer(row, np.uint8).reshape(-1, size)
    return int.from_bytes(padded.tobytes(), "little")


def weights(points: Sequence[int]) -> list[int]:
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
    (secret,) = combined(weights(list(shares)), rows)
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
