"""Symmetric matrices as their upper triangles: half the bytes, and symmetric whatever arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def size(p: int) -> int:
    """Return how many numbers the triangle of a matrix (p, p) has."""
    return p * (p + 1) // 2


def pack(matrix: NDArray[Any]) -> NDArray[Any]:
    """Return the upper triangle of a matrix (p, p), row by row, with the diagonal."""
    return np.concatenate([row[i:] for i, row in enumerate(matrix)])


def unpack(triangle: NDArray[Any], p: int) -> NDArray[Any]:
    """Return a matrix (p, p) with the upper triangle given, and zeros below it."""
    matrix, start = np.zeros((p, p)), 0
    for i in range(p):
        matrix[i, i:] = triangle[start : start + p - i]
        start += p - i
    return matrix


def outer(vector: NDArray[Any]) -> NDArray[Any]:
    """Return the triangle of ``vector vector^T``."""
    return np.concatenate([vector[i] * vector[i:] for i in range(len(vector))])
