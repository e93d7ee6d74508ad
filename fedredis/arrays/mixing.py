"""Hashes of integers: the generator SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Its step, and two factors that mix bits.
STEP, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def mixed(keys: NDArray[np.uint64], stream: int = 0) -> NDArray[np.uint64]:
    """Hash integers (k,) to 64 bits, differently for each stream."""
    z = keys + np.uint64((stream + 1) * STEP % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(FIRST)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(SECOND)
    return z ^ (z >> np.uint64(31))
