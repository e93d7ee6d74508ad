"""Quantile-normal columns and all their products of degree 2, standardised."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.codec import Field, Schema
from fedredis.errors import DataError
from fedredis.features import moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.codec import Arrays
    from fedredis.features.protocol import Column, Known

#: A column without a range of its own gets one that ends this many standard deviations from
#: its mean.
DEVIATIONS = 5.0


@dataclass(frozen=True)
class Quadratic:
    """Make every column normal by its quantiles, then add all products of two columns.

    A column x becomes its normal score ``z = Phi^-1(F(x))``, with F the distribution function
    of all n training rows, cut to ``[0.5 / n, 1 - 0.5 / n]``. Counts give F at the edges of a
    grid; between two edges z is linear. At the lower end F is 0, whatever lies there: a mass at
    a bound of the range, such as a share of exact zeros, keeps a score of its own.

    The inputs are the d scores, then the products ``z_i z_j`` with ``i <= j`` in the order of
    `numpy.triu_indices`: ``d + d (d + 1) / 2`` of them, all standardised.

    Passes, and what is known after each:

    1. ``moments``, only if a column has no range: ``edges`` (d, bins + 1) of the grid;
    2. ``histogram``: ``edges``, and ``scores`` (d, bins + 1), the normal scores at the edges;
    3. ``products``: also ``mean`` and ``scale`` (width,) of the scores and products.
    """

    columns: tuple[Column, ...]
    bins: int = 256

    def width(self, known: Known) -> int:
        """Count the inputs: the columns, their squares and their pairwise products."""
        return self._width

    @property
    def _width(self) -> int:
        d = len(self.columns)
        return d + d * (d + 1) // 2

    def next_pass(self, known: Known) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        if "mean" in known:
            return None
        if "scores" in known:
            return "products"
        ranged = all(c.low is not None and c.high is not None for c in self.columns)
        return "histogram" if ranged or "edges" in known else "moments"

    def schema(self, name: str) -> Schema:
        """Describe the sums of a pass."""
        d = len(self.columns)
        if name == "histogram":
            return Schema((Field("counts", "<i8", (d, self.bins)),))
        return moments.schema({"moments": d, "products": self._width}[name])

    def sums(self, name: str, known: Known, X: NDArray[Any]) -> Arrays:
        """Add up the sums of a pass over rows X (n, columns), n may be 0."""
        if name == "histogram":
            return [_histogram(self._edges(known), X)]
        return moments.sums(X if name == "moments" else _expand(known, X))

    def learn(self, name: str, known: Known, total: Arrays) -> Known:
        """Return what is known after a pass, given the sums of all slaves.

        Raises
        ------
        DataError
            If the sums are of no rows at all.
        """
        if name == "histogram":
            return {"edges": self._edges(known), "scores": _normal_scores(total[0])}
        mean, scale = moments.mean_and_scale(total)
        if name == "moments":
            return {"edges": self._grid(mean - DEVIATIONS * scale, mean + DEVIATIONS * scale)}
        return {**known, "mean": mean, "scale": scale}

    def transform(self, known: Known, X: NDArray[Any]) -> NDArray[Any]:
        """Map rows X (n, columns) to inputs (n, width)."""
        inputs = _expand(known, X)
        inputs -= known["mean"]
        inputs /= known["scale"]
        return inputs

    def _edges(self, known: Known) -> NDArray[Any]:
        """Return the grid: the one learned, or the one that the columns' ranges make."""
        return known["edges"] if "edges" in known else self._grid(np.nan, np.nan)

    def _grid(self, low: NDArray[Any] | float, high: NDArray[Any] | float) -> NDArray[Any]:
        """Return the edges (columns, bins + 1) between bounds that the columns' own overrule.

        With ``u = k / bins``, edge k is at ``u^2 (3 - 2 u)`` of the range (smoothstep): dense at
        both ends, where shares and probabilities pile up, and the same bits on every machine.
        """
        own_low = np.array([column.low for column in self.columns], np.float64)
        own_high = np.array([column.high for column in self.columns], np.float64)
        u = np.arange(self.bins + 1) / self.bins
        steps = u * u * (3 - 2 * u)
        edges: NDArray[Any] = np.outer(np.where(np.isnan(own_low), low, own_low), 1 - steps)
        edges += np.outer(np.where(np.isnan(own_high), high, own_high), steps)
        return edges


def _histogram(edges: NDArray[Any], X: NDArray[Any]) -> NDArray[Any]:
    """Count rows X (n, columns) in bins ``[edge_k, edge_k+1)``; the end bins are open."""
    bins = edges.shape[1] - 1
    return np.array(
        [
            np.bincount(np.searchsorted(inner, x, side="right"), minlength=bins)
            for inner, x in zip(edges[:, 1:-1], X.T, strict=True)
        ],
        "<i8",
    )


def _normal_scores(counts: NDArray[Any]) -> NDArray[Any]:
    """Turn counts (columns, bins) into normal scores at the edges (columns, bins + 1)."""
    n = int(counts[0].sum())
    if n <= 0:
        raise DataError("no slave has any rows to learn features from")
    below = np.pad(np.cumsum(counts, axis=1), ((0, 0), (1, 0)))
    shares = np.clip(below / n, 0.5 / n, 1 - 0.5 / n)
    score = NormalDist().inv_cdf
    return np.array([[score(share) for share in line] for line in shares.tolist()])


def _expand(known: Known, X: NDArray[Any]) -> NDArray[Any]:
    """Map rows X (n, columns) to their scores and products of scores (n, width)."""
    d = X.shape[1]
    first, second = np.triu_indices(d)
    expanded = np.empty((len(X), d + len(first)))
    scores = expanded[:, :d]
    for j, (edges, of_edges) in enumerate(zip(known["edges"], known["scores"], strict=True)):
        scores[:, j] = np.interp(X[:, j], edges, of_edges)
    np.multiply(scores[:, first], scores[:, second], out=expanded[:, d:])
    return expanded
