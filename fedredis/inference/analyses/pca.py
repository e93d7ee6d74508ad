"""Principal components."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fedredis.errors import DataError, UsageError
from fedredis.inference.analyses.context import MOST_SHARE
from fedredis.inference.principal import components
from fedredis.inference.spread import Spread
from fedredis.inference.stages import Chain
from fedredis.inference.variables import Numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.arrays import Named
    from fedredis.inference.analyses.context import Context


@dataclass(frozen=True, eq=False, kw_only=True)
class Pca:
    """Directions in which rows differ most; of correlations, or else of covariances."""

    context: Context
    columns: Sequence[str] = ()
    components: int | None = None
    standardise: bool = True

    def __post_init__(self) -> None:
        self.context.check(self.columns, "number")
        if len(self._numbers.columns) < 2:
            raise UsageError("principal components need two columns of numbers")
        if self.components is not None and self.components < 1:
            raise UsageError("there must be at least 1 component")

    @cached_property
    def _numbers(self) -> Numbers:
        chosen = tuple(self.columns) or self.context.of_kind("number", self.context.kinds)
        return Numbers(chosen)

    @cached_property
    def chain(self) -> Chain:
        """The spread of the columns."""
        share = MOST_SHARE if self.context.least > 1 else 1.0
        return Chain((Spread(self._numbers, self.context.scope, share=share),))

    def result(self, known: Named) -> dict[str, Any]:
        """Return the components."""
        for name, constant in zip(self._numbers.columns, known["constant"].tolist(), strict=True):
            if constant and self.standardise:
                raise DataError("it is the same in all rows: leave it out", column=name)
        rows = int(known["rows"])
        found = components(
            self._numbers.columns,
            known["covariance"],
            rows,
            standardise=self.standardise,
            most=self.components,
        )
        means = dict(zip(self._numbers.columns, known["mean"].tolist(), strict=True))
        return {**found, "means": means, "missing": self.context.scope.rows - rows}
