"""What a worker keeps in memory of its slaves' rows: raw scores, and the node that each is in.

All of it follows from the trees and the rows, and is made again where it is lost. Slaves that are
worked for together are put together, since only their sum leaves the worker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays.mixing import mixed

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.trees.ensemble import Ensemble
    from fedredis.trees.growth import Growth
    from fedredis.trees.histograms import Pair, Scales
    from fedredis.trees.layout import Layout
    from fedredis.trees.losses import Loss


@dataclass(eq=False)
class Held:
    """Some rows of one slave: codes (n, columns), labels, keys, weights (n,), where they are."""

    codes: NDArray[Any]
    y: NDArray[Any]
    #: Numbers by which rows are drawn, see `keys_of`.
    keys: NDArray[np.uint64]
    #: None where all rows weigh the same.
    weights: NDArray[Any] | None = None
    #: What they were last put together in, and their places there.
    pool: Pool | None = None
    span: slice = field(default_factory=lambda: slice(0))

    @property
    def known(self) -> Mapping[str, Known]:
        """What is known of these rows from where they were last put together."""
        there = {} if self.pool is None else self.pool.known
        return {what: known.part(self.span) for what, known in there.items()}


@dataclass(frozen=True, eq=False)
class Known:
    """Lines (K, n) that follow from n rows and from something else, which `of` tells apart."""

    of: Hashable
    lines: tuple[NDArray[Any], ...]

    def part(self, rows: slice) -> Known:
        """Return those of some rows."""
        return Known(self.of, tuple(line[:, rows] for line in self.lines))

    @classmethod
    def joined(cls, parts: Sequence[Known | None]) -> Known | None:
        """Put those of several slaves side by side, if all are there and of the same."""
        there = [part for part in parts if part is not None]
        if len(there) < len(parts) or len({part.of for part in there}) > 1:
            return None
        lines = zip(*(part.lines for part in there), strict=True)
        return cls(there[0].of, tuple(np.concatenate(each, axis=1) for each in lines))


def scores_by(
    ensemble: Ensemble, codes: NDArray[Any], last: NDArray[np.intp], before: Known | None
) -> Known:
    """Make the raw scores by all trees, from those by its first trees if these are known.

    They are told apart by how many rounds of trees there are, and their digest.
    """
    rounds = len(ensemble.rounds)
    chain = int(ensemble.chain[-1]) if rounds else 0
    if before is not None:
        of: Any = before.of
        if of == (rounds, chain):
            return before
        since, its = of
        if 0 < since < rounds and int(ensemble.chain[since - 1]) == its:
            raw = ensemble.raw(codes, last, since=since, scores=before.lines[0])
            return Known((rounds, chain), (raw,))
    return Known((rounds, chain), (ensemble.raw(codes, last),))


@dataclass(eq=False)
class Pool:
    """The rows of some slaves, put together.

    Which slaves are together changes from level to level, as workers are free. What is `known` of
    their rows goes with them: ``scores``, the raw ones; ``derivatives`` at these, as integers;
    ``nodes`` in the trees that grow.
    """

    held: Sequence[Held]
    #: (columns, n)
    codes: NDArray[Any]
    y: NDArray[Any]
    keys: NDArray[np.uint64]
    #: The missing code of each column.
    last: NDArray[np.intp]
    weights: NDArray[Any] | None = None
    known: dict[str, Known] = field(default_factory=dict)
    #: Where slaves come with scores by different trees, or with none: those of each.
    _each: Sequence[Known | None] = ()

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
        brought = [one.known for one in held]
        pool._each = [known.get("scores") for known in brought]
        for what in ("scores", "derivatives", "nodes"):
            together = Known.joined([known.get(what) for known in brought])
            if together is not None:
                pool.known[what] = together
        start = 0
        for one in held:
            end = start + len(one.y)
            one.pool, one.span, start = pool, slice(start, end), end
        return pool

    def raw(self, ensemble: Ensemble) -> NDArray[np.float64]:
        """Return raw scores (K, n) by all trees of an ensemble."""
        if "scores" not in self.known:
            each = [
                scores_by(ensemble, np.ascontiguousarray(one.codes.T), self.last, scores)
                for one, scores in zip(self.held, self._each, strict=True)
            ]
            raw = np.concatenate([scores.lines[0] for scores in each], axis=1)
            self.known["scores"] = Known(each[0].of, (raw,))
        scores = scores_by(ensemble, self.codes, self.last, self.known["scores"])
        self.known["scores"], self._each = scores, ()
        return scores.lines[0]

    def derivatives(self, ensemble: Ensemble, loss: Loss, scales: Scales) -> Pair:
        """Return gradients and packed Hessians (K, n), as integers, after an ensemble."""
        raw = self.raw(ensemble)
        of, known = (self.known["scores"].of, scales), self.known.get("derivatives")
        if known is None or known.of != of:
            g, h = loss.gradients(raw, self.y)
            if self.weights is not None:
                g, h = g * self.weights, h * self.weights
            known = Known(of, (scales.integers(g, scales.gradient), scales.packed(h)))
            self.known["derivatives"] = known
        gradients, hessians = known.lines
        return gradients, hessians

    def nodes(self, growth: Growth) -> NDArray[np.intp]:
        """Return the node of each row in each growing tree (K, n)."""
        known = self.known.get("nodes") if growth.level else None
        if known is None or known.of != growth.chain:
            if known is not None and growth.level > 1 and known.of == growth.before:
                nodes, levels = known.lines[0], 1
            else:
                roots = np.arange(growth.roots)[:, np.newaxis]
                nodes, levels = np.repeat(roots, len(self.y), axis=1), growth.level
            nodes = growth.trees.apply(self.codes, nodes, self.last, levels)
            known = self.known["nodes"] = Known(growth.chain, (nodes,))
        return known.lines[0]

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
        keys = mixed(keys ^ values.view(np.uint64))
    return keys


def drawn(keys: NDArray[np.uint64], seed: int, number: int, share: float) -> NDArray[np.bool_]:
    """Say which rows (n,) take part in a round."""
    entropy = np.random.SeedSequence([seed, 2, number]).generate_state(1, np.uint64)
    uniform = (mixed(keys ^ entropy) >> np.uint64(11)).astype(np.float64)
    below: NDArray[np.bool_] = uniform < share * 2.0**53
    return below
