"""Principal components, of a covariance matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def components(
    names: Sequence[str],
    covariance: NDArray[Any],
    rows: int,
    *,
    standardise: bool,
    most: int | None = None,
) -> dict[str, Any]:
    """Return the components of a covariance matrix (d, d), which is divided by n.

    Variances are divided by n - 1, and of each component the largest loading is positive, as in
    scikit-learn.
    """
    scale = np.sqrt(np.diag(covariance)) if standardise else np.ones(len(names))
    matrix = covariance / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(matrix)
    order = np.argsort(values)[::-1]
    values, vectors = np.maximum(values[order], 0) * rows / (rows - 1), vectors[:, order].T
    largest = np.abs(vectors).argmax(axis=1)
    vectors *= np.sign(vectors[np.arange(len(vectors)), largest])[:, np.newaxis]
    shares = values / values.sum()
    return {
        "columns": list(names),
        "standardised": standardise,
        "rows": rows,
        "components": [
            {
                "variance": float(value),
                "share": float(share),
                "cumulative": float(sum(shares[: i + 1])),
                "loadings": dict(zip(names, map(float, vector), strict=True)),
            }
            for i, (value, share, vector) in enumerate(
                zip(values[:most], shares[:most], vectors[:most], strict=True)
            )
        ],
    }
