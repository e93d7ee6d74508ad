"""What every cut starts with: arguments that can be met, and a generator of its own."""

from __future__ import annotations

import numpy as np

from fedredis.errors import DataError, UsageError


def generator(rows: int, slaves: int, seed: int) -> np.random.Generator:
    """Make the generator of a cut, of which the seed alone decides.

    Raises
    ------
    UsageError
        If there is no slave, or `seed` is below 0.
    DataError
        If there are more slaves than rows.
    """
    if slaves < 1 or seed < 0:
        raise UsageError("slaves must be at least 1, and the seed at least 0")
    if slaves > rows:
        raise DataError(f"{slaves} slaves can't share {rows} rows: each needs at least one")
    return np.random.default_rng([seed, 0])
