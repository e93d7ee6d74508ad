"""The analyses, each by its kind: what it is asked, its passes, and its result as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedredis.errors import UsageError
from fedredis.inference.analyses.context import Analysis, Context
from fedredis.lazy import Lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANALYSES", "Analysis", "Context", "make"]

#: The analyses by kind: each is imported when it is asked for.
ANALYSES: Mapping[str, type[Analysis]] = Lazy(
    __name__,
    {
        "describe": "describe.Describe",
        "glm": "glm.Glm",
        "table": "table.CrossTable",
        "survival": "survival.Survival",
        "pca": "pca.Pca",
        "kmeans": "kmeans.KMeans",
    },
)


def make(asked: Mapping[str, Any], context: Context) -> Analysis:
    """Make an analysis from what a run's config says of it: its ``kind``, and its own fields.

    Raises
    ------
    UsageError
        If there is none of the kind, or it can't be asked so.
    """
    kind = str(asked.get("kind"))
    if kind not in ANALYSES:
        raise UsageError(f"no analysis '{kind}'; there are: {', '.join(ANALYSES)}")
    fields = {name: value for name, value in asked.items() if name not in ("kind", *Context.ASKED)}
    made = ANALYSES[kind]
    try:
        return made(context=context, **fields)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise UsageError(f"{kind} can't be asked so: {error}") from None
