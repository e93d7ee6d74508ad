"""What a worker keeps in memory of its slaves' rows: raw scores, and the node that each is in.

All of it follows from the trees and the rows, and is made again where it is lost. Slaves that are
worked for together are put together, since only their sum leaves the worker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.trees.ensemble import Ensemble
    from fedredis.trees.growth import Growth
    from fedredis.trees.histograms import Pair, Scales
    from fedredis.trees.layout import Layout
    from fedredis.trees.losses import Loss

#: Of the generator SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@dataclass(eq=False)
class Held:
    """Some rows of one slave: codes (n, columns), labels, keys, weights (n,), where they are."""

    codes: NDArray[Any]
    y: NDArray[Any]
    #: Numbers by which rows are drawn, see `keys_of`.
    keys: NDArray[np.uint64]
    #: None where all rows weigh the same.
    weights: NDArray[Any] | None = None
    #: The rows that they were last put together with, and their places there.
    pool: Pool | None = None
    span: slice = field(default_factory=lambda: slice(0))

    def cut(self, lines: NDArray[Any] | None) -> NDArray[Any] | None:
        """Return its own part of what is known of all rows (…, n), if anything is."""
        return None if lines is None else lines[:, self.span]


@dataclass(frozen=True, eq=False)
class Scores:
    """Raw scores (K, n) after so many rounds, with the digest of their trees."""

    raw: NDArray[np.float64]
    rounds: int
    chain: int

    @classmethod
    def by(
        cls, ensemble: Ensemble, codes: NDArray[Any], last: NDArray[np.intp], before: Scores | None
    ) -> Scores:
        """Make those of all trees of an ensemble, from those of its first trees if it has them."""
        rounds = len(ensemble.rounds)
        chain = int(ensemble.chain[-1]) if rounds else 0
        if before is None or (before.rounds, before.chain) == (rounds, chain):
            return before or cls(ensemble.raw(codes, last), rounds, chain)
        since = before.rounds
        known = 0 < since < rounds and int(ensemble.chain[since - 1]) == before.chain
        if not known:
            return cls(ensemble.raw(codes, last), rounds, chain)
        return cls(ensemble.raw(codes, last, since=since, scores=before.raw), rounds, chain)


@dataclass(eq=False)
class Pool:
    """The rows of some slaves, put together."""

    held: Sequence[Held]
    #: (columns, n)
    codes: NDArray[Any]
    y: NDArray[Any]
    keys: NDArray[np.uint64]
    #: The missing code of each column.
    last: NDArray[np.intp]
    weights: NDArray[Any] | None = None
    _scores: Scores | None = None
    #: Where slaves come from different pools, or have been nowhere: the scores of each.
    _each: Sequence[Scores | None] = ()
    #: Derivatives (K, n) at the scores, as integers.
    _derivatives: Pair | None = None
    _scales: Scales | None = None
    #: The nodes (K, n) in the trees that grow, and the digest of these.
    _nodes: NDArray[np.intp] | None = None
    _nodes_of: int = 0

    @classmethod
    def of(cls, held: Sequence[Held], last: NDArray[np.intp]) -> Pool:
        """Return the rows of some slaves, the same object as long as they stay together."""
        pool = held[0].pool
        if pool is not None and list(pool.held) == list(held):
            return pool
        codes = np.concatenate([np.ascontiguousarray(one.codes.T) for one in held], axis=1)
        y, keys = (np.concatenate([getattr(one, of) for one in held]) for of in ("y", "keys"))
        weights = [one.weights for one in held if one.weights is not None]
        pool = cls(held, codes, y, keys, last, np.concatenate(weights) if weights else None)
        pool._take_over()
        start = 0
        for one in held:
            end = start + len(one.y)
            one.pool, one.span, start = pool, slice(start, end), end
        return pool

    def _take_over(self) -> None:
        """Take what is known of the slaves' rows from the pools that they were in before."""
        self._each = [
            Scores(
                one.pool._scores.raw[:, one.span], one.pool._scores.rounds, one.pool._scores.chain
            )
            if one.pool is not None and one.pool._scores is not None
            else None
            for one in self.held
        ]
        pools = [one.pool for one in self.held if one.pool is not None]
        if len(pools) < len(self.held) or len({pool._nodes_of for pool in pools}) > 1:
            return
        parts = [one.cut(pool._nodes) for one, pool in zip(self.held, pools, strict=True)]
        there = [part for part in parts if part is not None]
        if len(there) == len(parts):
            self._nodes, self._nodes_of = np.concatenate(there, axis=1), pools[0]._nodes_of

    def raw(self, ensemble: Ensemble) -> NDArray[np.float64]:
        """Return raw scores (K, n) by all trees of an ensemble."""
        before = self._scores
        if before is None:
            each = [
                Scores.by(ensemble, np.ascontiguousarray(one.codes.T), self.last, scores)
                for one, scores in zip(self.held, self._each, strict=True)
            ]
            raw = np.concatenate([scores.raw for scores in each], axis=1)
            self._scores, self._each = Scores(raw, each[0].rounds, each[0].chain), ()
        else:
            self._scores = Scores.by(ensemble, self.codes, self.last, before)
        if self._scores is not before:
            self._derivatives = None
        return self._scores.raw

    def derivatives(self, ensemble: Ensemble, loss: Loss, scales: Scales) -> Pair:
        """Return gradients and packed Hessians (K, n), as integers, after an ensemble."""
        raw = self.raw(ensemble)
        if self._derivatives is None or scales != self._scales:
            g, h = loss.gradients(raw, self.y)
            if self.weights is not None:
                g, h = g * self.weights, h * self.weights
            self._derivatives = scales.integers(g, scales.gradient), scales.packed(h)
            self._scales = scales
        return self._derivatives

    def nodes(self, growth: Growth) -> NDArray[np.intp]:
        """Return the node of each row in each growing tree (K, n)."""
        nodes, levels = self._nodes, 1
        if nodes is not None and growth.level and self._nodes_of == growth.chain:
            return nodes
        if nodes is None or growth.level <= 1 or self._nodes_of != growth.before:
            nodes = np.repeat(np.arange(growth.roots)[:, np.newaxis], len(self.y), axis=1)
            levels = growth.level
        self._nodes = growth.trees.apply(self.codes, nodes, self.last, levels)
        self._nodes_of = growth.chain
        return self._nodes

    def sums(
        self,
        layout: Layout,
        columns: NDArray[np.intp],
        growth: Growth,
        derivatives: Pair,
        scales: Scales,
        drawn: NDArray[np.bool_] | None,
    ) -> Arrays:
        """Return the histograms (m, codes) that are asked for, over the rows that are drawn."""
        nodes = len(growth.asked)
        slot = np.full(growth.trees.nodes, -1, np.intp)
        slot[growth.asked] = np.arange(nodes)
        slots = slot.take(self.nodes(growth))
        if drawn is not None:
            slots[:, ~drawn] = -1
        slots = slots.ravel()
        items = np.flatnonzero(slots >= 0)
        lines = [self.codes[j] for j in columns]
        return scales.sums(layout, lines, items, slots.take(items), derivatives, nodes)


def keys_of(X: NDArray[Any], y: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a number for each row (n,), which depends on its cells X (n, columns) and label y.

    Rows are drawn by it, and not by their places or owners: the same whoever holds them.
    """
    keys = np.zeros(len(X), np.uint64)
    for cells in (*X.T, y):
        # Of -0.0 and 0.0, and of all that is not a number, the bits are made the same.
        values = np.where(np.isnan(cells), np.nan, cells + 0.0).astype("<f8")
        keys = _mixed(keys ^ values.view(np.uint64))
    return keys


def drawn(keys: NDArray[np.uint64], seed: int, number: int, share: float) -> NDArray[np.bool_]:
    """Say which rows (n,) take part in a round."""
    entropy = np.random.SeedSequence([seed, 2, number]).generate_state(1, np.uint64)
    uniform = (_mixed(keys ^ entropy) >> np.uint64(11)).astype(np.float64)
    below: NDArray[np.bool_] = uniform < share * 2.0**53
    return below


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash integers to 64 bits."""
    z = z + np.uint64(_STEP)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_FIRST)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_SECOND)
    return z ^ (z >> np.uint64(31))
