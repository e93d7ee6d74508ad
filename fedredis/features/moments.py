"""Count, sum and sum of squares of columns: what a mean and a standard deviation need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.codec import Field, Schema
from fedredis.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.codec import Arrays

#: A column whose variance is below this share of its squared mean counts as constant: the
#: difference of two nearly equal sums has no more digits than that.
SMALLEST_RELATIVE_VARIANCE = 1e-12


def schema(width: int) -> Schema:
    """Describe the sums of `width` columns."""
    return Schema(
        (
            Field("count", "<i8", (1,)),
            Field("sums", "<f8", (width,)),
            Field("squares", "<f8", (width,)),
        )
    )


def sums(X: NDArray[Any]) -> Arrays:
    """Add up rows X (n, width), n may be 0."""
    return [
        np.array([len(X)], "<i8"),
        X.sum(axis=0, dtype="<f8"),
        np.einsum("ij,ij->j", X, X, dtype="<f8"),
    ]


def mean_and_scale(total: Arrays) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return mean (width,) and standard deviation (width,) of all the rows in the sums.

    The standard deviation is ``sqrt(squares / n - mean^2)``, and 1 for a constant column, so
    that it can be divided by.

    Raises
    ------
    DataError
        If the sums are of no rows at all.
    """
    count, of_values, of_squares = total
    if count[0] <= 0:
        raise DataError("no slave has any rows to learn features from")
    mean = of_values / count[0]
    variance = of_squares / count[0] - mean**2
    varies = variance > SMALLEST_RELATIVE_VARIANCE * mean**2
    return mean, np.sqrt(np.where(varies, variance, 1.0))
