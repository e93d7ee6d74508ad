"""Shares of a count, taken as they are written."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of so many slaves one that has so large a share of the rows is told.
CROWD, MOST = 3, Fraction(9, 10)


def of(share: float | str, count: int) -> Fraction:
    """Return a share of a count, exactly: 0.28 of 25 is 7, where floats make it a bit more."""
    return Fraction(str(share)) * count


def crowding(rows: Mapping[str, int]) -> str | None:
    """Tell the slave that has nearly all rows, if one has; rows count alike, whoever has them."""
    total = sum(rows.values())
    if len(rows) < CROWD:
        return None
    slave = max(rows, key=rows.__getitem__)
    if rows[slave] <= MOST * total:
        return None
    return (
        f"slave {slave} says that it has {rows[slave]} of all {total} rows "
        f"({100 * rows[slave] / total:.1f} %): the result is nearly its alone; if that can't be, "
        "run without it (`names` says with whom)"
    )
