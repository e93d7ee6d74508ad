"""Generalised linear models."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fedredis.errors import UsageError
from fedredis.inference.design import Design
from fedredis.inference.families import choose
from fedredis.inference.glm import Scoring
from fedredis.inference.glm_table import table
from fedredis.inference.spread import Spread
from fedredis.inference.stages import Chain
from fedredis.inference.weighted import Weighted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.arrays import Named
    from fedredis.inference.analyses.context import Context

#: How standard errors may be estimated, beside by the model.
COVARIANCES = ("model", "HC0", "HC1", "cluster")


@dataclass(frozen=True, eq=False, kw_only=True)
class Glm:
    """Coefficients of a generalised linear model; see `Design`, `Weighted` and `Scoring`.

    Parameters
    ----------
    terms
        Each the texts of its factors; all other columns, if not given.
    positive
        Where labels are categories, the one that counts as 1; the last one, if not given.
    bases
        Categories that others are compared with, by column.
    level
        Of confidence intervals.
    """

    context: Context
    label: str
    terms: Sequence[Sequence[str]] | None = None
    intercept: bool = True
    family: str = "gaussian"
    link: str | None = None
    offset: str = ""
    weights: str = ""
    frequency: bool = False
    covariance: str = "model"
    positive: str = ""
    bases: Mapping[str, str] = field(default_factory=dict)
    level: float = 0.95

    def __post_init__(self) -> None:
        self.context.check([self.label])
        self.context.check([n for n in (self.offset, self.weights) if n], "number")
        choose(self.family, self.link)
        if self.covariance not in COVARIANCES:
            raise UsageError(f"standard errors are one of {', '.join(COVARIANCES)}")
        if self.covariance == "cluster" and self.context.scope.slaves < 2:
            raise UsageError("errors clustered by slave need at least two slaves")
        if not 0 < self.level < 1:
            raise UsageError("the level of intervals lies between 0 and 1")
        if not self._design.terms and not self.intercept:
            raise UsageError("there is nothing to explain the label by")
        if self.label in self._design.columns:
            raise UsageError(f"the label '{self.label}' can't explain itself")
        _ = self._rows

    @cached_property
    def _design(self) -> Design:
        others = {self.label, self.offset, self.weights}
        every = [(name,) for name in self.context.kinds if name not in others]
        terms = tuple(tuple(term) for term in (every if self.terms is None else self.terms))
        return Design(terms, self.context.kinds, self.intercept, self.context.texts, self.bases)

    @cached_property
    def _rows(self) -> Weighted:
        positive = None
        if self.context.kinds[self.label] == "category":
            if self.family != "binomial":
                raise UsageError(f"the label '{self.label}' holds categories, not numbers")
            known = sorted(self.context.texts.get(self.label, {}).values())
            if not self.positive and len(known) != 2:
                raise UsageError(
                    f"which category of '{self.label}' counts as 1 has to be said: `positive`"
                )
            positive = self.context.digest(self.label, self.positive or known[-1])
        return Weighted(self._design, self.label, self.offset, self.weights, positive)

    @cached_property
    def _scoring(self) -> Scoring:
        covariance = "" if self.covariance == "model" else self.covariance
        return Scoring(
            self._rows, self.family, self.link, self.context.scope, self.frequency, covariance
        )

    @cached_property
    def chain(self) -> Chain:
        """Categories, the spread of the columns, the steps of the fit."""
        context, rows = self.context, self._rows
        levels = context.known_levels(self._design.categories, rows.needed, told=False)
        spread = Spread(rows, context.scope, context.share, rows.beside)
        return Chain((*levels, spread, self._scoring))

    def result(self, known: Named) -> dict[str, Any]:
        """Return the coefficients, and the figures of the whole model."""
        found = table(self._scoring, known, self.level)
        bases = {
            factor: self.context.text(column, self._design.base(factor, known))
            for factor, column in self._design.categories_of_factors.items()
        }
        missing = self.context.scope.rows - found["rows"]
        about = {"label": self.label, "missing": missing, "bases": bases, "level": self.level}
        if self._rows.positive is not None:
            about["positive"] = self.context.text(self.label, self._rows.positive)
        return {**about, **found}
