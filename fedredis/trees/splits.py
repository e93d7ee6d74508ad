"""The best split of each node, given its sums by column and code.

A split into left and right gains, with G and H the sums of gradients and Hessians::

    G_L^2 / (H_L + l2) + G_R^2 / (H_R + l2) - G^2 / (H + l2)

(Chen and Guestrin, "XGBoost", KDD 2016). Ties go to the lowest column, then the lowest code, then
to missing cells on the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.trees.histograms import Scales
    from fedredis.trees.layout import Layout

#: Either side of a split has a Hessian of at least this.
LEAST_HESSIAN = 1e-3
#: Categories with less than so many rows' share of a node's Hessian go right, and the mean
#: gradient of the others is drawn towards 0 by so much Hessian before they are put in order (as in
#: LightGBM and scikit-learn).
FEWEST_ROWS, SMOOTHING = 10, 10.0


@dataclass(frozen=True)
class Limits:
    """What a split has to keep to."""

    l2: float
    #: Either side has at least so many rows of all slaves.
    min_rows: int
    min_gain: float


@dataclass(frozen=True, eq=False)
class Splits:
    """The best split of each of m nodes."""

    #: How much it gains (m,); 0 where there is none.
    gain: NDArray[np.float64]
    column: NDArray[np.intp]
    #: The last code that goes left (m,); of no meaning for categories.
    cut: NDArray[np.intp]
    #: The codes that go left (m, most), the missing one among them.
    goes_left: NDArray[np.bool_]
    #: Sums of what goes left, as integers, (m,) each.
    left: Arrays


def best(layout: Layout, scales: Scales, sums: Arrays, limits: Limits) -> Splits:
    """Find the best split of m nodes, given their sums (m, codes), as integers."""
    m = len(sums[0])
    whole = [array[:, : layout.codes[0]].sum(axis=1) for array in sums]
    missing = layout.starts + layout.codes - 1
    gains, lefts = _cuts(layout, scales, sums, whole, missing, limits)
    for j in np.flatnonzero(layout.categorical):
        gains[:, layout.column == j] = -np.inf
    at = gains.reshape(m, -1).argmax(axis=1)
    place, direction = np.divmod(at, gains.shape[2])
    nodes = np.arange(m)
    gain = gains[nodes, place, direction]
    column = layout.column[place]
    cut = place - layout.starts[column]
    left = [array[direction, nodes, place] for array in lefts]
    goes_left = np.arange(layout.most) <= cut[:, np.newaxis]
    goes_left[nodes, np.take(layout.codes, column) - 1] = direction == 1
    for j in np.flatnonzero(layout.categorical):
        end = layout.starts[j] + layout.codes[j]
        of_column = [array[:, layout.starts[j] : end] for array in sums]
        its_gain, its_members, its_left = _sets(scales, of_column, whole, limits)
        better = (its_gain > gain) | ((its_gain == gain) & (j < column) & (gain > 0))
        gain, column = np.where(better, its_gain, gain), np.where(better, j, column)
        left = [np.where(better, new, old) for new, old in zip(its_left, left, strict=True)]
        goes_left[better] = False
        goes_left[better, : layout.codes[j]] = its_members[better]
    # Where a node has no missing cells, those that come later go with the majority.
    none = sums[1][nodes, missing[column]] == 0
    larger = 2 * left[1] > whole[1]
    last = np.take(layout.codes, column) - 1
    goes_left[nodes, last] = np.where(none, larger, goes_left[nodes, last])
    gain = np.where(gain > limits.min_gain, gain, 0.0)
    return Splits(gain, column, cut, goes_left, left)


def leaf_values(scales: Scales, sums: Arrays, l2: float) -> NDArray[np.float64]:
    """Return the best values of nodes, ``-G / (H + l2)``, from their sums (m,), as integers."""
    gradient, hessian, _ = scales.real(sums)
    return -gradient / np.maximum(hessian + l2, np.finfo(np.float64).tiny)


def _cuts(
    layout: Layout,
    scales: Scales,
    sums: Arrays,
    whole: Arrays,
    missing: NDArray[np.intp],
    limits: Limits,
) -> tuple[NDArray[np.float64], Arrays]:
    """Return what each cut gains (m, codes, directions), and the sums on its left.

    The first direction has missing cells on the right, the second one on the left; without any
    missing cell there is the first one only. Sums are (directions, m, codes).
    """
    lefts = []
    for array in sums:
        upto = np.cumsum(array, axis=1)
        before = np.concatenate([np.zeros_like(upto[:, :1]), upto], axis=1)
        lefts.append((upto - before[:, layout.starts[layout.column]])[np.newaxis])
    of_missing = [array[:, missing[layout.column]] for array in sums]
    if of_missing[1].any():
        lefts = [np.concatenate([a, a + b]) for a, b in zip(lefts, of_missing, strict=True)]
    gains = _gains(scales, lefts, [array[:, np.newaxis] for array in whole], limits)
    gains[:, :, missing] = -np.inf
    return np.ascontiguousarray(np.moveaxis(gains, 0, 2)), lefts


def _sets(
    scales: Scales, sums: Arrays, whole: Arrays, limits: Limits
) -> tuple[NDArray[np.float64], NDArray[np.bool_], Arrays]:
    """Return what the best set of a column's categories gains (m,), the set, its sums.

    Categories are put in the order of their mean gradient within the node; then only sets from
    either end of that order have to be looked at (Fisher, "On Grouping for Maximum Homogeneity",
    JASA 1958). As in scikit-learn a set is at most half of the categories, and exactly half of
    them only from the start.
    """
    m, codes = sums[0].shape
    gradient, hessian, _ = scales.real(sums)
    _, of_node, rows = (array[:, np.newaxis] for array in scales.real(whole))
    enough = (hessian * rows >= FEWEST_ROWS * of_node) & (hessian > 0)
    mean = np.where(enough, gradient / (hessian + SMOOTHING), np.inf)
    order = np.argsort(mean, axis=1, kind="stable")
    there = enough.sum(axis=1)
    half = np.where(there > 1, (there + 1) // 2, 0)[:, np.newaxis]
    most = np.stack([half, half - 1])
    lengths = np.arange(1, codes + 1)
    upto = [np.cumsum(np.take_along_axis(array, order, axis=1), axis=1) for array in sums]
    # Of the last so many: all that are there, less the first ones.
    first = there[:, np.newaxis] - lengths
    whole_there = [
        np.take_along_axis(a, np.maximum(there - 1, 0)[:, np.newaxis], axis=1) for a in upto
    ]
    from_end = [
        a - np.where(first > 0, np.take_along_axis(b, np.maximum(first - 1, 0), axis=1), 0)
        for a, b in zip(whole_there, upto, strict=True)
    ]
    lefts = [np.stack([a, b]) for a, b in zip(upto, from_end, strict=True)]
    gains = _gains(scales, lefts, [array[:, np.newaxis] for array in whole], limits)
    gains[lengths > most] = -np.inf
    flat = np.moveaxis(gains, 0, 1).reshape(m, -1)
    end, length = np.divmod(flat.argmax(axis=1), codes)
    nodes = np.arange(m)
    places = np.argsort(order, axis=1, kind="stable")
    from_start = places <= length[:, np.newaxis]
    at_end = (places >= (there - length - 1)[:, np.newaxis]) & enough
    members = np.where(end[:, np.newaxis] == 0, from_start & enough, at_end)
    left = [array[end, nodes, length] for array in lefts]
    return flat.max(axis=1), members, left


def _gains(scales: Scales, lefts: Arrays, whole: Arrays, limits: Limits) -> NDArray[np.float64]:
    """Return what splits gain, -infinity where they may not be."""
    rights = [all_ - left for all_, left in zip(whole, lefts, strict=True)]
    g_left, h_left, n_left = scales.real(lefts)
    g_right, h_right, n_right = scales.real(rights)
    g, h, _ = scales.real(whole)
    fine = np.minimum(n_left, n_right) >= max(1, limits.min_rows)
    fine &= np.minimum(h_left, h_right) >= LEAST_HESSIAN
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = g_left * g_left / (h_left + limits.l2)
        gains += g_right * g_right / (h_right + limits.l2)
        gains -= g * g / (h + limits.l2)
    return np.where(fine, gains, -np.inf)
