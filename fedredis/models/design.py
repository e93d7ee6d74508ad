"""Inputs with a column of ones, which the intercept is the weight of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Rows that are multiplied at a time, so that they fit a core's cache.
ROWS = 512


def with_ones(X: NDArray[Any]) -> NDArray[Any]:
    """Return the design matrix (n, width + 1) of inputs X (n, width)."""
    return np.column_stack((X, np.ones(len(X))))


def products(design: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """Return ``sum_i weight_i z_i z_i^T`` (p, p) over the rows z_i of a design matrix (n, p)."""
    total = np.zeros((design.shape[1], design.shape[1]))
    for start in range(0, len(design), ROWS):
        rows = design[start : start + ROWS]
        total += (rows * weights[start : start + ROWS, np.newaxis]).T @ rows
    return total
