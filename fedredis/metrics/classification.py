"""Metrics of a classifier, from sums that add up over the slaves.

A test of a model on n labelled rows is summed up by two arrays: the confusion matrix (true
class by predicted class, counts) and the total log loss. Accuracy, macro F1 and mean log loss
of any union of slaves follow from the sums of theirs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.codec import Field, Schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.codec import Arrays

#: Probabilities are cut at this distance from 0 before their logarithm is taken.
SMALLEST_PROBABILITY = 1e-15


@dataclass(frozen=True)
class Metrics:
    """What a test came to. With no rows at all every figure is 0."""

    rows: int
    accuracy: float
    macro_f1: float
    log_loss: float
    #: (classes, classes), true class by predicted class
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Classification:
    """How good the probabilities of `classes` classes are."""

    classes: int
    primary: str = "accuracy"
    loss: str = "log_loss"

    def schema(self) -> Schema:
        """Describe the sums of a test."""
        return schema(self.classes)

    def sums(self, predictions: NDArray[Any], y: NDArray[Any]) -> Arrays:
        """Sum up a test: probabilities (n, classes), true labels y (n,), n may be 0."""
        return sums(predictions, y)

    def score(self, total: Arrays, rows: int) -> float:
        """Compute the accuracy, given the number of rows."""
        return int(total[0].trace()) / max(rows, 1)

    def mean_loss(self, total: Arrays, rows: int) -> float:
        """Compute the mean log loss, given the number of rows."""
        return float(total[1][0]) / max(rows, 1)

    def figures(self, total: Arrays) -> dict[str, Any]:
        """Compute the fields of `Metrics`."""
        return asdict(from_sums(total))


def schema(classes: int) -> Schema:
    """Describe the sums of a test of `classes` classes."""
    return Schema((Field("confusion", "<i8", (classes, classes)), Field("log_loss", "<f8", (1,))))


def sums(probabilities: NDArray[Any], y: NDArray[Any]) -> Arrays:
    """Sum up a test: probabilities (n, classes), true labels y (n,), n may be 0."""
    (summed,) = sums_of_stack(probabilities.T[np.newaxis], y[np.newaxis])
    return summed


def sums_of_stack(probabilities: NDArray[Any], y: NDArray[Any]) -> list[Arrays]:
    """Sum up k tests of n rows each: probabilities (k, classes, n), true labels y (k, n)."""
    k, classes, n = probabilities.shape
    tests, rows = np.arange(k)[:, np.newaxis], np.arange(n)
    cells = (tests * classes + y) * classes + probabilities.argmax(axis=1)
    counts = np.bincount(cells.ravel(), minlength=k * classes * classes)
    confusion = counts.reshape(k, classes, classes).astype("<i8")
    of_truth = np.maximum(probabilities[tests, y, rows], SMALLEST_PROBABILITY)
    log_loss = -np.log(of_truth).sum(axis=1, keepdims=True).astype("<f8")
    return [[confusion[i], log_loss[i]] for i in range(k)]


def from_sums(arrays: Arrays) -> Metrics:
    """Compute the metrics of what `sums` counted, added up over any number of slaves.

    Macro F1 is the unweighted mean of ``2 TP / (2 TP + FP + FN)`` over the classes that occur,
    as truth or as prediction; a class of neither is left out (scikit-learn's convention for
    labels present in the data).
    """
    confusion, log_loss = arrays
    rows = int(confusion.sum())
    hits = np.diag(confusion)
    involved = confusion.sum(axis=0) + confusion.sum(axis=1)
    present = involved > 0
    return Metrics(
        rows=rows,
        accuracy=float(hits.sum() / max(rows, 1)),
        macro_f1=float((2 * hits[present] / involved[present]).mean()) if rows else 0.0,
        log_loss=float(log_loss[0] / max(rows, 1)),
        confusion=tuple(tuple(int(count) for count in line) for line in confusion),
    )
