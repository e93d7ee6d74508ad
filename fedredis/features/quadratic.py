"""Quantile-normal columns and all their products of degree 2, standardised."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Quantity, count
from fedredis.features import cells, moments
from fedredis.features.plain import constant_columns, filled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.features.protocol import Column

#: Passes that divide cells at most, beside the first by powers of two: by 2^8 each where half of
#: the rows are in a cell, and so by all bits of a float64.
MOST_QUANTILES = 7

#: Rows for each input below which a model is likely to learn the rows by heart.
ROWS_AN_INPUT = 5


@dataclass(frozen=True)
class Quadratic:
    """Make every column normal by its quantiles, then add all products of two columns.

    A column x becomes its normal score ``z = Phi^-1(F(x))``, with F the distribution function
    of all n training rows, cut to ``[0.5 / n, 1 - 0.5 / n]``. Counts give F at the edges of a
    grid; between two edges z is linear. At the lower end F is 0, whatever lies there: a mass at
    a bound of the range, such as a share of exact zeros, keeps a score of its own. A column with
    a range has a grid of it; that of another follows its quantiles (see `cells`).

    The inputs are the d scores, then the products ``z_i z_j`` with ``i <= j`` in the order of
    `numpy.triu_indices`: ``d + d (d + 1) / 2`` of them, all standardised.

    Passes, and what is known after each:

    1. ``magnitudes``, if a column has no range or cells may be missing: ``edges``
       (d, cells + 1) of a grid, ``steps`` (d,), smallest differences of two values;
    2. ``means``, if cells may be missing: also ``fill`` (d,);
    3. ``quantiles_1``, and up to `MOST_QUANTILES` where that leaves cells too full: ``edges``,
       and ``scores`` (d, cells + 1), the normal scores at the edges;
    4. ``products``: also ``mean``, ``scale`` and ``constant`` (width,) of scores and products.
    """

    columns: tuple[Column, ...]
    bins: int = 256
    gaps: bool = False

    @property
    def _ranged(self) -> list[bool]:
        return [column.low is not None and column.high is not None for column in self.columns]

    @property
    def _filling(self) -> moments.Moments:
        names = tuple(column.name for column in self.columns)
        return moments.Moments(names, prefix="fill_", gaps=self.gaps)

    def width(self, known: Named) -> int:
        """Count the inputs: the columns, their squares and their pairwise products."""
        d = len(self.columns)
        return d + d * (d + 1) // 2

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        if "mean" in known:
            return None
        if "scores" in known:
            return "products"
        if "edges" not in known and (self.gaps or not all(self._ranged)):
            return "magnitudes"
        if self.gaps and "fill" not in known:
            return "means"
        return f"quantiles_{self._divisions(known) + 1}"

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in a pass."""
        d = len(self.columns)
        if name == "magnitudes":
            own = self._filling.quantities(name, known)
            return (*own, count("places", (d, cells.PLACES)))
        if name == "means":
            return self._filling.quantities(name, known)
        if name == "products":
            # Of every row there are all of them.
            return (moments.pairs("products", self.width(known), "rows"),)
        return (moments.histograms("counts", d, self._edges(known).shape[1] - 1, gaps=False),)

    def sums(
        self,
        name: str,
        known: Named,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
    ) -> Arrays:
        """Add up the quantities of a pass over rows X (n, columns), n may be 0."""
        if name == "magnitudes":
            places = np.array([cells.places(x) for x in X.T])
            return [*self._filling.sums(name, known, X), places]
        if name == "means":
            return self._filling.sums(name, known, X)
        X = filled(known, X)
        if name == "products":
            return [moments.powers((_expand(known, X) - known["centre"]) / known["unit"])]
        grids = zip(self._edges(known), X.T, strict=True)
        return [np.array([cells.histogram(edges, x) for edges, x in grids])]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass, given the sums over all slaves."""
        if name == "magnitudes":
            return self._first_grids(known, total)
        if name == "means":
            return self._with_fill(self._filling.learn(name, known, total))
        if name != "products":
            return self._divided(known, total[0])
        mean, scale, constant = moments.deviations(
            total[0], known["rows"], known["rows"], known["centre"], known["unit"]
        )
        kept = {key: array for key, array in known.items() if key not in ("centre", "unit")}
        return {**kept, "mean": mean, "scale": scale, "constant": constant}

    def transform(self, known: Named, X: NDArray[Any]) -> NDArray[Any]:
        """Map rows X (n, columns) to inputs (n, width)."""
        inputs = _expand(known, filled(known, X))
        inputs -= known["mean"]
        inputs /= known["scale"]
        return inputs

    def bounds(self, known: Named) -> NDArray[Any]:
        """Bound the inputs of rows that were learned from (width,)."""
        largest = _largest(known["scores"]) + np.abs(known["mean"])
        return moments.most_of(largest, known["scale"], known["rows"])

    def warnings(self, known: Named) -> tuple[str, ...]:
        """Name the columns that say nothing, and say if there are too few rows."""
        said = constant_columns(self.columns, known)
        inputs, rows = self.width(known), int(known["rows"][0])
        if inputs * ROWS_AN_INPUT <= rows:
            return said
        return (
            *said,
            f"features=quadratic makes {inputs} inputs of {len(self.columns)} columns, which a "
            f"model can learn by heart on {rows} rows: `features=plain`, or fewer columns",
        )

    def _first_grids(self, known: Named, total: Arrays) -> Named:
        """Make grids of the counts by powers of two; a column with a range has its own."""
        after = self._filling.learn("magnitudes", known, total[:1])
        grids, steps = self._own_grids(), []
        for j, (line, places) in enumerate(zip(total[0][:, 1:-1], total[1], strict=True)):
            steps.append(cells.step(places, int(line.sum())))
            if not self._ranged[j]:
                grids[j] = cells.refined(cells.MAGNITUDES, line, self.bins, steps[j])
        kept = after if self.gaps else known
        return {**kept, "edges": cells.stacked(grids), "steps": np.array(steps)}

    def _with_fill(self, after: Named) -> Named:
        """Keep the means, each of which is a value that many rows will have."""
        fill = after["fill_centre"]
        lines = zip(self._ranged, after["edges"], fill.tolist(), strict=True)
        grids = [own if ranged else cells.with_value(own, mean) for ranged, own, mean in lines]
        kept = {key: array for key, array in after.items() if not key.startswith("fill_")}
        return {**kept, "fill": fill, "edges": cells.stacked(grids)}

    def _divisions(self, known: Named) -> int:
        return int(known["divisions"][0]) if "divisions" in known else 0

    def _divided(self, known: Named, counts: NDArray[np.int64]) -> Named:
        """Return a finer grid where one is needed and can be had, else the scores."""
        edges, made = self._edges(known), self._divisions(known) + 1
        steps = known["steps"].tolist() if "steps" in known else [0.0] * len(edges)
        lines = list(zip(edges, counts, steps, self._ranged, strict=True))
        again = [
            not ranged and bool(cells.too_full(grid, line, self.bins, least).any())
            for grid, line, least, ranged in lines
        ]
        if any(again) and made < MOST_QUANTILES:
            grids = [
                cells.refined(grid, line, self.bins, least) if finer else grid
                for finer, (grid, line, least, _) in zip(again, lines, strict=True)
            ]
            return {**known, "edges": cells.stacked(grids), "divisions": np.array([made])}
        kept = {key: a for key, a in known.items() if key not in ("steps", "divisions")}
        scores = _normal_scores(counts)
        return {**kept, "edges": edges, "scores": scores, **_pivots(counts, scores)}

    def _edges(self, known: Named) -> NDArray[Any]:
        """Return the grids (columns, cells + 1): those learned, or those of the ranges."""
        return known["edges"] if "edges" in known else cells.stacked(self._own_grids())

    def _own_grids(self) -> list[NDArray[Any]]:
        """Return the grid (bins + 1,) of each column's range; of no use without one.

        With ``u = k / bins``, edge k is at ``u^2 (3 - 2 u)`` of the range (smoothstep): dense at
        both ends, where shares and probabilities pile up, and the same bits on every machine.
        """
        u = np.arange(self.bins + 1) / self.bins
        steps = u * u * (3 - 2 * u)
        return [(c.low or 0.0) * (1 - steps) + (c.high or 0.0) * steps for c in self.columns]


def _normal_scores(counts: NDArray[np.int64]) -> NDArray[Any]:
    """Turn counts (columns, cells) into normal scores at the edges (columns, cells + 1)."""
    n = int(counts[0].sum())
    below = np.pad(np.cumsum(counts, axis=1), ((0, 0), (1, 0)))
    shares = np.clip(below / n, 0.5 / n, 1 - 0.5 / n)
    score = NormalDist().inv_cdf
    return np.array([[score(share) for share in line] for line in shares.tolist()])


def _pivots(counts: NDArray[np.int64], scores: NDArray[Any]) -> Named:
    """Return about what scores and products are summed, and in which unit (width,).

    The mean of scores is what it would be if they were spread evenly over each cell, and that of
    the products of two columns what it would be if they had nothing to do with each other.
    """
    shares = counts / counts.sum(axis=1, keepdims=True)
    low, high = scores[:, :-1], scores[:, 1:]
    mean = np.einsum("ij,ij->i", shares, (low + high) / 2)
    squares = np.einsum("ij,ij->i", shares, (low * low + low * high + high * high) / 3)
    products = np.outer(mean, mean)
    np.fill_diagonal(products, squares)
    centre = np.concatenate([mean, products[np.triu_indices(len(mean))]])
    return {"centre": centre, "unit": moments.unit_of(_largest(scores) + np.abs(centre))}


def _largest(scores: NDArray[Any]) -> NDArray[Any]:
    """Return how large scores and products can be (width,)."""
    largest = np.abs(scores).max(axis=1)
    first, second = np.triu_indices(len(largest))
    return np.concatenate([largest, largest[first] * largest[second]])


def _expand(known: Named, X: NDArray[Any]) -> NDArray[Any]:
    """Map rows X (n, columns) to their scores and products of scores (n, width)."""
    d = X.shape[1]
    first, second = np.triu_indices(d)
    expanded = np.empty((len(X), d + len(first)))
    scores = expanded[:, :d]
    for j, (edges, of_edges) in enumerate(zip(known["edges"], known["scores"], strict=True)):
        scores[:, j] = np.interp(X[:, j], edges, of_edges)
    np.multiply(scores[:, first], scores[:, second], out=expanded[:, d:])
    return expanded
