"""Label skew: a slave sees as many labels as it gets shards of the sorted rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedredis.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cut_shards(
    labels: NDArray[np.int64], slaves: int, shards: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Sort rows by label, cut them into shards of one size, and deal each slave some at random.

    From McMahan et al., Communication-Efficient Learning of Deep Networks from Decentralized
    Data (2017), section 3, where a slave gets two. A shard may reach over the border between
    labels; the rows of one label stand in random order. No shard is empty, so no slave is.

    Parameters
    ----------
    labels
        The label of each row, shape (n,).
    shards
        How many a slave gets.
    """
    rows = len(labels)
    if slaves * shards > rows:
        raise DataError(
            f"{rows} rows don't make {slaves * shards} shards: {slaves} slaves, {shards} for each"
        )
    shuffled = rng.permutation(rows)
    ordered = shuffled[np.argsort(labels[shuffled], kind="stable")]
    pieces = np.array_split(ordered, slaves * shards)
    hands = rng.permutation(len(pieces)).reshape(slaves, shards)
    return [np.concatenate([pieces[shard] for shard in hand]) for hand in hands.tolist()]
