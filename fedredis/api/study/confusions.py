"""The mistakes in a confusion matrix, the most frequent first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Mistake:
    """Rows of one class that were told as another; classes by their places."""

    true: int
    predicted: int
    rows: int
    #: Of the rows of the true class.
    share: float


def most_frequent(counts: Sequence[Sequence[int]] | NDArray[Any]) -> list[Mistake]:
    """List what is mistaken for what, by falling number of rows.

    Parameters
    ----------
    counts
        True class by predicted class, shape (classes, classes).
    """
    matrix = np.array(counts)
    of_class = matrix.sum(axis=1)
    true, predicted = np.nonzero(matrix * (1 - np.eye(len(matrix), dtype=matrix.dtype)))
    rows = matrix[true, predicted]
    # Of as many rows, in the order of the classes.
    order = np.argsort(-rows, kind="stable")
    return [
        Mistake(int(i), int(j), int(n), float(n / of_class[i]))
        for i, j, n in zip(true[order], predicted[order], rows[order], strict=True)
    ]
