"""A boosted model of a run: what its codes, its loss and its options come to together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import BlobError
from fedredis.trees.ensemble import WORD, Ensemble
from fedredis.trees.histograms import Scales
from fedredis.trees.layout import Layout
from fedredis.trees.losses import NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.trees.boosting import Boosting
    from fedredis.trees.losses import Loss

#: Codes that a column has at most: they are kept in 16 bits.
MOST_CODES = 1 << 16


@dataclass(frozen=True, eq=False)
class Forest:
    """Boosting with its options, once the features know all that they must."""

    options: Boosting
    classes: int
    known: Named

    @cached_property
    def loss(self) -> Loss:
        """What the trees bring down."""
        return self.options.make_loss(self.classes)

    @cached_property
    def layout(self) -> Layout:
        """The codes of all columns: those of the numbers, then those of the categories.

        Raises
        ------
        BlobError
            If what is known comes from elsewhere, and a column has more than there are.
        """
        names, none = ("bin_counts", "category_counts"), np.empty(0, np.int64)
        numbers, categories = (self.known.get(name, none) for name in names)
        counts = np.concatenate([numbers, categories])
        if counts.min(initial=0) < 0 or counts.max(initial=0) >= MOST_CODES:
            raise BlobError("damaged: a column has more codes than there are")
        codes = tuple((counts + 1).tolist())
        return Layout(codes, (False,) * len(numbers) + (True,) * len(categories))

    @property
    def last(self) -> NDArray[np.intp]:
        """The missing code of each column."""
        return np.array(self.layout.codes, np.intp) - 1

    @property
    def words(self) -> int:
        """How many integers a set of categories takes."""
        pairs = zip(self.layout.codes, self.layout.categorical, strict=True)
        return -(-max((codes for codes, is_set in pairs if is_set), default=0) // WORD)

    def empty(self) -> Ensemble:
        """Return the model that the first round starts from.

        Raises
        ------
        DataError
            If the labels are none that the loss is for.
        """
        loss = self.options.loss
        if loss == "auto":
            loss = "log" if self.classes else "squared"
        return Ensemble.empty(self.loss.start(self.known), NAMES.index(loss), self.words)

    def scales(self, ensemble: Ensemble, rows: int) -> Scales:
        """Say how gradients at an ensemble's scores become integers, over so many rows."""
        gradient, hessian = self.loss.bounds(ensemble.highest, self.known)
        weighed = "weight_bound" in self.known
        most = float(self.known["weight_bound"]) if weighed else 1.0
        return Scales.of(
            (gradient * most, hessian * most), rows, flat=self.loss.flat and not weighed
        )

    def predict(self, ensemble: Ensemble, codes: NDArray[Any]) -> NDArray[np.float64]:
        """Predict for codes (n, columns): probabilities (n, classes), or labels (n, 1).

        Labels are standardised.
        """
        raw = ensemble.raw(np.ascontiguousarray(codes.T), self.last)
        return self.loss.predictions(raw, self.known)
