"""Principal components."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arguments import argument
from fedredis.errors import DataError, UsageError
from fedredis.inference.analyses import shared
from fedredis.inference.spread import Numbers, Spread
from fedredis.inference.stages import Chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.arrays import Named
    from fedredis.inference.analyses.context import Context


@dataclass(frozen=True, eq=False, kw_only=True)
class Pca:
    """Directions in which rows differ most; of correlations, or else of covariances."""

    context: Context
    columns: Sequence[str] = shared.columns("Columns of numbers; all, if not given.", "number")
    components: int | None = argument("How many to list; all, if not given.", least=1)
    standardise: bool = argument("Of covariances, and not of correlations.", True, called="raw")

    def __post_init__(self) -> None:
        self.context.check(self)
        if len(self._numbers.columns) < 2:
            raise UsageError("principal components need two columns of numbers")

    @cached_property
    def _numbers(self) -> Numbers:
        return Numbers(self.context.of_kind("number", self.columns or self.context.kinds))

    @cached_property
    def chain(self) -> Chain:
        """The spread of the columns."""
        share = self.context.share if self.context.least > 1 else math.inf
        return Chain((Spread(self._numbers, self.context.scope, share),))

    def result(self, known: Named) -> dict[str, Any]:
        """Return the components."""
        for name, constant in zip(self._numbers.columns, known["constant"].tolist(), strict=True):
            if constant and self.standardise:
                raise DataError("it is the same in all rows: leave it out", column=name)
        names, rows = self._numbers.columns, int(known["rows"])
        scale = known["scale"] if self.standardise else 1.0
        values, vectors = np.linalg.eigh(known["covariance"] / np.multiply.outer(scale, scale))
        # The most first, each with a positive largest loading, and divided by n - 1, as in
        # scikit-learn.
        values, vectors = np.maximum(values[::-1], 0) * rows / (rows - 1), vectors.T[::-1]
        largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, np.newaxis], 1)
        vectors, shares = vectors * np.sign(largest), values / values.sum()
        lines = zip(values, shares, np.cumsum(shares), vectors, strict=True)
        return {
            "columns": list(names),
            "standardised": self.standardise,
            "rows": rows,
            "components": [
                {
                    "variance": float(value),
                    "share": float(share),
                    "cumulative": float(together),
                    "loadings": dict(zip(names, vector.tolist(), strict=True)),
                }
                for value, share, together, vector in islice(lines, self.components)
            ],
            "means": dict(zip(names, known["mean"].tolist(), strict=True)),
            "missing": self.context.scope.rows - rows,
        }
