"""Categories, or gaps, that a model has never seen: they count as none, which is to be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.features.categories import Categories
from fedredis.features.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.features import Features


def unseen_in(
    features: Features,
    known: Named,
    X: NDArray[Any],
    number: Callable[[int], int | None] = int,
) -> list[str]:
    """Say which columns of rows X (n, columns) have categories that nobody had, a line each.

    `number` tells what the row at a place has for its readers.
    """
    if not isinstance(features, Prepared):
        return []
    of_columns = {
        column.name: X[:, place]
        for at, part in features.parts
        if isinstance(part, Categories)
        for place, column in zip(at, part.columns, strict=True)
    }
    told = []
    for name, rows in features.unseen(known, X).items():
        empty = rows & np.isnan(of_columns[name])
        for marked, one, many in (
            (
                rows & ~empty,
                "no row to learn from has this category",
                "have a category that no row to learn from has",
            ),
            (empty, "no row to learn from lacks it", "lack it, and no row to learn from does"),
        ):
            if not marked.any():
                continue
            what = one
            if len(X) > 1:
                what = f"{marked.sum():,} of {len(X):,} rows {many}"
            line = f"column '{name}': {what}, so it is left out of account"
            first = f"; the first is row {number(int(marked.argmax()))}" if len(X) > 1 else ""
            told.append(line + first)
    return told
