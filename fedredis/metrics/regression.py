"""How far predicted numbers are from the true ones, from sums that add up over the slaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fedredis.arrays import Quantity
from fedredis.arrays.figures import figures
from fedredis.arrays.rows import rows_said
from fedredis.metrics.protocol import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.arrays.figures import Facts

#: Labels and errors are at most so many standard deviations of the label.
MOST = 2.0**30

FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("r2", "R²", ".4f", "more"),
        Figure("mse", "mse", ".5g", "less"),
        Figure("rmse", "rmse", ".5g", "less"),
        Figure("mae", "mae", ".5g", "less"),
    )
}


@dataclass(frozen=True)
class Regression:
    """Sum up tests of standardised labels y and predictions p: y, abs(y - p), y^2, (y - p)^2.

    ``R^2 = 1 - sum (y - p)^2 / sum (y - mean y)^2`` about the mean of the tested rows, and 0 where
    they do not vary. Mean squared error, its root and mean absolute error are in the label's unit.
    """

    primary: ClassVar[str] = "r2"
    loss: ClassVar[str] = "mse"
    told: ClassVar[tuple[str, ...]] = ("r2", "mse")
    figures: ClassVar[Mapping[str, Figure]] = FIGURES

    def quantities(self) -> tuple[Quantity, ...]:
        """Describe what is summed in a test."""
        bounds = np.array([MOST, MOST, MOST**2, MOST**2])
        return (
            rows_said(),
            Quantity("moments", (4,), bounds, wide=True),
        )

    def losses(self, predictions: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
        """Return the squared error of each row (k, n), in squared standard deviations."""
        errors = np.asarray(y - predictions.reshape(y.shape), np.float64)
        return errors * errors

    def sums(self, predictions: NDArray[Any], y: NDArray[Any]) -> Arrays:
        """Sum up k tests: predictions (k, n, 1) and labels (k, n), standardised; n may be 0."""
        k, n = y.shape
        errors = y - predictions.reshape(k, n)
        terms = np.stack([y, np.abs(errors), y * y, errors * errors], axis=1)
        return [np.full((k, 1), n, np.int64), terms.sum(axis=2, dtype=np.float64)]

    def facts(self, arrays: Arrays, rows: NDArray[np.int64], known: Named) -> Facts:
        """Compute R^2 and mean squared error of each of k slaves, NaN without rows."""
        each = [self.summary(list(one), known) for one in zip(*arrays, strict=True)]
        return {name: figures([one[name] for one in each]) for name in (self.primary, self.loss)}

    def summary(self, total: Arrays, known: Named) -> dict[str, Any]:
        """Compute ``rows`` and all figures, those but R^2 in the unit of the label."""
        rows = int(total[0][0])
        if rows <= 0:
            return {"rows": rows, **dict.fromkeys(self.figures)}
        mean, absolute, of_squares, of_errors = (total[1] / rows).tolist()
        of_errors = max(of_errors, 0.0)
        variance = of_squares - mean * mean
        # What is left of a difference of two sums that are alike is rounding.
        varies = variance > 2.0**-44 * of_squares
        scale = float(known["label_scale"])
        figures = {
            "r2": 1 - of_errors / variance if varies else 0.0,
            "mse": of_errors * scale * scale,
            "rmse": math.sqrt(of_errors) * scale,
            "mae": absolute * scale,
        }
        # A square of a large label may have no float.
        return {"rows": rows, **{n: v if math.isfinite(v) else None for n, v in figures.items()}}
