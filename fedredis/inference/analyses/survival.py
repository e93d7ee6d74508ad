"""Survival curves with the log-rank test, or proportional hazards."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arguments import argument
from fedredis.errors import UsageError
from fedredis.inference import cox_table
from fedredis.inference.analyses import shared
from fedredis.inference.cox import Covariates, Cox
from fedredis.inference.design import Design
from fedredis.inference.kaplan_meier import curve, log_rank
from fedredis.inference.spread import Spread
from fedredis.inference.stages import Chain
from fedredis.inference.times import Subjects, Times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.arrays import Named
    from fedredis.inference.analyses.context import Context

#: What stands for strata that are the slaves.
BY_SLAVE = "slave"
TIES = ("efron", "breslow")


@dataclass(frozen=True, eq=False, kw_only=True)
class Survival:
    """Kaplan and Meier's curves by group; with `terms`, Cox's proportional hazards."""

    context: Context
    #: Covariates, as for a regression.
    terms: Sequence[Sequence[str]] = ()
    time: str = shared.column("Until when a row was watched.", "number", MISSING)
    event: str = shared.column("1 if it ended with an event.", "number", MISSING)
    by: str = shared.column("Curves of its groups, compared.", "category", words=(BY_SLAVE,))
    strata: str = shared.column(
        "Strata of proportional hazards, or 'slave'.", "category", words=(BY_SLAVE,)
    )
    ties: str = argument("How events at one time are taken.", TIES[0], choices=TIES)
    transform: str = argument(
        "The scale of time in the test of proportionality.",
        cox_table.TRANSFORMS[0],
        choices=cox_table.TRANSFORMS,
    )
    weights: str = shared.weights()
    bases: Mapping[str, str] = shared.bases()
    level: float = shared.level()

    def __post_init__(self) -> None:
        self.context.check(self)
        if self.terms and self.by:
            raise UsageError(
                "`by` is for curves: name strata of proportional hazards with `strata`"
            )
        if self.strata and not self.terms:
            raise UsageError("`strata` is for proportional hazards: name covariates with `cox`")
        if self.by == BY_SLAVE:
            raise UsageError("curves by slave would tell of slaves: name a column")
        _ = self._design.columns

    @cached_property
    def _design(self) -> Design:
        terms, context = tuple(tuple(term) for term in self.terms), self.context
        return Design(terms, context.kinds, False, context.texts, self.bases)

    @cached_property
    def _subjects(self) -> Subjects:
        group = self.by or ("" if self.strata == BY_SLAVE else self.strata)
        return Subjects(self.time, self.event, group, self.weights, self._design.columns)

    @cached_property
    def _cox(self) -> Cox:
        return Cox(
            Covariates(_reduced(self._design), self._subjects),
            self.context.scope,
            efron=self.ties == "efron",
            by_slave=self.strata == BY_SLAVE,
        )

    @cached_property
    def chain(self) -> Chain:
        """Categories, times and rows at risk; with covariates their spread, and steps of a fit."""
        context, subjects = self.context, self._subjects
        named = (*filter(None, [subjects.group]), *self._design.categories)
        levels = context.known_levels(named, subjects.needed, told=False)
        times = Times(subjects, context.scope)
        if not self.terms:
            return Chain((*levels, times))
        spread = Spread(self._cox.covariates, context.scope, context.share)
        return Chain((*levels, times, spread, self._cox))

    def result(self, known: Named) -> dict[str, Any]:
        """Return the curves, or the coefficients."""
        rows = int(known["rows"].sum())
        about = {
            "time": self.time,
            "event": self.event,
            "rows": rows,
            "missing": self.context.scope.rows - rows,
            "events": int(known["events"].sum()),
            "level": self.level,
        }
        if self.terms:
            fitted = cox_table.table(self._cox, known, self.level, self.transform)
            return {**about, "kind": "cox", "strata": self.strata or None, **fitted}
        return {**about, "kind": "kaplan_meier", "by": self.by or None, **self._curves(known)}

    def _curves(self, known: Named) -> dict[str, Any]:
        weight = "_weight" if self.weights else ""
        died, at_risk = known["died" + weight], known["at_risk" + weight]
        names = self.context.levels(self.by, known) if self.by else [None]
        curves, withheld = [], list[str]()
        for g, name in enumerate(names):
            found = curve(known["times"], died[g], at_risk[g], self.level)
            if self.context.least > 1:
                found = self._thinned(found, known["died"][g], withheld, name)
            counted = {"rows": int(known["rows"][g]), "events": int(known["events"][g])}
            curves.append({"group": name, **counted, **found})
        test = log_rank(died, at_risk) if len(names) > 1 and not self.weights else None
        return {"curves": curves, "log_rank": test, "withheld": withheld}

    def _thinned(
        self, found: dict[str, Any], died: Any, withheld: list[str], name: str | None
    ) -> dict[str, Any]:
        """Keep the times between which enough have died, while enough are at risk."""
        least, kept, since = self.context.least, list[int](), 0
        counts = died[died > 0].tolist()
        for i, (gone, there) in enumerate(zip(counts, found["at_risk"], strict=True)):
            since += gone
            if since >= least and (there - gone == 0 or there - gone >= least):
                kept.append(i)
                since = 0
        if len(kept) < len(counts):
            where = f" of '{name}'" if name else ""
            withheld.append(
                f"{len(counts) - len(kept)} times{where}: fewer than {least} events, or rows that "
                "are left"
            )
        thin = {key: [v[i] for i in kept] for key, v in found.items() if isinstance(v, list)}
        ends = np.add.reduceat(counts, [0, *[i + 1 for i in kept[:-1]]]) if kept else np.zeros(0)
        thin["died"] = ends[: len(kept)].tolist() if kept else []
        if kept:
            thin["died"][-1] = int(sum(counts[: kept[-1] + 1]) - sum(thin["died"][:-1]))
        below = [t for t, s in zip(thin["time"], thin["survival"], strict=True) if s <= 0.5]
        return {**thin, "median": below[0] if below else None}


@dataclass(frozen=True)
class _Reduced(Design):
    """A design whose constant is left out after its columns were coded beside it."""

    def pieces(self, known: Named) -> Any:
        """List the columns but the constant."""
        return super().pieces(known)[1:]


def _reduced(design: Design) -> Design:
    return _Reduced(design.terms, design.kinds, True, design.texts, design.bases)
