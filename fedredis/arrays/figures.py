"""Figures that slaves tell of themselves, one a slave, and the text that they are in JSON.

Of thousands of slaves, numbers written out would take longer than the training of many.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedredis.arrays.blob import writable
from fedredis.errors import BlobError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Figures of k slaves, such as their accuracies, by name: (k,) each.
#: NaN is for a slave that has no such figure.
Facts = Mapping[str, NDArray[np.float64]]
#: A figure above this one, in absolute value, says nothing.
MOST_FIGURE = 1e300


def figures(values: Sequence[float | None]) -> NDArray[np.float64]:
    """Make figures of numbers, and of None for a slave that has none."""
    return np.array(values, np.float64)


def pack(facts: Facts) -> dict[str, str]:
    """Write figures as base64 of little-endian float64, by name."""
    return {
        name: base64.b64encode(values.astype("<f8", copy=False).tobytes()).decode()
        for name, values in facts.items()
    }


def unpack(told: Any, slaves: int) -> Facts:
    """Read the figures of so many slaves; those that say nothing are NaN.

    Raises
    ------
    BlobError
        If there is not one for each slave.
    """
    if not isinstance(told, dict):
        raise BlobError("what it tells of its slaves is not by name")
    return {writable(name): _figures(values, slaves) for name, values in told.items()}


def _figures(told: Any, slaves: int) -> NDArray[np.float64]:
    try:
        raw = base64.b64decode(told, validate=True)
    except (TypeError, ValueError):
        raise BlobError("figures in it are not base64") from None
    if len(raw) != 8 * slaves:
        raise BlobError("what it tells of its slaves is not a figure for each")
    values = np.frombuffer(raw, "<f8")
    return np.where(np.abs(values) <= MOST_FIGURE, values, np.nan)
