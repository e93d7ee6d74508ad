"""A round of growing: one level of all trees that a round of boosting adds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Self, cast

import numpy as np

from fedredis.arrays import Added, Sum
from fedredis.exchanges.base import OfAll
from fedredis.exchanges.plan import GROWN, GROWS
from fedredis.exchanges.protocol import Step
from fedredis.trees.ensemble import Ensemble
from fedredis.trees.growth import Growth, Shape
from fedredis.trees.rows import Pool, drawn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Updates
    from fedredis.exchanges.coded import Coded
    from fedredis.exchanges.protocol import AtHand, Reduced
    from fedredis.exchanges.setup import Setup
    from fedredis.trees.boosting import Boosting
    from fedredis.trees.forest import Forest
    from fedredis.trees.histograms import Scales
    from fedredis.trees.layout import Layout


@dataclass(frozen=True, eq=False)
class Growing(OfAll):
    """One level of the trees that lead from ``model:<t - 1>`` to ``model:<t>``.

    It reads what the level before has left, ``growth:<n - 1>``, unless the trees are only now
    planted. The master also reads ``histograms:<n - 1>``, from which it takes some of this level.
    """

    KIND = "grow"
    JOB = "train"

    setup: Setup
    number: int
    known: Named
    ensemble: Ensemble
    growth: Growth
    histograms: Arrays

    @classmethod
    def of(cls, setup: Setup, number: int, given: Mapping[str, Named]) -> Self:
        """Make the exchange, from the preprocessing, the model and the trees that grow."""
        ensemble = Ensemble.of(given["model"])
        if "growth" in given:
            growth = Growth.of(given["growth"])
        else:
            words = ensemble.trees.sets.shape[1]
            growth = Growth.begin(len(ensemble.start), words)
        histograms = list(given.get("histograms", {}).values())
        return cls(setup, number, given["known"], ensemble, growth, histograms)

    @property
    def round(self) -> int:
        """The round of boosting."""
        return len(self.ensemble.rounds) + 1

    @cached_property
    def slaves(self) -> tuple[str, ...]:
        """All, or a sample of them, the same for all levels of a round."""
        return self.setup.config.trainers(self.round)

    @property
    def _options(self) -> Boosting:
        return self.setup.boosting

    @cached_property
    def _forest(self) -> Forest:
        return self.setup.forest(self.known)

    @cached_property
    def _columns(self) -> NDArray[np.intp]:
        columns = len(self._forest.layout.codes)
        return self._options.drawn_columns(self.setup.config.seed, self.round, columns)

    @cached_property
    def _layout(self) -> Layout:
        return self._forest.layout.of(self._columns)

    @cached_property
    def _scales(self) -> Scales:
        return self._forest.scales(self.ensemble, self.setup.config.rows)

    @property
    def _shape(self) -> Shape:
        # Where slaves may be missing, a histogram may lack rows that its parent has.
        return self._options.shape(subtract=not self.setup.config.quorum)

    @cached_property
    def rule(self) -> Sum:
        """Histograms of gradients, Hessians and rows, by node, column and code."""
        nodes = len(self.growth.asked)
        return Sum(self._scales.quantities(nodes, self._layout.total), self.setup.scope)

    def local(self, at: AtHand) -> Updates:
        """Add up the rows that each slave trains on, all slaves' in one go."""
        prepare = partial(self.setup.prepare, self.known)
        # In order: slaves that come together again are then found together.
        names = sorted(at.slaves)
        return self._added({name: cast("Coded", at.inputs(name, prepare)) for name in names})

    def _added(self, of: Mapping[str, Coded]) -> Updates:
        pool = Pool.of([rows.train for rows in of.values()], self._forest.last)
        derivatives = pool.derivatives(self.ensemble, self._forest.loss, self._scales)
        share = self._options.rows
        some = None if share == 1 else drawn(pool.keys, self.setup.config.seed, self.round, share)
        sums = pool.sums(self._layout, self._columns, self.growth, derivatives, self._scales, some)
        names = tuple(of)
        samples = np.array([len(rows.train.y) for rows in of.values()], np.int64)
        whole = self.rule.encode([array[np.newaxis] for array in sums], samples.sum(keepdims=True))
        return Added(
            names,
            samples,
            whole,
            again=lambda places: self._added({names[i]: of[names[i]] for i in places}),
        )

    def learn(self, reduced: Reduced) -> Step:
        """Let the trees grow by a level; when they are grown, add them to the model.

        Where slaves are missing nothing can be taken from sums that are of all, nor where these
        are gone: then it is asked again for everything that would have followed.
        """
        drop = (f"growth:{self.number - 1}", f"histograms:{self.number - 1}")
        apart = reduced.complete and len(self.histograms) > 0
        if not apart and (self.growth.sibling >= 0).any():
            return self._on(self.growth.asking_all(), [], drop)
        sums = self.growth.histograms(reduced.total, self.histograms)
        grown = self.growth.grow(self._layout, self._columns, self._scales, sums, self._shape)
        if len(grown.asked):
            return self._on(grown, sums[1], drop)
        trees, levels = grown.finished(self._options.shrinkage)
        model = f"model:{self.round}"
        # Without a split, and without chance, further rounds would find none either.
        over = not levels and self._options.columns == self._options.rows == 1
        return Step(
            artifacts={model: self.ensemble.then(trees, levels).named()},
            progress={
                "round": str(self.round),
                "model": model,
                "growing": f"{GROWN}{self.number}",
                "converged": str(int(over)),
            },
            entry={"round": self.round, "level": grown.level, "nodes": trees.nodes},
            drop=drop,
        )

    def _on(self, growth: Growth, histograms: Arrays, drop: tuple[str, ...]) -> Step:
        """Go on with the trees; histograms are kept if something follows from them."""
        growing = f"{GROWS}{self.number}"
        artifacts = {growing: growth.named()}
        if (growth.sibling >= 0).any():
            names = [quantity.name for quantity in self.rule.quantities]
            artifacts[f"histograms:{self.number}"] = dict(zip(names, histograms, strict=True))
        return Step(
            artifacts=artifacts,
            progress={"growing": growing},
            entry={"round": self.round, "level": growth.level},
            drop=drop,
        )
