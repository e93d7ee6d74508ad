"""All parameters as one vector, in the order of the schema, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays


def flat(arrays: Arrays) -> NDArray[Any]:
    """Join arrays into one vector (p,) of float64, a copy."""
    return np.concatenate([array.ravel() for array in arrays]).astype(np.float64, copy=False)


def split(vector: NDArray[Any], like: Arrays) -> Arrays:
    """Cut a vector (p,) into arrays of the shapes and types of others."""
    parts = np.split(vector, np.cumsum([array.size for array in like])[:-1])
    return [
        part.reshape(array.shape).astype(array.dtype)
        for part, array in zip(parts, like, strict=True)
    ]
