"""Secrets in shares, of which any `threshold` make the secret and fewer say nothing of it.

Shamir, "How to Share a Secret", CACM 1979. A secret is cut into numbers of 22 bits, and each of
these is shared by itself over a prime field that is so small that sums of products are exact in
floating point: many secrets are shared by one product of matrices.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from fedredis.secure.masks import SEED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: The field's prime, and how many bits of a secret a number of it holds.
PRIME, BITS = 2**23 - 15, 22
#: How many numbers a secret is, and a share of it.
PARTS = -(-8 * SEED // BITS)
#: 64-bit words of a share, two numbers each.
WORDS = PARTS // 2
#: How many shares may be needed: sums of so many products are below 2^53.
MOST = 2**53 // PRIME**2


def cut(secrets: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Cut secrets (n, SEED) into numbers (n, PARTS)."""
    bits = np.zeros((len(secrets), PARTS * BITS), np.int64)
    bits[:, : 8 * SEED] = np.unpackbits(secrets, axis=1, bitorder="little")
    return bits.reshape(-1, PARTS, BITS) @ (1 << np.arange(BITS))


def joined(numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Put secrets (n, SEED) together of their numbers (n, PARTS)."""
    bits = (numbers[:, :, np.newaxis] >> np.arange(BITS) & 1).astype(np.uint8)
    flat = bits.reshape(len(numbers), -1)[:, : 8 * SEED]
    return np.packbits(flat, axis=1, bitorder="little")


def deal(secrets: NDArray[np.uint8], first: NDArray[np.uint64], points: int) -> NDArray[np.uint32]:
    """Share n secrets (n, SEED) among the points 1, 2, …; return the shares that are not drawn.

    Parameters
    ----------
    first
        The shares of the first `threshold` - 1 points, as they were drawn: (threshold - 1, n,
        PARTS) numbers, meant modulo the prime. The other shares (…, n, PARTS) follow from them.
    """
    known = np.concatenate([cut(secrets)[np.newaxis], (first % PRIME).astype(np.int64)])
    others = _beyond(len(known), points) @ known.reshape(len(known), -1).astype(np.float64)
    return _reduced(others).astype(np.uint32).reshape(len(others), *known.shape[1:])


def combined(points: Sequence[int], shares: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Make secrets (n, SEED) from the shares (threshold, n, PARTS) of all of them at points."""
    rows = (shares % PRIME).reshape(len(shares), -1).astype(np.float64)
    return joined(_reduced(_weights(tuple(points)) @ rows).reshape(-1, PARTS))


def _reduced(sums: NDArray[np.float64]) -> NDArray[np.int64]:
    return sums.astype(np.int64) % PRIME


@lru_cache(maxsize=4)
def _beyond(known: int, points: int) -> NDArray[np.float64]:
    """Return what values at 0, 1, …, known - 1 are multiplied with for those from `known` on."""
    nodes = range(known)
    rows = [_lagrange(nodes, point) for point in range(known, points + 1)]
    return np.array(rows, np.float64).reshape(-1, known)


@lru_cache(maxsize=64)
def _weights(points: tuple[int, ...]) -> NDArray[np.float64]:
    return np.array(_lagrange(points, 0), np.float64)


def _lagrange(nodes: Sequence[int], at: int) -> list[int]:
    """Return what values at some nodes are multiplied with for that at another: Lagrange's."""
    if len(nodes) > MOST:
        raise ValueError(f"{len(nodes)} shares are too many")
    found = []
    for own in nodes:
        above = below = 1
        for other in nodes:
            if other != own:
                above, below = above * (at - other) % PRIME, below * (own - other) % PRIME
        found.append(above * pow(below, -1, PRIME) % PRIME)
    return found
