"""Models: what a slave trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import UsageError
from fedredis.models.logistic import LogisticRegression
from fedredis.models.protocol import Model, StackedModel, TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MODELS", "LogisticRegression", "Model", "StackedModel", "TrainingSettings", "make"]

#: The models by the name that a config calls them.
MODELS: dict[str, Callable[[int, int], Model]] = {"logistic": LogisticRegression}


def make(name: str, width: int, classes: int) -> Model:
    """Make the model of a name, from `width` inputs to `classes` classes.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in MODELS:
        raise UsageError(f"no model '{name}'; there are: {', '.join(MODELS)}")
    return MODELS[name](width, classes)
