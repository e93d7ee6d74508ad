"""Models: what a slave trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import UsageError
from fedredis.models import external
from fedredis.models.linear import LinearRegression
from fedredis.models.logistic import LogisticRegression
from fedredis.models.protocol import (
    Derivatives,
    GradientTerm,
    Model,
    SecondOrderModel,
    StackedModel,
    SteeredModel,
    TrainingSettings,
)
from fedredis.models.sklearn_linear import SklearnSGD
from fedredis.models.torch_mlp import TorchMLP

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = [
    "MODELS",
    "Derivatives",
    "GradientTerm",
    "LinearRegression",
    "LogisticRegression",
    "Model",
    "SecondOrderModel",
    "SklearnSGD",
    "StackedModel",
    "SteeredModel",
    "TorchMLP",
    "TrainingSettings",
    "check_name",
    "make",
]

#: The models by the name that a config calls them. What some of them need beyond NumPy is
#: imported when they are made or used.
MODELS: dict[str, Callable[[int, int], Model]] = {
    "linear": LinearRegression,
    "logistic": LogisticRegression,
    "sklearn-sgd": SklearnSGD,
    "torch-mlp": TorchMLP,
}


def make(name: str, width: int, classes: int, allowed: Collection[str] = ()) -> Model:
    """Make the model of a name, from `width` inputs to `classes` classes, or to a number.

    A name with a colon is that of the user's own, ``package.module:Class``; it is imported only
    if `allowed` holds it.

    Raises
    ------
    UsageError
        If there is none of that name, it is not allowed, or it does not do what it is asked for.
    """
    check_name(name)
    if ":" in name:
        return external.make(name, width, classes, allowed)
    return MODELS[name](width, classes)


def check_name(name: str) -> None:
    """See that a name is that of a model, or may be that of one of the user's own.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if name not in MODELS and ":" not in name:
        raise UsageError(
            f"no model '{name}'; there are: {', '.join(MODELS)}, and your own as "
            "package.module:Class"
        )
