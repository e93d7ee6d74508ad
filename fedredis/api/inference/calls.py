"""Analyses of the rows of all slaves, for programs: each makes a run, and returns its answer.

What they have in common are ``data``, and the arguments that `fedredis.api.inference.asking.WHERE`
names. Others are those of the analyses, of which signatures and docstrings are made. Errors are
those of `ask`.
"""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from fedredis.api.inference.asking import WHERE, ask
from fedredis.arguments import arguments_of, checked, unsaid
from fedredis.inference.analyses.describe import Describe
from fedredis.inference.analyses.glm import Glm
from fedredis.inference.analyses.kmeans import KMeans
from fedredis.inference.analyses.pca import Pca
from fedredis.inference.analyses.survival import Survival
from fedredis.inference.analyses.table import CrossTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fedredis.api.answer import Answer
    from fedredis.api.session import PathLike
    from fedredis.data.source import Frame

    Data = PathLike | Frame | None
    #: Text, or the columns alone.
    Formula = str | Sequence[str]

P = ParamSpec("P")


def asks(analysis: type) -> Callable[[Callable[P, Answer]], Callable[P, Answer]]:
    """Let a call check its arguments, and show those of an analysis in the place of ``asked``."""

    def made(call: Callable[P, Answer]) -> Callable[P, Answer]:
        signature, told = inspect.signature(call), arguments_of(analysis)
        shown = dict(signature.parameters)
        rest = shown.pop("asked")
        lines = [inspect.getdoc(call) or "", "", "Parameters", "----------"]
        kinds, defaults = {f.name: f.type for f in fields(analysis)}, unsaid(analysis)
        for name, argument in told.items():
            against = "If false: " if defaults.get(name) is True else ""
            lines += [name, f"    {against}{argument.help}"]
            shown.setdefault(
                name,
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=defaults.get(name, inspect.Parameter.empty),
                    annotation=kinds[name],
                ),
            )
        where = textwrap.fill(f"Whose rows are asked: {', '.join(WHERE)}.", 90)
        lines += ["where", textwrap.indent(where, "    ")]
        shown["where"] = rest.replace(name="where")
        found: Any = checked(call)
        found.__doc__ = "\n".join(lines)
        found.__signature__ = signature.replace(parameters=[*shown.values()])
        return cast("Callable[P, Answer]", found)

    return made


@asks(Describe)
def describe(data: Data = None, columns: Sequence[str] | None = None, **asked: Any) -> Answer:
    """Describe columns: rows, gaps, mean, deviation, quantiles, categories, correlations."""
    return ask("describe", data, {"columns": columns, **asked})


@asks(Glm)
def glm(
    data: Data = None,
    formula: str | None = None,
    *,
    columns: Sequence[str] | None = None,
    **asked: Any,
) -> Answer:
    """Fit a generalised linear model, named by a formula, or by a label and columns.

    A formula reads ``y ~ age + C(sex) * bmi``. Without one, and without columns, all others
    explain the label.
    """
    return ask("glm", data, {"formula": formula, "columns": columns, **asked})


@asks(CrossTable)
def table(
    data: Data = None, row: str | None = None, column: str | None = None, **asked: Any
) -> Answer:
    """Count rows by the categories of two columns, or compare a number by category."""
    return ask("table", data, {"row": row, "column": column, **asked})


@asks(Survival)
def survival(
    data: Data = None, *, time: str, event: str, cox: Formula | None = None, **asked: Any
) -> Answer:
    """Estimate survival curves; or with `cox`, a formula or columns, proportional hazards."""
    return ask("survival", data, {"time": time, "event": event, "cox": cox, **asked})


@asks(Pca)
def pca(data: Data = None, columns: Sequence[str] | None = None, **asked: Any) -> Answer:
    """Find principal components of columns of numbers."""
    return ask("pca", data, {"columns": columns, **asked})


@asks(KMeans)
def kmeans(data: Data = None, columns: Sequence[str] | None = None, **asked: Any) -> Answer:
    """Find k-means clusters of rows."""
    return ask("kmeans", data, {"columns": columns, **asked})
