"""What a file's rows are labelled with: classes, or numbers to predict."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data.doubts import label_doubts, warn
from fedredis.data.meaning import identity, once_each
from fedredis.data.songs import ERAS
from fedredis.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.data.cells import Cells

    Target = tuple[tuple[str, ...], NDArray[np.int64] | NDArray[np.float64]]

#: A label with more different whole numbers than this is measured, and names no classes.
MOST_NUMBERED_CLASSES = 20


def target(
    cells: Cells, name: str, rows: NDArray[np.intp], task: str, fewest_classes: int
) -> Target:
    """Turn the labels of n rows, none of them missing, into classes and y (n,).

    Labels that are eras give all three eras as classes; others give themselves, sorted. y holds
    indexes into them. To predict numbers there are no classes, and y holds the numbers.

    Parameters
    ----------
    rows
        The places (n,) of the rows in the file.
    task
        ``classify``, ``regress``, or ``auto``: regress if all labels are numbers, and one of
        them is not whole or there are more than 20 different ones; but if most are such numbers,
        and some are not, this is unsure, and refused.
    fewest_classes
        1 if other rows, elsewhere, may have other labels, else 2.
    """
    spelt = cells.spellings(name)[rows]
    codes, different = pd.factorize(spelt)
    found = once_each(different)
    if len(found) < fewest_classes and found[0] not in ERAS:
        raise DataError(
            f"every row has the label {found[0]!r}, there must be two",
            file=cells.path,
            column=name,
        )
    numbers = np.asarray(pd.to_numeric(pd.Series(found), errors="coerce"), np.float64)
    odd = np.flatnonzero(np.isnan(numbers))
    measured = task == "auto" and _measured(numbers[~np.isnan(numbers)])
    if measured and 0 < len(odd) < len(found) / 2:
        raise DataError(
            f"most labels are numbers that are measured, and {found[odd[0]]!r} is none: `na` says "
            "if it stands for a missing cell, `task=classify` if all of them are classes",
            file=cells.path,
            column=name,
        )
    if task == "regress" or (measured and not len(odd)):
        return (), cells.numbers(name, gaps=True)[rows]
    classes = ERAS if set(found) & set(ERAS) else tuple(found)
    counts = Counter[str]()
    for text, count in zip(different, np.bincount(codes), strict=True):
        counts[identity(text)] += int(count)
    warn(label_doubts(cells, name, {text: counts[identity(text)] for text in found}))
    places = pd.Index([*map(identity, classes)]).get_indexer(pd.Index([*map(identity, different)]))
    of_rows = places.astype(np.int64)[codes]
    if (of_rows < 0).any():
        wrong = int((of_rows < 0).argmax())
        problem = f"{spelt[wrong]!r} is none of {', '.join(ERAS)}"
        raise cells.error(problem, int(rows[wrong]), name)
    return classes, of_rows


def _measured(numbers: NDArray[np.float64]) -> bool:
    """Say whether labels (k,), each of them once, are numbers that somebody has measured."""
    whole = np.isfinite(numbers) & (np.trunc(numbers) == numbers)
    return len(np.unique(numbers)) > MOST_NUMBERED_CLASSES or not bool(whole.all())
