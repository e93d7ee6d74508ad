"""Quantity skew: slaves of different sizes, whose labels are mixed alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedredis.data.cuts.chance import generator
from fedredis.data.cuts.fill import fill

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cut_quantity(rows: int, slaves: int, seed: int, alpha: float) -> list[NDArray[np.int64]]:
    """Deal rows at random, in shares p ~ Dirichlet(alpha, …, alpha) over the slaves.

    The smaller alpha is, the more the sizes differ; mixes of labels differ by chance alone. From
    Li et al., Federated Learning on Non-IID Data Silos (2022), section 4. A slave that gets
    nothing is given a row by `fill`.

    Raises
    ------
    UsageError
        If there is no slave, or `seed` is below 0.
    DataError
        If there are more slaves than rows.
    """
    rng = generator(rows, slaves, seed)
    shares = np.cumsum(rng.dirichlet(np.full(slaves, alpha)))[:-1]
    ends = np.rint(shares * rows).astype(np.int64)
    return fill(np.split(rng.permutation(rows), ends))
