"""What strategies remember: for each array of the parameters float64 arrays of its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from fedredis.codec import Arrays
    from fedredis.features.protocol import Known
    from fedredis.models.protocol import Model


def filled(kind: str, model: Model, value: float) -> Known:
    """Make the arrays of a kind, such as ``momentum``, full of a value."""
    return named(kind, model, [np.full(field.shape, value) for field in model.schema().fields])


def named(kind: str, model: Model, arrays: Iterable[NDArray[Any]]) -> Known:
    """Name the arrays of a kind: ``momentum.weights`` for the parameters ``weights``."""
    names = [f"{kind}.{name}" for name in model.schema().names]
    return dict(zip(names, arrays, strict=True))


def arrays_of(kind: str, model: Model, state: Known) -> Arrays:
    """Return the arrays of a kind, in the order of the parameters."""
    return [state[f"{kind}.{name}"] for name in model.schema().names]


def stepped(parameters: Arrays, steps: Iterable[NDArray[Any]]) -> Arrays:
    """Return the parameters and a step added, in the parameters' precision."""
    return [
        (array + step).astype(array.dtype, copy=False)
        for array, step in zip(parameters, steps, strict=True)
    ]
