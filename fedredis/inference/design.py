"""The design matrix of a regression: from terms, such as ``a``, ``C(sex)`` or ``sex:a``.

Categories are coded so that the columns span what the terms do, and none is redundant, as
formulaic does it: a category's first level, or the one named, is left out where the others
determine it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from fedredis.errors import UsageError
from fedredis.inference.expressions import Expression
from fedredis.inference.levels import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.inference.stages import Frame

#: A column as categories, perhaps with the level that others are compared with.
CATEGORY = re.compile(
    r"C\(\s*(?:`(?P<quoted>[^`]+)`|(?P<name>[^,`()]+?))\s*"
    r"(?:,\s*(?:contr\.treatment|Treatment|treatment)\(\s*(?:base\s*=|reference\s*=)?\s*"
    r"(?P<base>'[^']*'|\"[^\"]*\"|[^)'\"]+?)\s*\)\s*)?\)"
)
#: What the constant is called.
INTERCEPT = "Intercept"


def category_of(text: str) -> str | None:
    """Return the column that a factor takes as categories by itself, if it does."""
    found = CATEGORY.fullmatch(text)
    return (found["quoted"] or found["name"]) if found else None


@dataclass(frozen=True)
class Piece:
    """One factor of a column: a number, or whether a row has a level of a category."""

    factor: str
    level: float | None = None


@dataclass(frozen=True)
class Design:
    """What the columns of a regression are made of.

    Parameters
    ----------
    terms
        Each the texts of its factors.
    kinds
        ``number`` or ``category``, of every column that there is.
    texts
        What categories are called, by column and digest.
    bases
        The category that others are compared with, by column: its text; else the first one.
    """

    terms: tuple[tuple[str, ...], ...]
    kinds: Mapping[str, str]
    intercept: bool = True
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _factors(self) -> Mapping[str, Expression | str]:
        """Every factor: an expression of numbers, or the column of a category."""
        return {text: self._factor(text) for term in self.terms for text in term}

    def _factor(self, text: str) -> Expression | str:
        name = self._category(text)
        if name is not None:
            if self.kinds.get(name) != "category":
                there = "holds numbers: `categories` reads it as categories"
                missing = "there is no such column"
                raise UsageError(f"'{text}': {there if name in self.kinds else missing}")
            return name
        expression = Expression(text, tuple(self.kinds))
        for column in expression.columns:
            if self.kinds[column] != "number":
                raise UsageError(f"'{text}': column '{column}' holds categories, not numbers")
        return expression

    def _category(self, text: str) -> str | None:
        plain = text[1:-1] if re.fullmatch("`[^`]+`", text) else text
        if self.kinds.get(plain) == "category":
            return plain
        return category_of(text)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The columns that are taken as categories."""
        return tuple(dict.fromkeys(f for f in self._factors.values() if isinstance(f, str)))

    @property
    def categories_of_factors(self) -> dict[str, str]:
        """The columns of factors that are categories."""
        return {text: f for text, f in self._factors.items() if isinstance(f, str)}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All columns that rows need."""
        used: list[str] = []
        for factor in self._factors.values():
            used += [factor] if isinstance(factor, str) else factor.columns
        return tuple(dict.fromkeys(used))

    def base(self, factor: str, known: Named) -> float:
        """Return the level of a factor's category that others are compared with.

        Raises
        ------
        UsageError
            If there is none of the name that is asked for.
        """
        column = str(self._factors[factor])
        found = CATEGORY.fullmatch(factor)
        named = found["base"].strip("'\"") if found and found["base"] else self.bases.get(column)
        levels = known[f"levels:{column}"].tolist()
        if named is None:
            return float(levels[0])
        for level in levels:
            if text_of(self.texts, column, level) == named:
                return float(level)
        there = ", ".join(text_of(self.texts, column, level) for level in levels[:10])
        raise UsageError(f"'{column}' has no category '{named}' to compare with; it has {there}")

    @cached_property
    def _listed(self) -> dict[tuple[bytes, ...], list[tuple[str, tuple[Piece, ...]]]]:
        """The columns, by the categories that there are."""
        return {}

    def pieces(self, known: Named) -> list[tuple[str, tuple[Piece, ...]]]:
        """List the columns: what each is called, and the factors that it is the product of."""
        levels = tuple(known[f"levels:{name}"].tobytes() for name in self.categories)
        if levels not in self._listed:
            self._listed[levels] = self._list(known)
        return self._listed[levels]

    def _list(self, known: Named) -> list[tuple[str, tuple[Piece, ...]]]:
        found: list[tuple[str, tuple[Piece, ...]]] = []
        spanned: set[tuple[frozenset[str], frozenset[str]]] = set()
        if self.intercept:
            found.append((INTERCEPT, ()))
            spanned.add((frozenset(), frozenset()))
        for term in self.terms:
            categories = [f for f in term if isinstance(self._factors[f], str)]
            numbers = frozenset(term) - set(categories)
            for coded in _codings(categories, numbers, spanned):
                options = [
                    self._options(f, coded, known) for f in term if f in coded or f in numbers
                ]
                found += [
                    (":".join(name for name, _ in choice), tuple(piece for _, piece in choice))
                    for choice in product(*options)
                ]
        return found

    def _options(
        self, factor: str, coded: Mapping[str, bool], known: Named
    ) -> list[tuple[str, Piece]]:
        column = self._factors[factor]
        if not isinstance(column, str):
            return [(factor, Piece(factor))]
        full, base = coded[factor], self.base(factor, known)
        levels = [x for x in known[f"levels:{column}"].tolist() if full or x != base]
        names = [text_of(self.texts, column, level) for level in levels]
        return [
            (f"{factor}[{'' if full else 'T.'}{name}]", Piece(factor, level))
            for name, level in zip(names, levels, strict=True)
        ]

    def names(self, known: Named) -> tuple[str, ...]:
        """Return what the columns are called."""
        return tuple(name for name, _ in self.pieces(known))

    def matrix(self, known: Named, frame: Frame) -> NDArray[np.float64]:
        """Return the columns (n, p) for rows that are all complete."""
        numbers = {
            text: factor.of(frame.columns, frame.rows)
            for text, factor in self._factors.items()
            if isinstance(factor, Expression)
        }
        columns = []
        for _, pieces in self.pieces(known):
            column = np.ones(frame.rows)
            for piece in pieces:
                if piece.level is None:
                    column = column * numbers[piece.factor]
                else:
                    name = str(self._factors[piece.factor])
                    column = column * (frame.columns[name] == piece.level)
            columns.append(column)
        return np.array(columns).reshape(len(columns), frame.rows).T


def _codings(
    categories: list[str],
    numbers: frozenset[str],
    spanned: set[tuple[frozenset[str], frozenset[str]]],
) -> Iterable[dict[str, bool]]:
    """Yield how a term's categories are coded, fully or without their base, in parts of columns.

    A term spans the products of all subsets of its categories, each without a base; those that
    terms before it span are left out, and of the others two that differ in a category alone are
    one, in which that one is coded fully.
    """
    subsets = [
        frozenset(s) for n in range(len(categories) + 1) for s in combinations(categories, n)
    ]
    new = [subset for subset in subsets if (numbers, subset) not in spanned]
    spanned.update((numbers, subset) for subset in new)
    parts: list[dict[str, bool]] = [
        dict.fromkeys(sorted(s, key=categories.index), False) for s in new
    ]
    while pair := _mergeable(parts):
        small, large, name = pair
        parts.remove(small)
        parts[parts.index(large)] = {**large, name: True}
    return parts


def _mergeable(
    parts: list[dict[str, bool]],
) -> tuple[dict[str, bool], dict[str, bool], str] | None:
    for small, large in product(parts, parts):
        extra = large.keys() - small.keys()
        if len(extra) == 1 and small.keys() < large.keys():
            (name,) = extra
            if not large[name] and all(large[n] == small[n] for n in small):
                return small, large, name
    return None
