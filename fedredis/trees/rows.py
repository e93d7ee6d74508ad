"""What a worker keeps in memory of its slaves' rows: raw scores, and the node that each is in.

All of it follows from the trees and the rows, and is made again where it is lost. Slaves that are
worked for together are put together, since only their sum leaves the worker.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    """Some rows of one slave: codes (n, columns), labels (n,), keys (n,), and where they are."""

    codes: NDArray[Any]
    y: NDArray[Any]
    #: Numbers by which rows are drawn, see `keys_of`.
    keys: NDArray[np.uint64]
    #: The rows that they were last put together with, and their places there.
    pool: Pool | None = None
    span: tuple[int, int] = (0, 0)


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
    #: Raw scores (K, n) after so many rounds, with the digest of their trees.
    _scores: NDArray[np.float64] | None = None
    _rounds: int = 0
    _chain: int = 0
    #: Derivatives (K, n) at those scores, as integers.
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
        pool = cls(held, codes, y, keys, last)
        pool._remember()
        start = 0
        for one in held:
            end = start + len(one.y)
            one.pool, one.span, start = pool, (start, end), end
        return pool

    def _remember(self) -> None:
        """Take over what the pools that slaves were in before know of their scores."""
        before = [one.pool for one in self.held if one.pool is not None]
        known = {(pool._rounds, pool._chain) for pool in before if pool._scores is not None}
        if len(before) < len(self.held) or len(known) != 1:
            return
        self._rounds, self._chain = known.pop()
        parts = [pool._scores for pool in before]
        if all(part is not None for part in parts):
            both = zip(parts, self.held, strict=True)
            self._scores = np.concatenate([s[:, slice(*one.span)] for s, one in both], axis=1)

    def raw(self, ensemble: Ensemble) -> NDArray[np.float64]:
        """Return raw scores (K, n) by all trees of an ensemble."""
        rounds = len(ensemble.rounds)
        chain = int(ensemble.chain[-1]) if rounds else 0
        if self._scores is None or (rounds, chain) != (self._rounds, self._chain):
            known = 0 < self._rounds <= rounds
            known = known and int(ensemble.chain[self._rounds - 1]) == self._chain
            since, scores = (self._rounds, self._scores) if known else (0, None)
            self._scores = ensemble.raw(self.codes, self.last, since=since, scores=scores)
            self._rounds, self._chain, self._derivatives = rounds, chain, None
        return self._scores

    def derivatives(self, ensemble: Ensemble, loss: Loss, scales: Scales) -> Pair:
        """Return gradients and packed Hessians (K, n), as integers, after an ensemble."""
        raw = self.raw(ensemble)
        if self._derivatives is None or scales != self._scales:
            g, h = loss.gradients(raw, self.y)
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
