"""Who masks with whom: everybody with everybody, or, of many, each with some that were drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The share of the slaves that must help to unmask a sum, if nothing else is said.
SHARE = 0.67
#: Slaves up to which each masks with all others.
COMPLETE = 100
#: How many neighbours each has beyond that. Bell et al., section 4, need 30 to 60 of them for
#: thousands of slaves that follow the protocol.
DEGREE = 60


def neighbours(count: int, seed: bytes) -> list[NDArray[np.int64]]:
    """Return for each of `count` places who masks with it, itself among them, sorted.

    The graph is a ring of all in an order that is drawn from `seed`, in which each is joined to
    the nearest on both sides: Harary's, regular and as well connected as can be.
    """
    if count <= COMPLETE:
        return [np.arange(count)] * count
    order = np.random.default_rng(list(seed)).permutation(count)
    near = np.arange(-(DEGREE // 2), DEGREE // 2 + 1)
    found: list[NDArray[np.int64]] = [order[:0]] * count
    for at, place in enumerate(order.tolist()):
        found[place] = np.sort(order[(at + near) % count])
    return found


def threshold(share: float, count: int, *, drawn: bool = False) -> int:
    """Return how many of `count` neighbours, one itself among them, must help to unmask.

    More than half, so that no two sets of helpers have none in common; no more than that where
    neighbours are `drawn`, since some have more of the missing among them than the whole has.
    """
    return min(count, max(count // 2 + 1, 0 if drawn else round(share * count)))
