"""A labelled table in memory, checked: every label is a class or a number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fedredis.data.account import Account
    from fedredis.features.protocol import Column


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
    label
        Name of the column that the classes come from.
    source
        Where the rows come from, without a path: a file's or folder's name, or ``synthetic``.
    names
        What the n rows are called, if they have names.
    groups
        What the n rows say in the column that they are to be cut by, if there is one.
    w
        What the n rows weigh in training, from 0; None where all weigh the same.
    weights
        Name of the column that the weights come from, or ''.
    account
        What was made of the columns and rows of a file.
    missing
        ``mean`` if cells may be missing, to be filled by the mean over all slaves.
    texts
        Where there is no label: how categories are written, by column and digest.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64] | NDArray[np.float64]
    columns: tuple[Column, ...]
    classes: tuple[str, ...]
    label: str
    source: str
    names: Sequence[str] | None = None
    groups: Sequence[str] | None = None
    missing: str = "error"
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    account: Account | None = None
    w: NDArray[np.float64] | None = None
    weights: str = ""
