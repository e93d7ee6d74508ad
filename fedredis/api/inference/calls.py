"""Analyses of the rows of all slaves, for programs: each makes a run, and returns its answer.

What they have in common are ``data``, ``redis_url``, ``home``, and the arguments that
`fedredis.api.inference.asking.WHERE` names: ``slaves``, ``cut``, ``names``, ``dataset``,
``categories``, ``levels``, ``least_cell``, ``workers``, ``wait_timeout``. Errors are those of
`ask`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedredis.api.inference.asking import WHERE, Question, ask
from fedredis.api.inference.formula import Terms, of_columns, parse
from fedredis.arguments import checked
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.api.answer import Answer
    from fedredis.api.session import PathLike
    from fedredis.data.source import Frame

    Data = PathLike | Frame | None
    #: Text, or the columns alone.
    Formula = str | Sequence[str]


@checked
def describe(
    data: Data = None,
    columns: Sequence[str] | None = None,
    *,
    by: str = "",
    quantiles: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
    resolution: float = 1e-9,
    **where: Any,
) -> Answer:
    """Describe columns: rows, gaps, mean, deviation, quantiles, categories, correlations.

    Parameters are those of `fedredis.inference.analyses.describe.Describe`.
    """
    return ask(describing(columns, by, quantiles, resolution), data, where)


@checked
def glm(
    data: Data = None,
    formula: str | None = None,
    *,
    label: str = "",
    columns: Sequence[str] | None = None,
    **asked: Any,
) -> Answer:
    """Fit a generalised linear model, named by a formula, or by a label and columns.

    Other parameters are those of `fedredis.inference.analyses.glm.Glm`, such as ``family``,
    ``link``, ``offset``, ``weights`` or ``covariance``.
    """
    where, own = apart(asked)
    return ask(regression(formula, label, columns, own), data, where)


@checked
def table(data: Data = None, row: str = "", column: str = "", **where: Any) -> Answer:
    """Count rows by the categories of two columns, or compare a number by category."""
    return ask(crossing(row, column), data, where)


@checked
def survival(
    data: Data = None,
    *,
    time: str,
    event: str,
    by: str = "",
    cox: Formula | None = None,
    **asked: Any,
) -> Answer:
    """Estimate survival curves; or with `cox`, a formula or columns, proportional hazards.

    Other parameters are those of `fedredis.inference.analyses.survival.Survival`, such as
    ``strata``, ``ties`` or ``weights``.
    """
    where, own = apart(asked)
    return ask(surviving(time, event, by, cox, own), data, where)


@checked
def pca(
    data: Data = None,
    columns: Sequence[str] | None = None,
    *,
    components: int | None = None,
    standardise: bool = True,
    **where: Any,
) -> Answer:
    """Find principal components of columns of numbers."""
    return ask(reducing(columns, components, standardise), data, where)


@checked
def kmeans(
    data: Data = None, columns: Sequence[str] | None = None, *, clusters: int = 3, **asked: Any
) -> Answer:
    """Find k-means clusters of rows.

    Other parameters are those of `fedredis.inference.analyses.kmeans.KMeans`.
    """
    where, own = apart(asked)
    return ask(clustering(columns, clusters, own), data, where)


def describing(
    columns: Sequence[str] | None, by: str, quantiles: Sequence[float], resolution: float
) -> Question:
    """Make the question of `describe`."""
    asked = {
        "kind": "describe",
        "columns": list(columns or ()),
        "by": by,
        "quantiles": list(quantiles),
        "resolution": resolution,
    }
    # Without named columns, the groups' one is among those that are read.
    read = None if columns is None else [*columns, *([by] if by else [])]
    return Question(asked, read, [by] if by else ())


def regression(
    formula: str | None, label: str, columns: Sequence[str] | None, own: Mapping[str, Any]
) -> Question:
    """Make the question of `glm`.

    Raises
    ------
    UsageError
        If it is not clear what is to be explained, or by what.
    """
    terms: Terms | None = None
    if formula is not None:
        if columns is not None:
            raise UsageError("a formula and columns say the same: give one of them")
        terms = parse(formula)
        if label and terms.label and label != terms.label:
            raise UsageError(f"the label is '{label}', and '{terms.label}' in the formula")
        label = label or terms.label
    elif columns is not None:
        terms = of_columns(columns)
    if not label:
        raise UsageError("what is to be explained has to be said", field="label")
    asked = {"kind": "glm", "label": label, **own}
    if terms is None:
        return Question(asked)
    asked |= {"terms": [list(term) for term in terms.terms], "intercept": terms.intercept}
    named = own.get("positive")
    return Question(
        asked,
        [label, *terms.columns, *(own[n] for n in ("offset", "weights") if own.get(n))],
        [*terms.categories, *([label] if named else [])],
    )


def crossing(row: str, column: str) -> Question:
    """Make the question of `table`."""
    return Question({"kind": "table", "row": row, "column": column}, [row, column], [column])


def surviving(
    time: str, event: str, by: str, cox: Formula | None, own: Mapping[str, Any]
) -> Question:
    """Make the question of `survival`."""
    terms = (
        Terms("", ()) if cox is None else parse(cox) if isinstance(cox, str) else of_columns(cox)
    )
    if terms.label:
        raise UsageError("the left side of a formula is the time and the event, which are named")
    asked: dict[str, Any] = {"kind": "survival", "time": time, "event": event, "by": by, **own}
    asked["terms"] = [list(term) for term in terms.terms]
    strata = own.get("strata", "")
    groups = [name for name in (by, strata) if name and name != "slave"]
    weights = [own["weights"]] if own.get("weights") else []
    read = [time, event, *groups, *weights, *terms.columns]
    return Question(asked, read, [*groups, *terms.categories])


def reducing(columns: Sequence[str] | None, components: int | None, standardise: bool) -> Question:
    """Make the question of `pca`."""
    own = {"kind": "pca", "components": components, "standardise": standardise}
    return Question({**own, "columns": list(columns or ())}, columns)


def clustering(columns: Sequence[str] | None, clusters: int, own: Mapping[str, Any]) -> Question:
    """Make the question of `kmeans`."""
    asked = {"kind": "kmeans", "clusters": clusters, "columns": list(columns or ()), **own}
    return Question(asked, columns)


def apart(asked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take what says whom to ask from what is asked."""
    names = (*WHERE, "data", "redis_url", "home")
    where = {name: value for name, value in asked.items() if name in names}
    return where, {name: value for name, value in asked.items() if name not in names}
