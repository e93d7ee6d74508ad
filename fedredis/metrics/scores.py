"""What the probabilities of a classifier are worth: counts by class and interval of probability.

A class is told from all others. Of two, only the second is counted: the first one is its mirror.
From the counts follow the ROC curve, the area under it, calibration, and what a threshold brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Quantity, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays

#: Between 0.001 and 0.999 intervals are of 0.001; beyond, of equal ratio down to 1e-6.
_TAIL = np.geomspace(1e-6, 1e-3, 61)[:-1]
#: Where intervals begin, ascending: the first at 0; the last one ends beyond 1.
EDGES = np.concatenate([[0.0], _TAIL, np.arange(1, 1000) / 1000, 1 - _TAIL[::-1]])
#: Classes up to which scores are counted: the table of one has 18 kB.
MOST_CLASSES = 64
#: Points of a curve at most.
POINTS = 201
#: Thresholds, and where intervals of calibration begin.
THRESHOLDS, DECILES = np.arange(1, 20) / 20, np.arange(10) / 10


@dataclass(frozen=True)
class Scores:
    """Count held-out rows by class, whether they are of it, and the probability that is told."""

    classes: int

    @property
    def told(self) -> tuple[int, ...]:
        """The classes that are counted, by place."""
        return (1,) if self.classes == 2 else tuple(range(self.classes))

    def quantities(self) -> tuple[Quantity, ...]:
        """Describe what is summed."""
        shape = (len(self.told), 2, len(EDGES))
        must = "of each class, its cells have to come to the number of rows"
        return (count("scores", shape, plausible=_complete, must=must),)

    def sums(self, predictions: NDArray[Any], y: NDArray[Any]) -> Arrays:
        """Count k tests: probabilities (k, n, classes), true classes y (k, n): (k, told, 2, m)."""
        k, told, m = len(y), self.told, len(EDGES)
        bins = np.searchsorted(EDGES, predictions[:, :, told].astype(np.float64), side="right") - 1
        its = y[:, :, np.newaxis] == np.array(told)
        table = np.arange(k)[:, np.newaxis, np.newaxis] * len(told) + np.arange(len(told))
        cells = (table * 2 + its) * m + np.maximum(bins, 0)
        counts = np.bincount(cells.ravel(), minlength=k * len(told) * 2 * m)
        return [counts.reshape(k, len(told), 2, m)]


def _complete(counts: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (counts.sum(axis=(2, 3)) == rows[:, np.newaxis]).all(axis=1)
    return same


def area(counts: NDArray[Any]) -> tuple[float | None, float]:
    """Return the area under the ROC curve of counts (2, m), and how far off it can be.

    Rows of one interval count as equal, as scikit-learn counts those of one score; the exact area
    is no further away than half of the share of pairs that intervals hold together. There is none
    without rows of the class, or of another.
    """
    others, its = counts.astype(float)
    pairs = its.sum() * others.sum()
    if not pairs:
        return None, 0.0
    together = float(its @ others)
    below = np.cumsum(others) - others
    return (float(its @ below) + together / 2) / pairs, together / 2 / pairs


def at_thresholds(counts: NDArray[Any], thresholds: NDArray[Any]) -> NDArray[np.int64]:
    """Count true and false positives, false and true negatives (t, 4) from probabilities on.

    Thresholds have to be among `EDGES`, so that the counts are exact.
    """
    place = np.searchsorted(EDGES, thresholds)
    false, true = (line.sum() - np.cumsum(line) + line for line in counts)
    others, its = counts.sum(axis=1)
    tp, fp = true[place], false[place]
    return np.column_stack([tp, fp, its - tp, others - fp]).astype(np.int64)


def roc(counts: NDArray[Any]) -> dict[str, list[float]]:
    """Return ``fpr`` and ``tpr`` from the highest threshold to the lowest, at some of them."""
    found = at_thresholds(counts, EDGES)[::-1]
    tp, fp = np.vstack([[0, 0], found[:, :2]]).T / np.maximum(found[-1, :2], 1)[:, np.newaxis]
    # As many points as a picture can show, spread along the curve.
    along = np.unique(np.searchsorted(tp + fp, np.linspace(0, 2, POINTS)).clip(max=len(tp) - 1))
    return {"fpr": fp[along].tolist(), "tpr": tp[along].tolist()}


def report(
    confusion: Sequence[Sequence[int]], counts: NDArray[Any], told: Sequence[int], least: int = 0
) -> dict[str, Any]:
    """Return all that follows from a confusion matrix and counts (told, 2, m), as plain values.

    Cells of fewer rows than `least` are None, with all that would tell of them.
    """
    matrix = np.array(confusion)
    classes = [_of_class(matrix, place) for place in range(len(matrix))]
    for place, table in zip(told, counts, strict=True):
        auc, off = area(table)
        own = at_thresholds(table, THRESHOLDS)
        classes[place] |= {
            "auc": auc,
            "auc_within": off,
            "roc": roc(table) if not least else None,
            "thresholds": [
                _at(float(t), line.tolist(), least)
                for t, line in zip(THRESHOLDS, own, strict=True)
            ],
            "calibration": _calibration(table, least),
        }
    if len(matrix) == 2:
        # What tells the second from the first tells the first from the second.
        classes[0] |= {name: classes[1].get(name) for name in ("auc", "auc_within")}
    aucs = [one["auc"] for one in classes if one.get("auc") is not None]
    return {"auc": float(np.mean(aucs)) if aucs else None, "classes": classes}


def _of_class(matrix: NDArray[Any], place: int) -> dict[str, Any]:
    hits, truly, said = matrix[place, place], matrix[place].sum(), matrix[:, place].sum()
    return {
        "rows": int(truly),
        "precision": float(hits / said) if said else None,
        "recall": float(hits / truly) if truly else None,
        "f1": float(2 * hits / (truly + said)) if truly + said else None,
    }


def _at(threshold: float, cells: Sequence[int], least: int) -> dict[str, Any]:
    names = ("tp", "fp", "fn", "tn")
    if any(0 < cell < least for cell in cells):
        return {"threshold": threshold, **dict.fromkeys(names)}
    tp, fp, fn, tn = cells
    return {
        "threshold": threshold,
        **dict(zip(names, cells, strict=True)),
        "precision": tp / (tp + fp) if tp + fp else None,
        "recall": tp / (tp + fn) if tp + fn else None,
        "specificity": tn / (tn + fp) if tn + fp else None,
        "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None,
    }


def _calibration(table: NDArray[Any], least: int) -> list[dict[str, Any]]:
    """Compare what was told with what is so, by tenths; of an interval its middle was told."""
    middles = (EDGES + np.append(EDGES[1:], 1.0)) / 2
    place = np.searchsorted(DECILES, middles, side="right") - 1
    found = []
    for tenth, start in enumerate(DECILES.tolist()):
        others, its = table[:, place == tenth]
        rows = int(others.sum() + its.sum())
        line: dict[str, Any] = {"from": start, "rows": rows, "told": None, "observed": None}
        if 0 < rows < least or 0 < its.sum() < least or 0 < others.sum() < least:
            line["rows"] = None
        elif rows:
            line["told"] = float((others + its) @ middles[place == tenth] / rows)
            line["observed"] = float(its.sum() / rows)
        found.append(line)
    return found
