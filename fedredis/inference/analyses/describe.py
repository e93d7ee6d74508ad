"""Descriptive statistics of columns, perhaps by group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fedredis.arguments import argument
from fedredis.errors import UsageError
from fedredis.inference.analyses import shared
from fedredis.inference.coefficients import plain
from fedredis.inference.moments import Groups, Moments
from fedredis.inference.quantiles import Quantiles
from fedredis.inference.stages import Chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.arrays import Named
    from fedredis.inference.analyses.context import Context


@dataclass(frozen=True, eq=False, kw_only=True)
class Describe:
    """Rows, gaps, mean, standard deviation, quantiles, categories, correlations.

    All but the correlations is told by group.
    """

    context: Context
    columns: Sequence[str] = shared.columns("Columns; all, if not given.", "any")
    by: str = shared.column("Describe groups of this column apart.", "category")
    quantiles: Sequence[float] = argument(
        "Quantiles, from 0 to 1.", (0.05, 0.25, 0.5, 0.75, 0.95), metavar="Q,Q,…"
    )
    resolution: float = argument(
        "How exact quantiles are, in standard deviations.", 1e-9, least=0, above=True
    )

    def __post_init__(self) -> None:
        self.context.check(self)
        if not all(0 <= q <= 1 for q in self.quantiles):
            raise UsageError("quantiles lie between 0 and 1")

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        chosen = self.columns or self.context.kinds
        return tuple(name for name in chosen if name != self.by)

    @cached_property
    def _categories(self) -> tuple[str, ...]:
        return self.context.of_kind("category", self._columns)

    @cached_property
    def _moments(self) -> Moments:
        numbers = self.context.of_kind("number", self._columns)
        return Moments(numbers, self._categories, Groups(self.by), self.context.scope)

    @cached_property
    def _quantiles(self) -> Quantiles:
        moments = self._moments
        return Quantiles(
            moments.columns, moments.groups, tuple(self.quantiles), float(self.resolution)
        )

    @cached_property
    def chain(self) -> Chain:
        """Categories, moments, quantiles."""
        named = (*self._categories, *([self.by] if self.by else []))
        levels = self.context.known_levels(named)
        return Chain((*levels, self._moments, self._quantiles))

    def result(self, known: Named) -> dict[str, Any]:
        """Return the figures of each group, and the correlations."""
        names = self.context.levels(self.by, known) if self.by else [None]
        withheld: list[str] = []
        groups = []
        for g, (name, rows) in enumerate(zip(names, known["group_rows"].tolist(), strict=True)):
            if self.context.few(rows):
                whom = f"group '{name}'" if self.by else "all columns"
                withheld.append(f"{whom}: there are few rows")
                continue
            columns = self._group(known, g, rows, withheld)
            groups.append({"group": name, "rows": rows, "columns": columns})
        found: dict[str, Any] = {
            "rows": self.context.scope.rows,
            "by": self.by or None,
            "groups": groups,
            "resolution": self.resolution,
            "withheld": withheld,
        }
        if "correlations" in known:
            found["correlations"] = {
                "columns": list(self._moments.columns),
                "values": [[plain(v) for v in line] for line in known["correlations"].tolist()],
            }
        return found

    def _group(self, known: Named, g: int, rows: int, withheld: list[str]) -> list[dict[str, Any]]:
        numbers = {name: i for i, name in enumerate(self._moments.columns)}
        found: list[dict[str, Any]] = []
        for name in self._columns:
            if name in numbers:
                found.append(self._number(known, g, numbers[name], name, rows, withheld))
                continue
            counts = known[f"counts:{name}"][g].tolist()
            line = {
                "name": name,
                "kind": "category",
                "n": sum(counts),
                "missing": rows - sum(counts),
            }
            if any(map(self.context.few, counts)):
                withheld.append(f"counts of '{name}': a category has few rows")
                counts = [None] * len(counts)
            line["categories"] = [
                {"name": level, "rows": count, "share": count and count / line["n"]}
                for level, count in zip(self.context.levels(name, known), counts, strict=True)
            ]
            found.append(line)
        return found

    def _number(
        self, known: Named, g: int, i: int, name: str, rows: int, withheld: list[str]
    ) -> dict[str, Any]:
        n = int(known["there"][g, i])
        line: dict[str, Any] = {"name": name, "kind": "number", "n": n, "missing": rows - n}
        if self.context.few(n):
            withheld.append(f"'{name}': it has few rows")
            return {**line, "mean": None, "sd": None, "quantiles": {}}
        values = self._quantiles.values(known)[g, i].tolist() if self.quantiles else []
        kept = {}
        for q, value in zip(self.quantiles, values, strict=True):
            # What lies beyond it are few rows as well.
            few = self.context.least > 1 and min(q, 1 - q) * n < self.context.least
            if few:
                withheld.append(f"quantile {q:g} of '{name}': few rows lie beyond it")
            kept[f"{q:g}"] = None if few else plain(value)
        variance = float(known["variances"][g, i])
        mean, sd = plain(float(known["means"][g, i])), plain(math.sqrt(max(variance, 0.0)))
        return {**line, "mean": mean, "sd": None if n < 2 else sd, "quantiles": kept}
