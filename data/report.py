"""What a cut came to: how many rows of each label a slave has, and how uneven that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fedredis.data.cut import held_out_count
from fedredis.data.cuts.strata import strata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.data.table import Table

#: What labels that are not told apart are called together.
OTHERS = "others"


@dataclass(frozen=True, eq=False)
class CutReport:
    """The rows of N slaves by label.

    Parameters
    ----------
    counts
        Rows of each of K labels at each slave, shape (N, K).
    held_out
        How many of its rows each slave holds out, shape (N,).
    labels
        What the labels are called: classes, or bins of numbers.
    ordered
        Whether the labels stand in an order of their own.
    """

    counts: NDArray[np.int64]
    held_out: NDArray[np.int64]
    labels: tuple[str, ...]
    ordered: bool

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of each slave, shape (N,)."""
        rows: NDArray[np.int64] = self.counts.sum(axis=1)
        return rows

    @property
    def size_ratio(self) -> float:
        """How many times the rows of the smallest slave the largest has."""
        return float(self.rows.max() / self.rows.min())

    @property
    def label_distance(self) -> float:
        """How far a slave's mix of labels is from that of all rows, on average over slaves.

        The total-variation distance 1/2 sum_k |p_k - q_k| of shares p of a slave and q of all: 0
        if the mix is the same, close to 1 if labels at a slave are rare elsewhere.
        """
        shares = self.counts / self.rows[:, np.newaxis]
        overall = self.counts.sum(axis=0) / self.counts.sum()
        return float(np.abs(shares - overall).sum(axis=1).mean() / 2)

    @property
    def in_words(self) -> str:
        """How uneven the cut is, in one line."""
        ratio = self.size_ratio
        return (
            f"the largest slave has {ratio:,.{1 if ratio < 100 else 0}f} times the rows of the "
            f"smallest; mixes of labels are {self.label_distance:.2f} from that of all rows "
            "(0 alike, 1 apart)"
        )

    def with_at_most(self, labels: int) -> CutReport:
        """Add up labels, so that there are at most so many.

        Neighbours, if they have an order; else those with fewest rows, under `OTHERS`.
        """
        if len(self.labels) <= labels:
            return self
        if self.ordered:
            step = math.ceil(len(self.labels) / labels)
            starts = np.arange(0, len(self.labels), step)
            counts = np.add.reduceat(self.counts, starts, axis=1)
            # What a bin is named after is its upper end, so that of its last part.
            lasts = (self.labels[start : start + step][-1] for start in starts.tolist())
            return replace(self, counts=counts, labels=tuple(lasts))
        by_rows = np.argsort(-self.counts.sum(axis=0), kind="stable")
        kept, merged = np.sort(by_rows[: labels - 1]), by_rows[labels - 1 :]
        others = self.counts[:, merged].sum(axis=1, keepdims=True)
        counts = np.hstack([self.counts[:, kept], others])
        names = (*(self.labels[label] for label in kept.tolist()), OTHERS)
        return replace(self, counts=counts, labels=names)


def report_on(table: Table, dealt: Sequence[NDArray[np.int64]], test_fraction: float) -> CutReport:
    """Count the labels of each slave.

    Parameters
    ----------
    dealt
        The indexes (n,) of each slave's rows.
    test_fraction
        Share of each slave's rows that is held out.
    """
    by_label = strata(table)
    width = len(by_label.names)
    return CutReport(
        np.array([np.bincount(by_label.of[rows], minlength=width) for rows in dealt]),
        np.array([held_out_count(len(rows), test_fraction) for rows in dealt]),
        by_label.names,
        by_label.ordered,
    )
