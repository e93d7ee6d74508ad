"""The analyses, each by its kind: what it is asked, its passes, and its result as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedredis.errors import UsageError
from fedredis.inference.analyses.context import Analysis, Context
from fedredis.inference.analyses.describe import Describe
from fedredis.inference.analyses.glm import Glm
from fedredis.inference.analyses.kmeans import KMeans
from fedredis.inference.analyses.pca import Pca
from fedredis.inference.analyses.survival import Survival
from fedredis.inference.analyses.table import CrossTable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANALYSES", "Analysis", "Context", "make"]

ANALYSES: Mapping[str, type[Analysis]] = {
    "describe": Describe,
    "glm": Glm,
    "table": CrossTable,
    "survival": Survival,
    "pca": Pca,
    "kmeans": KMeans,
}


def make(asked: Mapping[str, Any], context: Context) -> Analysis:
    """Make an analysis from what a run's config says of it: its ``kind``, and its own fields.

    Raises
    ------
    UsageError
        If there is none of the kind, or it can't be asked so.
    """
    kind = asked.get("kind")
    if kind not in ANALYSES:
        raise UsageError(f"no analysis '{kind}'; there are: {', '.join(ANALYSES)}")
    fields = {name: value for name, value in asked.items() if name not in ("kind", *Context.ASKED)}
    try:
        return ANALYSES[kind](context=context, **fields)
    except TypeError as error:
        raise UsageError(f"{kind} can't be asked so: {error}") from None
