"""What is learned in the passes of a feature map, and makes no input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Named


class NoInput:
    """A feature map's part that only learns."""

    def width(self, known: Named) -> int:
        """Count the inputs: none."""
        return 0

    def transform(self, known: Named, X: NDArray[Any]) -> NDArray[Any]:
        """Map rows X (n, columns) to no input (n, 0)."""
        return np.empty((len(X), 0))

    def bounds(self, known: Named) -> NDArray[Any]:
        """Bound the inputs: there is none (0,)."""
        return np.empty(0)

    def warnings(self, known: Named) -> tuple[str, ...]:
        """Nothing to say."""
        return ()
