"""The natural cut: rows that say the same in a column stay together."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def cut_by_column(
    groups: Sequence[str], slaves: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Deal whole groups, the largest first, each to the slave that then has fewest rows.

    Groups of one size are dealt in random order. The first groups go to one slave each, so none
    stays empty. The largest slave has at most 4/3 of the rows that it would have if the groups
    were dealt as well as can be: Graham, Bounds on Multiprocessing Timing Anomalies (1969).

    Parameters
    ----------
    groups
        What each of the n rows says in the column; '' is a value like any other.
    """
    _, group, sizes = np.unique(
        np.asarray(groups, dtype=object), return_inverse=True, return_counts=True
    )
    if slaves > len(sizes):
        raise DataError(
            f"{slaves} slaves can't share {len(sizes)} values of the column: each needs one"
        )
    shuffled = rng.permutation(len(sizes))
    owner = np.empty(len(sizes), np.int64)
    loads = [(0, slave) for slave in range(slaves)]  # in order, and so a heap
    for number in shuffled[np.argsort(-sizes[shuffled], kind="stable")].tolist():
        load, slave = loads[0]
        owner[number] = slave
        heapq.heapreplace(loads, (load + int(sizes[number]), slave))
    owners = owner[group]
    ends = np.cumsum(np.bincount(owners, minlength=slaves))[:-1]
    return np.split(np.argsort(owners, kind="stable"), ends)
