"""A labelled table in memory, checked, and what was made of a file's columns and rows for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fedredis.data.reading import Reading
    from fedredis.features.protocol import Column


#: How many things a line names.
NAMED = 12


@dataclass(frozen=True)
class Account:
    """What is used of a table, what is not, and why."""

    #: What was read, and how it is written.
    source: str
    how: str
    #: Rows that were read, and how many were dropped, by the reason.
    rows: int
    dropped: Mapping[str, int]
    #: Columns that are learnt from, and why others are not.
    columns: Sequence[Column]
    left: Mapping[str, str]
    #: Missing cells of the columns that are learnt from, if there are some.
    missing: Mapping[str, int]
    label: str
    #: Rows of each class; none where labels are numbers.
    classes: Mapping[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Say it in five lines at most."""
        named = [f"{c.name}{' (categories)' * (c.kind == 'category')}" for c in self.columns]
        dropped = [f"{count:,} ({why})" for why, count in self.dropped.items() if count]
        missing = [f"{name} {count:,}" for name, count in self.missing.items()]
        classes = [f"{name} {count:,}" for name, count in self.classes.items()]
        left = [f"{name} ({why})" for name, why in self.left.items()]
        lines = [
            f"{self.source}: {self.rows:,} rows; {self.how}",
            f"learns {self.label}: {_listed(classes) or 'a number'}",
            f"from {len(named)} columns: {_listed(named)}",
        ]
        lines += [f"leaves out {_listed(left)}"] if left else []
        gaps = [f"drops rows: {', '.join(dropped)}"] if dropped else []
        gaps += [f"cells that are missing: {_listed(missing)}"] if missing else []
        return lines + (["; ".join(gaps)] if gaps else [])


@dataclass(frozen=True, eq=False)
class Table:
    """Rows to learn from.

    Parameters
    ----------
    X
        Cells, shape (n, d): numbers, NaN where one is missing, and digests of categories.
    y
        Indexes into `classes`, shape (n,), or, where there are no classes, the values to predict.
    columns
        What the d columns are.
    classes
        Class names; a class may have no row.
    reading
        How they are read, with nothing left to be found out: the label is in `reading.label`.
    source
        Where the rows come from, without a path: a file's or folder's name, or ``synthetic``.
    names
        What the n rows are called, if they have names.
    groups
        What the n rows say in the column that they are to be cut by, if there is one.
    w
        What the n rows weigh in training, from 0; None where all weigh the same.
    account
        What was made of the columns and rows of a file.
    texts
        How categories are written, by column and digest.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64] | NDArray[np.float64]
    columns: tuple[Column, ...]
    classes: tuple[str, ...]
    reading: Reading
    source: str
    names: Sequence[str] | None = None
    groups: Sequence[str] | None = None
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    account: Account | None = None
    w: NDArray[np.float64] | None = None


def _listed(names: Iterable[str]) -> str:
    all_names = list(names)
    more = len(all_names) - NAMED
    return ", ".join(all_names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
