"""Arrays beside the parameters: what strategies remember, and what is said of points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Field, Quantity, Schema
from fedredis.errors import FedredisError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.models.protocol import Model
    from fedredis.strategies.protocol import Global, Limits


def filled(kind: str, model: Model, value: float) -> Named:
    """Make float64 arrays of a kind, such as ``momentum``, full of a value."""
    return named(kind, model, [np.full(field.shape, value) for field in model.schema().fields])


def named(kind: str, model: Model, arrays: Iterable[NDArray[Any]]) -> Named:
    """Name the arrays of a kind: ``momentum.weights`` for the parameters ``weights``."""
    names = [f"{kind}.{name}" for name in model.schema().names]
    return dict(zip(names, arrays, strict=True))


def arrays_of(kind: str, model: Model, state: Named) -> Arrays:
    """Return the arrays of a kind, in the order of the parameters."""
    return [state[f"{kind}.{name}"] for name in model.schema().names]


def doubles(model: Model) -> Schema:
    """Describe float64 arrays of the parameters' shapes."""
    return Schema(tuple(Field(f.name, "<f8", f.shape) for f in model.schema().fields))


def points(model: Model, sent: Global, limits: Limits) -> tuple[Quantity, ...]:
    """Describe points: no number is further from what was sent than all of them may be."""
    pairs = zip(model.schema().fields, sent.parameters, strict=True)
    return tuple(Quantity(f.name, f.shape, largest(w) + limits.max_norm) for f, w in pairs)


def largest(array: NDArray[Any]) -> float:
    """Return the largest absolute value in an array."""
    return float(np.abs(array).max(initial=0))


def stepped(parameters: Arrays, steps: Iterable[NDArray[Any]]) -> Arrays:
    """Return the parameters and a step added, in the parameters' precision.

    Raises
    ------
    FedredisError
        If that is no number any more.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        moved = [
            (array + step).astype(array.dtype, copy=False)
            for array, step in zip(parameters, steps, strict=True)
        ]
    if not all(np.isfinite(array).all() for array in moved):
        raise FedredisError(
            "the global model has gone beyond all numbers: try a smaller learning_rate, or "
            "smaller steps of the strategy"
        )
    return moved
