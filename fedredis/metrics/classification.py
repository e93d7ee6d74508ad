"""How good the probabilities of a classifier are, from sums that add up over the slaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fedredis.arrays import Quantity, count
from fedredis.metrics.protocol import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.arrays.figures import Facts

#: Probabilities are cut at this distance from 0 before their logarithm is taken.
SMALLEST_PROBABILITY = 1e-15

FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("accuracy", "accuracy", ".2%", "more"),
        Figure("macro_f1", "macro F1", ".4f", "more"),
        Figure("log_loss", "log loss", ".4f", "less"),
    )
}


@dataclass(frozen=True)
class Classification:
    """Sum up tests by a confusion matrix (true class by predicted class) and the log loss.

    With C the matrix of n rows, ``accuracy = trace C / n``. Macro F1 is the unweighted mean of
    ``2 TP / (2 TP + FP + FN)`` over the classes that occur, as truth or as prediction; a class of
    neither is left out (scikit-learn's convention for labels present in the data). Log loss is the
    mean of ``-log p``, p the probability of the true class.
    """

    classes: int
    primary: ClassVar[str] = "accuracy"
    loss: ClassVar[str] = "log_loss"
    told: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1", "log_loss")
    figures: ClassVar[Mapping[str, Figure]] = FIGURES

    def quantities(self) -> tuple[Quantity, ...]:
        """Describe what is summed in a test."""
        return (
            count(
                "confusion",
                (self.classes, self.classes),
                cells=True,
                plausible=_complete,
                must="its cells have to come to the number of rows",
            ),
            Quantity("log_loss", (1,), -math.log(SMALLEST_PROBABILITY), nonnegative=True),
        )

    def losses(self, predictions: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
        """Return the log loss of each row (k, n)."""
        truth = y.astype(np.intp)[:, :, np.newaxis]
        of_truth = np.take_along_axis(predictions, truth, axis=2)[:, :, 0]
        # A probability may be 1 and a bit.
        losses: NDArray[np.float64] = -np.log(
            np.clip(of_truth, SMALLEST_PROBABILITY, 1.0, dtype=np.float64)
        )
        return losses

    def sums(self, predictions: NDArray[Any], y: NDArray[Any]) -> Arrays:
        """Sum up k tests: probabilities (k, n, classes), true classes y (k, n); n may be 0."""
        k, _, classes = predictions.shape
        truth = y.astype(np.intp)
        cells = (np.arange(k)[:, np.newaxis] * classes + truth) * classes
        cells += predictions.argmax(axis=2)
        counts = np.bincount(cells.ravel(), minlength=k * classes * classes)
        losses = self.losses(predictions, y).sum(axis=1, keepdims=True)
        return [counts.reshape(k, classes, classes), losses]

    def facts(self, arrays: Arrays, rows: NDArray[np.int64], known: Named) -> Facts:
        """Compute accuracy and log loss of each of k slaves, NaN without rows."""
        counts = np.where(rows > 0, rows, np.nan)
        hits = np.trace(arrays[0], axis1=1, axis2=2)
        return {"accuracy": hits / counts, "log_loss": arrays[1][:, 0] / counts}

    def summary(self, total: Arrays, known: Named) -> dict[str, Any]:
        """Compute ``rows``, all figures, and ``confusion``: (classes, classes), nested lists."""
        confusion, log_loss = total
        rows = int(confusion.sum())
        found: dict[str, Any] = {"rows": rows, **dict.fromkeys(self.figures)}
        if rows > 0:
            hits = np.diag(confusion)
            involved = confusion.sum(axis=0) + confusion.sum(axis=1)
            present = involved > 0
            found["accuracy"] = float(hits.sum() / rows)
            found["macro_f1"] = float((2 * hits[present] / involved[present]).mean())
            found["log_loss"] = float(log_loss[0] / rows)
        return {**found, "confusion": confusion.tolist() if rows > 0 else None}


def _complete(confusion: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = confusion.sum(axis=(1, 2)) == rows
    return same
