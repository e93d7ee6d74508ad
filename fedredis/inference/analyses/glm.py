"""Generalised linear models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fedredis.arguments import argument
from fedredis.errors import UsageError
from fedredis.inference.analyses import shared
from fedredis.inference.design import Design
from fedredis.inference.families import FAMILIES, choose
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

    Where labels are categories, the last one is `positive`, if none is named.
    """

    context: Context
    #: Each the texts of its factors; all other columns, if not given.
    terms: Sequence[Sequence[str]] | None = None
    intercept: bool = True
    label: str = shared.column("The column that is explained.", "any")
    family: str = argument(
        "How labels spread about their mean.", "gaussian", choices=tuple(FAMILIES)
    )
    link: str | None = argument("Of the mean; the family's own, if not given.", metavar="NAME")
    offset: str = shared.column("A term with the coefficient 1.", "number")
    weights: str = shared.weights()
    frequency: bool = argument("The weights count rows, and are not precisions.", False)
    covariance: str = argument(
        "Standard errors: of the model, robust, or clustered by slave.",
        COVARIANCES[0],
        choices=COVARIANCES,
    )
    positive: str = argument("The label that counts as 1.", "", metavar="CATEGORY")
    bases: Mapping[str, str] = shared.bases()
    level: float = shared.level()

    def __post_init__(self) -> None:
        self.context.check(self)
        choose(self.family, self.link)
        if self.covariance == "cluster" and self.context.scope.slaves < 2:
            raise UsageError("errors clustered by slave need at least two slaves")
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
