"""The analyses, each by its kind: what it is asked, its passes, and its result as plain values."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fedredis.errors import UsageError
from fedredis.inference.analyses.context import Analysis, Context

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANALYSES", "Analysis", "Context", "make", "tests_by_t"]

#: The analyses by kind: each is a class of the module of that name, imported when it is asked for.
ANALYSES: Mapping[str, str] = {
    "describe": "Describe",
    "glm": "Glm",
    "table": "CrossTable",
    "survival": "Survival",
    "pca": "Pca",
    "kmeans": "KMeans",
}


def tests_by_t(asked: Mapping[str, Any]) -> bool:
    """Say whether a result may hold a t or an F."""
    family = asked.get("family", "gaussian")
    return asked["kind"] == "table" or (asked["kind"] == "glm" and family in ("gaussian", "gamma"))


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
    made = getattr(import_module(f"{__name__}.{kind}"), ANALYSES[kind])
    try:
        analysis: Analysis = made(context=context, **fields)
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{kind} can't be asked so: {error}") from None
    return analysis
