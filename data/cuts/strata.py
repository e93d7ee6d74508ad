"""The labels that a cut can be skewed by: classes, or, of labels that are numbers, their bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.data.table import Table

#: Into how many bins numbers are put, of as many rows each.
BINS = 10


@dataclass(frozen=True, eq=False)
class Strata:
    """Rows by label.

    Parameters
    ----------
    of
        Index into `names` of each row, shape (n,).
    names
        What the labels are called.
    ordered
        Whether the names stand in an order of their own, as bins do.
    """

    of: NDArray[np.int64]
    names: tuple[str, ...]
    ordered: bool


def strata(table: Table) -> Strata:
    """Sort a table's rows by class or, where there are none, by the deciles of the labels.

    A bin holds the labels above the decile before it, up to and with its own, which it is named
    after. Deciles are labels that occur (`inverted_cdf`), and equal ones are one: so no bin is
    empty.
    """
    if table.classes:
        return Strata(table.y.astype(np.int64), table.classes, ordered=False)
    y = table.y.astype(np.float64)
    edges = np.unique(np.quantile(y, np.arange(1, BINS + 1) / BINS, method="inverted_cdf"))
    names = tuple(f"≤ {_short(edge)}" for edge in edges.tolist())
    return Strata(np.searchsorted(edges, y), names, ordered=True)


def _short(number: float) -> str:
    """Write a number to four digits, without an exponent."""
    return np.format_float_positional(number, precision=4, fractional=False, trim="-")
