"""The trees of one round while they grow, all of them level by level.

Of two children the histogram of the smaller one is asked for; the other's is what remains of
their parent's. With a limit of leaves a tree is what best-first growth would make of it: a split
that would not be reached there is not made, or is taken back.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fedredis.trees.ensemble import Trees, bits, digest
from fedredis.trees.soundness import NODES, check_trees
from fedredis.trees.splits import best, leaf_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.trees.histograms import Scales
    from fedredis.trees.layout import Layout
    from fedredis.trees.splits import Limits, Splits


@dataclass(frozen=True, eq=False)
class Shape:
    """How trees may grow."""

    limits: Limits
    depth: int
    #: Leaves of a tree at most.
    leaves: int
    shrinkage: float
    #: Whether histograms may be taken from each other: all of them are of the same rows.
    subtract: bool


@dataclass(frozen=True, eq=False)
class Growth:
    """The trees of a round, and what is to be asked next; values of leaves are not yet shrunk."""

    trees: Trees
    level: int
    #: Nodes whose histograms are wanted (m,).
    asked: NDArray[np.int64]
    #: For each the node whose histogram follows from it, -1 for none, and the place of their
    #: parent among the histograms of the level before (m,).
    sibling: NDArray[np.int64]
    parent: NDArray[np.int64]
    #: How many trees there are.
    roots: int
    #: Digests of these trees and of those a level before.
    chain: int = 0
    before: int = 0

    @classmethod
    def begin(cls, trees: int, words: int) -> Self:
        """Plant so many trees."""
        roots = {name: np.zeros(trees, dtype) for name, dtype in NODES.items()}
        sets = np.empty((0, words), "<i8")
        none = np.full(trees, -1, np.int64)
        return cls(Trees.of({**roots, "sets": sets}), 0, np.arange(trees), none, none, trees)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Take it from arrays by name.

        Raises
        ------
        BlobError
            If they are no trees.
        """
        check_trees(arrays)
        asked, sibling, parent = (arrays[name] for name in ("asked", "sibling", "parent"))
        level, roots, chain, before = arrays["state"].tolist()
        return cls(Trees.of(arrays), level, asked, sibling, parent, roots, chain, before)

    def named(self) -> Named:
        """Return the arrays by name."""
        state = np.array([self.level, self.roots, self.chain, self.before], np.int64)
        own = {"state": state, "asked": self.asked, "sibling": self.sibling, "parent": self.parent}
        return {**own, **self.trees.named()}

    def asking_all(self) -> Growth:
        """Return the same, but with nothing that follows from something else."""
        asked = np.concatenate([self.asked, self.sibling[self.sibling >= 0]])
        none = np.full(len(asked), -1, np.int64)
        return replace(self, asked=asked, sibling=none, parent=none)

    def histograms(self, total: Arrays, before: Arrays) -> tuple[NDArray[np.int64], Arrays]:
        """Return the nodes that may be split, in order, and their histograms.

        Parameters
        ----------
        total
            What was asked for (m, codes).
        before
            All histograms of the level before.
        """
        derived = np.flatnonzero(self.sibling >= 0)
        nodes = np.concatenate([self.asked, self.sibling[derived]])
        order = np.argsort(nodes)
        if not len(derived):
            return nodes[order], [array[order] for array in total]
        rest = [
            parents[self.parent[derived]] - array[derived]
            for parents, array in zip(before, total, strict=True)
        ]
        both = zip(total, rest, strict=True)
        return nodes[order], [np.concatenate(arrays)[order] for arrays in both]

    def grow(
        self,
        layout: Layout,
        columns: NDArray[np.intp],
        scales: Scales,
        sums: tuple[NDArray[np.int64], Arrays],
        shape: Shape,
    ) -> Growth:
        """Split the nodes whose histograms are known; nothing is asked any more at the end.

        `layout` is that of the `columns` that take part.
        """
        nodes, histograms = sums
        splits = best(layout, scales, histograms, shape.limits)
        whole = [array[:, : layout.codes[0]].sum(axis=1) for array in histograms]
        arrays = {name: array.copy() for name, array in self.trees.named().items()}
        if self.level == 0:
            arrays["value"][nodes] = leaf_values(scales, whole, shape.limits.l2)
        arrays["gain"][nodes] = splits.gain
        arrays["left"][nodes] = np.where(splits.gain > 0, _UNBORN, 0)
        kept = _best_first(arrays, self.roots, shape.leaves)
        for name in ("gain", "left"):
            arrays[name][~kept] = 0
        at = np.flatnonzero(arrays["left"][nodes] == _UNBORN)
        arrays["left"][nodes[at]] = self.trees.nodes + 2 * np.arange(len(at))
        self._describe(arrays, nodes[at], columns, layout, splits, at)
        left = [array[at] for array in splits.left]
        right = [array[at] - one for array, one in zip(whole, left, strict=True)]
        children = [np.stack(pair, axis=1).ravel() for pair in zip(left, right, strict=True)]
        born = {name: np.zeros(2 * len(at), dtype) for name, dtype in NODES.items()}
        born["value"] = leaf_values(scales, children, shape.limits.l2)
        grown = {name: np.concatenate([arrays[name], born[name]]) for name in NODES}
        trees = Trees.of({**grown, "sets": arrays["sets"]})
        following = replace(self, trees=trees, level=self.level + 1)
        return following._ask(children[1].reshape(-1, 2), at, shape)

    def _describe(
        self,
        arrays: dict[str, NDArray[Any]],
        nodes: NDArray[np.int64],
        columns: NDArray[np.intp],
        layout: Layout,
        splits: Splits,
        at: NDArray[np.intp],
    ) -> None:
        """Write the splits of some nodes, by their places among all splits."""
        column = splits.column[at]
        by_set = np.take(layout.categorical, column)
        last = np.take(layout.codes, column) - 1
        sets = bits(splits.goes_left[at[by_set]], arrays["sets"].shape[1])
        names = -1 - (len(arrays["sets"]) + np.cumsum(by_set) - 1)
        arrays["column"][nodes] = columns[column]
        arrays["cut"][nodes] = np.where(by_set, names, splits.cut[at])
        arrays["missing"][nodes] = splits.goes_left[at, last]
        arrays["sets"] = np.concatenate([arrays["sets"], sets])

    def _ask(self, rows: NDArray[np.int64], parent: NDArray[np.intp], shape: Shape) -> Growth:
        """Choose what to ask next, given the rows of the youngest pairs (pairs, 2)."""
        first = self.trees.nodes - rows.size
        pairs = first + np.arange(rows.size).reshape(-1, 2)
        divisible = rows >= 2 * max(1, shape.limits.min_rows)
        if self.level >= shape.depth:
            divisible[:] = False
        if not shape.subtract:
            asked = pairs[divisible]
            sibling = parents = np.full(len(asked), -1, np.int64)
        else:
            some = divisible.any(axis=1)
            smaller = (rows[:, 1] < rows[:, 0]).astype(np.intp)[some]
            pairs, divisible, line = pairs[some], divisible[some], np.arange(some.sum())
            asked = pairs[line, smaller]
            sibling = np.where(divisible[line, 1 - smaller], pairs[line, 1 - smaller], -1)
            parents = parent[some]
        chain = digest(np.array([self.chain]), *self.trees.named().values())
        return replace(
            self,
            asked=asked.astype(np.int64),
            sibling=sibling.astype(np.int64),
            parent=parents.astype(np.int64),
            chain=chain,
            before=self.chain,
        )

    def finished(self, shrinkage: float) -> tuple[Trees, int]:
        """Return the grown trees without what was taken back, and their levels below the roots."""
        arrays = self.trees.named()
        order, levels = [np.arange(self.roots)], 0
        while True:
            left = arrays["left"][order[-1]]
            inner = left[left > 0]
            if not len(inner):
                break
            order.append(np.stack([inner, inner + 1], axis=1).ravel())
            levels += 1
        old = np.concatenate(order)
        new = np.zeros(self.trees.nodes, np.int32)
        new[old] = np.arange(len(old), dtype=np.int32)
        kept = {name: arrays[name][old] for name in NODES}
        leaf = kept["left"] == 0
        kept["left"] = np.where(leaf, 0, new[kept["left"]]).astype("<i4")
        kept["value"] = np.where(leaf, shrinkage * kept["value"], 0.0)
        for name in ("column", "cut", "missing"):
            kept[name] = np.where(leaf, 0, kept[name]).astype("<i4")
        used = np.flatnonzero(kept["cut"] < 0)
        sets = arrays["sets"][-1 - kept["cut"][used]]
        kept["cut"][used] = -1 - np.arange(len(used))
        return Trees.of({**kept, "sets": sets}), levels


#: Marks a split whose children have no place yet.
_UNBORN = np.iinfo(np.int32).max


def _best_first(arrays: Mapping[str, NDArray[Any]], trees: int, leaves: int) -> NDArray[np.bool_]:
    """Say which splits (nodes,) would be made if always the one that gains most were next."""
    left, gain = arrays["left"], arrays["gain"]
    if not leaves:
        return np.ones(len(left), np.bool_)
    kept = np.zeros(len(left), np.bool_)
    for root in range(trees):
        heap = [(-float(gain[root]), root)] if left[root] else []
        for _ in range(leaves - 1):
            if not heap:
                break
            _, node = heapq.heappop(heap)
            kept[node] = True
            if left[node] != _UNBORN:
                for child in (int(left[node]), int(left[node]) + 1):
                    if left[child]:
                        heapq.heappush(heap, (-float(gain[child]), child))
    return kept
