"""What is asked of the rows of all slaves, and which columns that needs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fedredis.api.inference.formula import Terms, of_columns, parse
from fedredis.arguments import arguments_of, converted, unsaid
from fedredis.errors import UsageError
from fedredis.inference.analyses import ANALYSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Question:
    """What is asked, and which columns that needs."""

    #: Its kind, and the analysis' own fields.
    asked: Mapping[str, Any] = field(default_factory=dict)
    #: Columns to read; None for all that hold numbers or few different words.
    columns: Sequence[str] | None = None
    #: Columns that hold categories, whatever they look like.
    categories: Sequence[str] = ()

    @classmethod
    def of(cls, kind: str, asked: Mapping[str, Any]) -> Question:
        """Ask an analysis' arguments by name; None stands for what is not said.

        Where it explains something, `formula` or `columns` say by what; `cox` does for survival.

        Raises
        ------
        UsageError
            If there is no such argument, its value can't be used, or two don't go together.
        """
        given = {name: value for name, value in asked.items() if value is not None}
        return {"glm": _regression, "survival": _survival}.get(kind, _plain)(kind, given)


def _plain(kind: str, given: Mapping[str, Any], terms: Terms | None = None) -> Question:
    """Ask for the columns that arguments and terms name."""
    made = ANALYSES[kind]
    asked = {"kind": kind, **unsaid(made), **converted(made, given)}
    read, categories = list[str](), list[str]()
    for name, told in arguments_of(made).items():
        if name not in asked:
            raise UsageError("has to be said", field=name)
        read += told.columns(asked[name])
        categories += told.columns(asked[name]) if told.holds == "category" else ()
    if terms is not None:
        asked["terms"] = [list(term) for term in terms.terms]
        return Question(asked, [*read, *terms.columns], [*categories, *terms.categories])
    # Without named columns, all are meant.
    every = not asked.get("columns") and kind != "table"
    return Question(asked, None if every else read, categories)


def _regression(kind: str, given: dict[str, Any]) -> Question:
    formula, columns = given.pop("formula", None), given.pop("columns", None)
    terms = None if columns is None else of_columns(columns)
    if formula is not None:
        if terms is not None:
            raise UsageError("a formula and columns say the same: give one of them")
        terms, label = parse(formula), given.get("label")
        if label and terms.label and label != terms.label:
            raise UsageError(f"the label is '{label}', and '{terms.label}' in the formula")
        given["label"] = label or terms.label
    if not given.get("label"):
        raise UsageError("what is to be explained has to be said", field="label")
    found = _plain(kind, given, terms)
    if terms is not None:
        found = replace(found, asked={**found.asked, "intercept": terms.intercept})
    if given.get("positive"):
        found = replace(found, categories=[*found.categories, given["label"]])
    return found


def _survival(kind: str, given: dict[str, Any]) -> Question:
    cox = given.pop("cox", ())
    terms = parse(cox) if isinstance(cox, str) else of_columns(cox)
    if terms.label:
        raise UsageError("the left side of a formula is the time and the event, which are named")
    return _plain(kind, given, terms)
