"""Columns of numbers as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.inference.stages import Frame


@dataclass(frozen=True)
class Numbers:
    """Some columns of numbers, of rows that have them all."""

    columns: tuple[str, ...]

    def names(self, known: Named) -> tuple[str, ...]:
        """Return what they are called."""
        return self.columns

    def matrix(self, known: Named, frame: Frame) -> NDArray[np.float64]:
        """Return them (n, p), n the complete rows of the frame."""
        return frame.complete(self.columns).cells
