"""The terms of a formula, such as ``y ~ age + C(sex) * bmi``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.errors import UsageError
from fedredis.inference.design import category_of
from fedredis.inference.expressions import Expression

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What reads no formula: a term that needs none of its operators.
SIMPLE = re.compile(r"\s*(?:(?P<label>[A-Za-z_]\w*)\s*~)?(?P<terms>(?:\s*[A-Za-z_]\w*\s*\+?)+)")


@dataclass(frozen=True)
class Terms:
    """What explains a label, and with it which columns are needed."""

    #: The left side; '' without one.
    label: str
    terms: tuple[tuple[str, ...], ...]
    intercept: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the terms."""
        found: list[str] = []
        for factor in (factor for term in self.terms for factor in term):
            category = category_of(factor)
            found += [category] if category else Expression(factor, None).columns
        return tuple(dict.fromkeys(found))

    @property
    def categories(self) -> tuple[str, ...]:
        """Columns that are taken as categories, whatever they look like."""
        factors = [factor for term in self.terms for factor in term]
        return tuple(dict.fromkeys(name for f in factors if (name := category_of(f))))


def of_columns(columns: Sequence[str]) -> Terms:
    """Make a term of each column."""
    return Terms("", tuple((name,) for name in columns))


def parse(text: str) -> Terms:
    """Read a formula, as formulaic does: ``+ : * / ** - 0 1``, and functions of columns.

    Raises
    ------
    UsageError
        If it is none, or formulaic is not installed.
    """
    simple = SIMPLE.fullmatch(text)
    if simple and not simple["terms"].rstrip().endswith("+"):
        names = [name.strip() for name in simple["terms"].split("+")]
        if all(name.isidentifier() for name in names):
            return Terms(simple["label"] or "", tuple((n,) for n in dict.fromkeys(names)))
    try:
        from formulaic import Formula
        from formulaic.errors import FormulaicError
    except ImportError:
        raise UsageError(
            "this formula needs formulaic: install it with `pip install 'fedredis[inference]'`"
        ) from None
    try:
        read: Any = Formula(text)
    except (FormulaicError, SyntaxError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"'{text}' is no formula: {reason}") from None
    left, right = getattr(read, "lhs", ()), getattr(read, "rhs", read)
    labels = [str(factor) for term in left for factor in term.factors]
    if len(labels) > 1:
        raise UsageError(f"'{text}': a formula has one label")
    terms = [tuple(_text(factor) for factor in term.factors) for term in right]
    others = tuple(term for term in terms if term != ("1",))
    return Terms(labels[0].strip("`") if labels else "", others, ("1",) in terms)


def _text(factor: Any) -> str:
    """Write a factor; a column that is no word stands in backticks, which formulaic takes away."""
    text = str(factor)
    looked_up = factor.eval_method.name == "LOOKUP"
    return f"`{text}`" if looked_up and not text.isidentifier() else text
