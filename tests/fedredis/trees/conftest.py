"""Boosting in a plain loop: rows as codes, divided among slaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.trees.boosting import Boosting
from fedredis.trees.forest import Forest
from fedredis.trees.growth import Growth
from fedredis.trees.rows import Held, Pool, drawn, keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.trees.ensemble import Ensemble

#: Codes of each column beside the missing one.
BINS = 24


@dataclass(frozen=True, eq=False)
class Table:
    """Codes (n, 4), the third of categories if there are such; labels (n,), and what is known."""

    codes: NDArray[Any]
    y: NDArray[Any]
    classes: int
    known: Named
    weights: NDArray[Any] | None = None


def table_of(
    kind: str, *, gaps: bool, sets: bool, weighed: bool = False, n: int = 1500, seed: int = 0
) -> Table:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, BINS, (n, 4))
    score = codes[:, 0] / 6 - (codes[:, 1] - 12) ** 2 / 40 + 0.7 * rng.normal(size=n)
    if sets:
        score += 2 * rng.normal(size=BINS)[codes[:, 2]]
    if gaps:
        missing = rng.random(codes.shape) < 0.1
        missing[:, 0] |= score > 3
        codes = np.where(missing, BINS, codes)
    counts = {"bin_counts": np.full(4, BINS)}
    if sets:
        # Categories come last.
        codes = codes[:, [0, 1, 3, 2]]
        counts = {"bin_counts": np.full(3, BINS), "category_counts": np.array([BINS])}
    if kind in ("log", "softmax"):
        y = np.digitize(score, [0] if kind == "log" else np.quantile(score, [0.3, 0.7]))
        classes = int(y.max()) + 1
        known: Named = {"class_counts": np.bincount(y)}
    else:
        y, classes = score if kind == "squared" else rng.poisson(np.exp(score / 3)), 0
        mean, scale = y.mean(), y.std()
        known = {
            "label_mean": np.array([mean]),
            "label_scale": np.array([scale]),
            "label_bound": np.array([np.abs(y - mean).max() / scale]),
        }
        y = (y - mean) / scale if kind == "squared" else y.astype(np.float64)
    weights = None
    if weighed:
        weights = np.where(rng.random(n) < 0.3 + 0.4 * (score > 0), 0.25, 1.75)
        weights /= weights.mean()
        known["weight_bound"] = weights.max()
        if classes:
            known["class_weights"] = np.bincount(y, weights)
        else:
            z = y if kind == "squared" else (y - mean) / scale
            known["label_start"] = np.average(z, weights=weights)
    return Table(codes.astype(np.uint8), y, classes, {**counts, **known}, weights)


def boost(
    table: Table,
    rounds: int,
    *,
    parts: Sequence[NDArray[Any]] | None = None,
    subtract: bool = True,
    **options: Any,
) -> tuple[Forest, Ensemble]:
    """Grow an ensemble, the rows of each part in a pool of their own."""
    plain = {"shrinkage": 0.1, "l2": 1.0, "columns": 1.0, "rows": 1.0}
    chosen = Boosting(**{**plain, **options})
    forest = Forest(chosen, table.classes, table.known)
    keys = keys_of(table.codes.astype(float), table.y)
    everyone = [np.arange(len(table.y))] if parts is None else parts
    pools = [Pool.of([_held(table, keys, rows)], forest.last) for rows in everyone]
    ensemble, shape = forest.empty(), chosen.shape(subtract=subtract)
    for number in range(1, rounds + 1):
        columns = chosen.drawn_columns(0, number, len(forest.layout.codes))
        layout, scales = forest.layout.of(columns), forest.scales(ensemble, len(table.y))
        growth, before = Growth.begin(forest.loss.trees, forest.words), []
        while len(growth.asked):
            each = [
                pool.sums(
                    layout,
                    columns,
                    Growth.of(growth.named()),
                    pool.derivatives(ensemble, forest.loss, scales),
                    scales,
                    None if chosen.rows == 1 else drawn(pool.keys, 0, number, chosen.rows),
                )
                for pool in pools
            ]
            total = [np.add.reduce(arrays) for arrays in zip(*each, strict=True)]
            sums = growth.histograms(total, before)
            growth, before = growth.grow(layout, columns, scales, sums, shape), sums[1]
        ensemble = ensemble.then(*growth.finished(shape.shrinkage))
    return forest, ensemble


def _held(table: Table, keys: NDArray[Any], rows: NDArray[Any]) -> Held:
    weights = None if table.weights is None else table.weights[rows]
    return Held(table.codes[rows], table.y[rows], keys[rows], weights)


@pytest.fixture
def make_table() -> Callable[..., Table]:
    return table_of


@pytest.fixture
def grow() -> Callable[..., tuple[Forest, Ensemble]]:
    return boost
