"""Trees as arrays.

The K trees of a round lie together, node after node, level by level: node k < K is the root of
tree k. A node's right child follows its left one, and a node without one is a leaf.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fedredis.errors import BlobError
from fedredis.trees.soundness import NODES, check_rounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Named

#: Categories of a set that are kept in one integer.
WORD = 64


@dataclass(frozen=True, eq=False)
class Trees:
    """The trees of one round, or those of several, one round after the other."""

    #: Column that a node looks at (nodes,).
    column: NDArray[np.int32]
    #: Codes up to this one go left; -1 - s if it is those of set s.
    cut: NDArray[np.int32]
    #: 1 where missing cells go left.
    missing: NDArray[np.int32]
    #: The left child, counted from the round's first node; 0 for a leaf.
    left: NDArray[np.int32]
    #: What a leaf adds to the raw score.
    value: NDArray[np.float64]
    #: What the node's split gained; 0 for a leaf.
    gain: NDArray[np.float64]
    #: The codes in each set (sets, words), a bit each.
    sets: NDArray[np.int64]

    @classmethod
    def none(cls, words: int) -> Self:
        """Return no trees."""
        empty: Named = {name: np.empty(0, dtype) for name, dtype in NODES.items()}
        return cls.of({**empty, "sets": np.empty((0, words), "<i8")})

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Take them from arrays by name."""
        return cls(**{field.name: arrays[field.name] for field in fields(Trees)})

    def named(self) -> Named:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(Trees)}

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self.left)

    def then(self, others: Trees) -> Trees:
        """Return these trees, and others after them."""
        cut = np.where(others.cut < 0, others.cut - len(self.sets), others.cut)
        mine, theirs = self.named(), {**others.named(), "cut": cut}
        return Trees.of({name: np.concatenate([mine[name], theirs[name]]) for name in mine})

    def part(self, start: int, end: int) -> Trees:
        """Return those of some nodes; sets are all kept."""
        return self.at(slice(start, end))

    def at(self, nodes: slice | NDArray[np.intp]) -> Trees:
        """Return those of some nodes; sets are all kept."""
        arrays = self.named()
        return Trees.of({name: arrays[name][nodes] for name in NODES} | {"sets": self.sets})

    def importance(self, columns: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what the splits of each column gain together, and how many there are.

        Raises
        ------
        BlobError
            If one is by a column that is not there.
        """
        inner = self.left > 0
        at = self.column[inner]
        if at.max(initial=-1) >= columns:
            raise BlobError("damaged: a node looks at a column that is not there")
        gains = np.asarray(np.bincount(at, self.gain[inner], columns), np.float64)
        return gains, np.bincount(at, minlength=columns)

    def goes_left(self, most: int, last: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Say which codes go left (nodes, most), given the missing code of each column."""
        nodes = np.arange(self.nodes)
        table = np.arange(most) <= self.cut[:, np.newaxis]
        of_set = np.flatnonzero(self.cut < 0)
        words = np.ascontiguousarray(self.sets[-1 - self.cut[of_set]], "<i8")
        bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little", count=most)
        table[of_set] = bits.astype(np.bool_)
        table[nodes, last[self.column]] = self.missing == 1
        return table

    def apply(
        self, codes: NDArray[Any], nodes: NDArray[np.intp], last: NDArray[np.intp], levels: int
    ) -> NDArray[np.intp]:
        """Let rows go down from their nodes, so many levels at most; leaves keep theirs.

        Parameters
        ----------
        codes
            Of each column and row (columns, n).
        nodes
            Of each tree and row (K, n).
        last
            The missing code of each column.
        """
        n = codes.shape[1]
        most = int(last.max()) + 1
        goes_left = self.goes_left(most, last)
        inner = (self.left > 0)[:, np.newaxis]
        own = np.arange(self.nodes)[:, np.newaxis]
        child = np.where(inner, self.left[:, np.newaxis] + ~goes_left, own).astype(np.intp).ravel()
        line, flat, rows = self.column.astype(np.intp) * n, codes.ravel(), np.arange(n)
        for _ in range(levels):
            cells = line.take(nodes)
            cells += rows
            places = nodes * most
            places += flat.take(cells)
            nodes = child.take(places)
        return nodes


@dataclass(frozen=True, eq=False)
class Ensemble:
    """All trees of a model, round by round."""

    trees: Trees
    #: Raw scores before the first tree (K,).
    start: NDArray[np.float64]
    #: Place of the loss among `losses.NAMES` (1,): what raw scores mean.
    loss: NDArray[np.int64]
    #: The first node of each round (rounds,).
    rounds: NDArray[np.int64]
    #: Levels below the roots of each round (rounds,).
    depth: NDArray[np.int64]
    #: For each round a digest of all trees up to it (rounds,).
    chain: NDArray[np.int64]

    @classmethod
    def empty(cls, start: NDArray[np.float64], loss: int, words: int) -> Self:
        """Return an ensemble without any tree."""
        none = np.empty(0, "<i8")
        return cls(Trees.none(words), start, np.array([loss]), none, none, none)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Take it from arrays by name.

        Raises
        ------
        BlobError
            If they are not the trees of some rounds.
        """
        check_rounds(arrays)
        own = {field.name: arrays[field.name] for field in fields(cls) if field.name != "trees"}
        return cls(Trees.of(arrays), **own)

    @classmethod
    def of_arrays(cls, arrays: Sequence[NDArray[Any]]) -> Self:
        """Take it from arrays in the order of `named`."""
        own = [field.name for field in fields(cls) if field.name != "trees"]
        names = [*own, *(field.name for field in fields(Trees))]
        return cls.of(dict(zip(names, arrays, strict=True)))

    def named(self) -> Named:
        """Return the arrays by name."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "trees"}
        return {**own, **self.trees.named()}

    def then(self, trees: Trees, depth: int) -> Ensemble:
        """Return the ensemble with another round of trees."""
        before = self.chain[-1:]
        return Ensemble(
            self.trees.then(trees),
            self.start,
            self.loss,
            np.append(self.rounds, self.trees.nodes),
            np.append(self.depth, depth),
            np.append(self.chain, digest(before, *trees.named().values())),
        )

    def round(self, number: int) -> Trees:
        """Return the trees of a round, counted from 0."""
        ends = [*self.rounds[1:].tolist(), self.trees.nodes]
        return self.trees.part(int(self.rounds[number]), ends[number])

    @cached_property
    def highest(self) -> float:
        """How far from 0 a raw score can be."""
        if not len(self.rounds):
            return float(np.abs(self.start).max())
        most = np.maximum.reduceat(np.abs(self.trees.value), self.rounds)
        return float(np.abs(self.start).max() + most.sum())

    def raw(
        self,
        codes: NDArray[Any],
        last: NDArray[np.intp],
        *,
        since: int = 0,
        scores: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Return raw scores (K, n) of rows (columns, n), given those after `since` rounds."""
        if scores is None:
            scores = np.repeat(self.start[:, np.newaxis], codes.shape[1], axis=1)
        roots = np.repeat(np.arange(len(self.start))[:, np.newaxis], codes.shape[1], axis=1)
        for number in range(since, len(self.rounds)):
            trees = self.round(number)
            leaves = trees.apply(codes, roots, last, int(self.depth[number]))
            scores = scores + trees.value.take(leaves)
        return scores


def digest(*arrays: NDArray[Any]) -> int:
    """Return a digest of arrays, as an integer of 64 bits."""
    hashed = hashlib.sha256()
    for array in arrays:
        hashed.update(np.ascontiguousarray(array).data)
    return int.from_bytes(hashed.digest()[:8], "little", signed=True)


def bits(members: NDArray[np.bool_], words: int) -> NDArray[np.int64]:
    """Turn members of sets (sets, codes) into bits (sets, words)."""
    padded = np.zeros((len(members), words * WORD), np.bool_)
    padded[:, : members.shape[1]] = members[:, : words * WORD]
    packed = np.packbits(padded, axis=1, bitorder="little")
    return np.ascontiguousarray(packed).view("<i8")
