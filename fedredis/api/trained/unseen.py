"""Categories that a model has never seen: they count as none, which is to be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    unseen = features.unseen(known, X) if isinstance(features, Prepared) else {}
    return [
        f"column '{name}': no row to learn from has this category, so it is left out of account"
        if len(X) == 1
        else f"column '{name}': {rows.sum():,} of {len(X):,} rows have a category that no row to "
        f"learn from has, so it is left out of account; the first is row "
        f"{number(int(rows.argmax()))}"
        for name, rows in unseen.items()
    ]
