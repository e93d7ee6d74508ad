"""Categories, or gaps, that a model has never seen: they count as none, which is to be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedredis.features.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
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
    return [
        f"column '{name}': {_told(rows, missing, number)}"
        for missing in (False, True)
        for name, rows in features.unseen(known, X, missing=missing).items()
    ]


def _told(rows: NDArray[np.bool_], missing: bool, number: Callable[[int], int | None]) -> str:
    """Say of rows (n,) which are marked."""
    out = "so it is left out of account"
    if len(rows) == 1:
        what = "lacks it" if missing else "has this category"
        return f"no row to learn from {what}, {out}"
    what = (
        "lack it, and no row to learn from does"
        if missing
        else "have a category that no row to learn from has"
    )
    first = number(int(rows.argmax()))
    return f"{rows.sum():,} of {len(rows):,} rows {what}, {out}; the first is row {first}"
