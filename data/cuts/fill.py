"""No slave without a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fill(parts: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Give each slave that has no row the last one of whoever then has most.

    Parameters
    ----------
    parts
        The indexes (n,) of each slave's rows: as many rows in all as there are slaves, at least.
    """
    parts = list(parts)
    sizes = np.array([len(part) for part in parts])
    for slave in np.flatnonzero(sizes == 0).tolist():
        # Who has most has two, at least: while one slave has none, another has more than one.
        most = int(sizes.argmax())
        parts[slave], parts[most] = parts[most][-1:], parts[most][:-1]
        sizes[slave], sizes[most] = 1, sizes[most] - 1
    return parts
