"""Metrics of predicted numbers, from sums that add up over the slaves.

A test on n rows with true values y and predictions p is summed up by n, the sums of ``y``,
``y^2``, ``(y - p)^2`` and ``|y - p|``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.codec import Field, Schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.codec import Arrays


@dataclass(frozen=True)
class Regression:
    """How far predicted numbers are from the true ones."""

    primary: str = "r2"
    loss: str = "mse"

    def schema(self) -> Schema:
        """Describe the sums of a test."""
        return Schema((Field("rows", "<i8", (1,)), Field("sums", "<f8", (4,))))

    def sums(self, predictions: NDArray[Any], y: NDArray[Any]) -> Arrays:
        """Sum up a test: predictions (n, 1) or (n,), true values y (n,), n may be 0."""
        error = y - predictions.reshape(len(y))
        squares = ((y * y).sum(), (error * error).sum())
        sums = np.array([y.sum(), *squares, np.abs(error).sum()], "<f8")
        return [np.array([len(y)], "<i8"), sums]

    def score(self, total: Arrays, rows: int) -> float:
        """Compute R^2."""
        return float(self.figures(total)["r2"])

    def mean_loss(self, total: Arrays, rows: int) -> float:
        """Compute the mean squared error."""
        return float(self.figures(total)["mse"])

    def figures(self, total: Arrays) -> dict[str, Any]:
        """Compute R^2, mean squared error, its root, and mean absolute error.

        ``R^2 = 1 - sum (y - p)^2 / sum (y - mean y)^2``, and 0 where the values do not vary.
        """
        rows = int(total[0][0])
        of_values, of_squares, of_errors, absolute = (float(s) / max(rows, 1) for s in total[1])
        variance = of_squares - of_values**2
        return {
            "rows": rows,
            "r2": 1 - of_errors / variance if variance > 0 else 0.0,
            "mse": of_errors,
            "rmse": math.sqrt(of_errors),
            "mae": absolute,
        }
