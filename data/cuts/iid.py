"""The even cut: every slave's rows are a random sample of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedredis.data.cuts.chance import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cut_iid(rows: int, slaves: int, seed: int) -> list[NDArray[np.int64]]:
    """Deal rows at random, as evenly as possible: the indexes (n,) of each slave's rows.

    Raises
    ------
    UsageError
        If there is no slave, or `seed` is below 0.
    DataError
        If there are more slaves than rows.
    """
    return np.array_split(generator(rows, slaves, seed).permutation(rows), slaves)
