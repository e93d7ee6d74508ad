"""k-means clusters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fedredis.arguments import argument
from fedredis.errors import UsageError
from fedredis.inference.analyses import shared
from fedredis.inference.clusters import Lloyd
from fedredis.inference.spread import Numbers, Spread
from fedredis.inference.stages import Chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.arrays import Named
    from fedredis.inference.analyses.context import Context


@dataclass(frozen=True, eq=False, kw_only=True)
class KMeans:
    """Centres of k clusters: the best of several starts, which are drawn from a seed."""

    context: Context
    columns: Sequence[str] = shared.columns("Columns of numbers; all, if not given.", "number")
    clusters: int = argument("How many.", 3, least=1)
    starts: int = argument("Starts, of which the best counts.", 10, least=1)
    standardise: bool = argument("Columns as they are, and not standardised.", True, called="raw")
    seed: int = argument("Seed of the starts.", 0, least=0)
    steps: int = argument("How many steps a start takes at most.", 300, least=1)

    def __post_init__(self) -> None:
        self.context.check(self)
        if not self._numbers.columns:
            raise UsageError("clusters need a column of numbers")
        if self.clusters > self.context.scope.rows:
            raise UsageError("there are more clusters than rows")

    @cached_property
    def _numbers(self) -> Numbers:
        return Numbers(self.context.of_kind("number", self.columns or self.context.kinds))

    @cached_property
    def _lloyd(self) -> Lloyd:
        return Lloyd(
            self._numbers,
            clusters=self.clusters,
            starts=self.starts,
            seed=self.seed,
            most_steps=self.steps,
            scope=self.context.scope,
            standardise=self.standardise,
        )

    @cached_property
    def chain(self) -> Chain:
        """The spread of the columns, then steps."""
        return Chain((Spread(self._numbers, self.context.scope), self._lloyd))

    def result(self, known: Named) -> dict[str, Any]:
        """Return the clusters of the best start, the largest first."""
        best = int(known["inertia"].argmin())
        sizes = known["sizes"][best]
        centres = known["mean"] + known["centres"][best] * self._lloyd.scale(known)
        order = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i))
        clusters: list[dict[str, Any]] = []
        withheld = []
        for i in order:
            few = self.context.few(int(sizes[i]))
            if few:
                withheld.append(f"a centre of fewer than {self.context.least} rows")
            names = self._numbers.columns
            centre = (
                None
                if few or not sizes[i]
                else dict(zip(names, map(float, centres[i]), strict=True))
            )
            clusters.append({"rows": None if few else int(sizes[i]), "centre": centre})
        rows = int(known["rows"])
        return {
            "columns": list(self._numbers.columns),
            "standardised": self.standardise,
            "rows": rows,
            "missing": self.context.scope.rows - rows,
            "clusters": clusters,
            "inertia": float(known["inertia"][best]),
            "steps": int(known["steps"]),
            "converged": bool(known["converged"]),
            "withheld": withheld,
        }
