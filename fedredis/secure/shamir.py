"""Secrets in shares, of which any `threshold` make the secret and fewer say nothing of it.

Shamir, "How to Share a Secret", CACM 1979, over the prime field of 2^255 - 19. Several secrets are
shared at once: their polynomials lie side by side, as lanes of one long integer, and are evaluated
together by Horner's rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The field's prime.
PRIME = 2**255 - 19
#: Bytes of a secret, of a coefficient and of a share.
SIZE = 32


def coefficients_needed(secrets: int, threshold: int) -> int:
    """Return how many random bytes `deal` takes."""
    return secrets * (threshold - 1) * SIZE


def deal(
    secrets: Sequence[int], threshold: int, places: Sequence[int], random: bytes
) -> list[bytes]:
    """Share secrets; return for each place (1 or more) its shares of all of them, end to end.

    `random` holds the other coefficients: see `coefficients_needed`.
    """
    count = len(secrets)
    lane = SIZE + (threshold * max(places).bit_length() + 15) // 8
    rows = [random[k : k + count * SIZE] for k in range(0, len(random), count * SIZE)]
    packed = [_lanes(row, lane) for row in rows]
    constant = _lanes(b"".join(s.to_bytes(SIZE, "little") for s in secrets), lane)
    shares = []
    for place in places:
        value = 0
        for coefficient in packed:
            value = (value + coefficient) * place
        line = (value + constant).to_bytes(lane * count, "little")
        each = (int.from_bytes(line[k : k + lane], "little") for k in range(0, len(line), lane))
        shares.append(b"".join((one % PRIME).to_bytes(SIZE, "little") for one in each))
    return shares


def _lanes(row: bytes, lane: int) -> int:
    each = (row[k : k + SIZE].ljust(lane, b"\0") for k in range(0, len(row), SIZE))
    return int.from_bytes(b"".join(each), "little")


def weights(places: Sequence[int]) -> list[int]:
    """Return what shares at these places are to be multiplied with: Lagrange's polynomials at 0.

    They are the same for all secrets, and their sum over the shares is the secret.
    """
    found = []
    for own in places:
        above = below = 1
        for other in places:
            if other != own:
                above, below = above * other % PRIME, below * (other - own) % PRIME
        found.append(above * pow(below, -1, PRIME) % PRIME)
    return found


def combine(shares: Mapping[int, int]) -> int:
    """Make the secret from as many shares, by their places, as its threshold says."""
    return combined(weights(list(shares)), list(shares.values()))


def combined(weights: Sequence[int], shares: Sequence[int]) -> int:
    """Make a secret from shares, and the weights of their places."""
    return sum(w * share for w, share in zip(weights, shares, strict=True)) % PRIME
