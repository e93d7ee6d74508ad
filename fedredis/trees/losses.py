"""Losses of boosting: where it starts, gradients and Hessians a row, and what raw scores mean.

Raw scores are (K, n), a line for each of the K trees of a round. All sums over classes are taken
one after the other, so that a row's gradient does not depend on the rows beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from fedredis.errors import DataError, UsageError
from fedredis.trees.exponential import MOST, exp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Named

Pair = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


class Loss(Protocol):
    """A loss, as a function of the raw score."""

    #: Whether the second derivative is 1, whatever the score.
    flat: ClassVar[bool]
    #: Below what no label that is a number may be.
    least: ClassVar[float]

    @property
    def trees(self) -> int:
        """Count the trees of a round."""

    def start(self, known: Named) -> NDArray[np.float64]:
        """Return the best constant raw scores (K,).

        Raises
        ------
        DataError
            If the labels are none that the loss is for.
        """

    def gradients(self, raw: NDArray[np.float64], y: NDArray[Any]) -> Pair:
        """Return first and second derivatives (K, n) at raw scores (K, n), y (n,)."""

    def bounds(self, highest: float, known: Named) -> tuple[float, float]:
        """Bound both, absolutely, where no raw score is further from 0 than `highest`."""

    def predictions(self, raw: NDArray[np.float64], known: Named) -> NDArray[np.float64]:
        """Turn raw scores (K, n) into probabilities (n, classes), or labels (n, 1)."""


@dataclass(frozen=True)
class Softmax:
    """Log loss of three or more classes: ``g_k = p_k - [y = k]``, ``h_k = p_k (1 - p_k)``."""

    classes: int
    flat: ClassVar[bool] = False
    least: ClassVar[float] = -math.inf

    @property
    def trees(self) -> int:
        """One a class."""
        return self.classes

    def start(self, known: Named) -> NDArray[np.float64]:
        """Return the logarithms of the classes' shares, less their mean."""
        logs = np.array([math.log(share) for share in shares(known)])
        centred: NDArray[np.float64] = logs - math.fsum(logs) / len(logs)
        return centred

    def gradients(self, raw: NDArray[np.float64], y: NDArray[Any]) -> Pair:
        """Return first and second derivatives (K, n)."""
        p = _softmax(raw)
        h = p * (1 - p)
        p[y.astype(np.intp), np.arange(len(y))] -= 1
        return p, h

    def bounds(self, highest: float, known: Named) -> tuple[float, float]:
        """Bound both, absolutely."""
        return 1.0, 0.25

    def predictions(self, raw: NDArray[np.float64], known: Named) -> NDArray[np.float64]:
        """Turn raw scores (K, n) into probabilities (n, classes)."""
        return np.ascontiguousarray(_softmax(raw).T)


@dataclass(frozen=True)
class LogLoss:
    """Log loss of two classes: ``g = p - y``, ``h = p (1 - p)``, ``p = 1 / (1 + e^-raw)``."""

    flat: ClassVar[bool] = False
    least: ClassVar[float] = -math.inf
    trees: ClassVar[int] = 1

    def start(self, known: Named) -> NDArray[np.float64]:
        """Return the logarithm of the odds."""
        first, second = shares(known)
        return np.array([math.log(second) - math.log(first)])

    def gradients(self, raw: NDArray[np.float64], y: NDArray[Any]) -> Pair:
        """Return first and second derivatives (1, n)."""
        p = 1 / (1 + exp(-raw))
        return p - y, p * (1 - p)

    def bounds(self, highest: float, known: Named) -> tuple[float, float]:
        """Bound both, absolutely."""
        return 1.0, 0.25

    def predictions(self, raw: NDArray[np.float64], known: Named) -> NDArray[np.float64]:
        """Turn raw scores (1, n) into probabilities (n, 2)."""
        p = 1 / (1 + exp(-raw[0]))
        return np.stack([1 - p, p], axis=1)


@dataclass(frozen=True)
class Squared:
    """Half the squared error of standardised labels: ``g = raw - y``, ``h = 1``."""

    flat: ClassVar[bool] = True
    least: ClassVar[float] = -math.inf
    trees: ClassVar[int] = 1

    def start(self, known: Named) -> NDArray[np.float64]:
        """Return the mean, by what rows weigh."""
        return np.array([_start(known)])

    def gradients(self, raw: NDArray[np.float64], y: NDArray[Any]) -> Pair:
        """Return first and second derivatives (1, n)."""
        return raw - y, np.ones_like(raw)

    def bounds(self, highest: float, known: Named) -> tuple[float, float]:
        """Bound both, absolutely."""
        return highest + known["label_bound"].item(), 1.0

    def predictions(self, raw: NDArray[np.float64], known: Named) -> NDArray[np.float64]:
        """Turn raw scores (1, n) into predictions (n, 1)."""
        return np.ascontiguousarray(raw.T)


@dataclass(frozen=True)
class Poisson:
    """Deviance of counts: ``g = e^raw - count``, ``h = e^raw``, for labels of at least 0."""

    flat: ClassVar[bool] = False
    least: ClassVar[float] = 0.0
    trees: ClassVar[int] = 1

    def start(self, known: Named) -> NDArray[np.float64]:
        """Return the logarithm of the mean, by what rows weigh."""
        mean = (known["label_mean"] + known["label_scale"] * _start(known)).item()
        if mean <= 0:
            raise DataError("the mean label is not above 0: loss=poisson is for counts")
        return np.array([math.log(mean)])

    def gradients(self, raw: NDArray[np.float64], y: NDArray[Any]) -> Pair:
        """Return first and second derivatives (1, n); y are the counts themselves."""
        if len(y) and y.min() < 0:
            raise DataError("a label is below 0: loss=poisson is for counts")
        mean = exp(raw)
        return mean - y, mean

    def bounds(self, highest: float, known: Named) -> tuple[float, float]:
        """Bound both, absolutely."""
        most = math.exp(min(highest, MOST))
        largest = known["label_mean"] + known["label_scale"] * known["label_bound"]
        return most + largest.item(), most

    def predictions(self, raw: NDArray[np.float64], known: Named) -> NDArray[np.float64]:
        """Turn raw scores (1, n) into predictions (n, 1)."""
        return (exp(raw[0])[:, np.newaxis] - known["label_mean"]) / known["label_scale"]


#: All losses, as ensembles number them.
NAMES = ("log", "squared", "poisson")
#: The losses of labels that are numbers, by name.
OF_NUMBERS: Mapping[str, Loss] = {"squared": Squared(), "poisson": Poisson()}


def make(name: str, classes: int) -> Loss:
    """Make the loss of a name for so many classes; ``auto`` is log loss, or squared error.

    Raises
    ------
    UsageError
        If there is none of that name for such labels.
    """
    there: dict[str, Loss] = dict(OF_NUMBERS)
    if classes:
        there = {"log": Softmax(classes) if classes > 2 else LogLoss()}
    if name != "auto" and name not in there:
        are, task = ("classes", "regress") if classes else ("numbers", "classify")
        how = f"; `task={task}` takes labels for what it is for" if name in NAMES else ""
        listed = ", ".join(there)
        raise UsageError(f"loss must be one of {listed} where labels are {are}, not {name!r}{how}")
    return there.get(name, next(iter(there.values())))


def shares(known: Named) -> list[float]:
    """Return the classes' shares of all rows' weight; one without rows counts as half a row."""
    counts = np.maximum(known.get("class_weights", known["class_counts"]), 0.5)
    return (counts / counts.sum()).tolist()  # type: ignore[no-any-return]


def _start(known: Named) -> float:
    """Return the mean of standardised labels: 0 where all rows weigh the same."""
    return float(known.get("label_start", 0.0))


def _softmax(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities (K, n)."""
    p = exp(raw - raw.max(axis=0))
    total = p[0].copy()
    for line in p[1:]:
        total += line
    p /= total
    return p
