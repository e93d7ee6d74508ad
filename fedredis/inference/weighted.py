"""The rows of a regression."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fedredis.inference.families import bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.inference.design import Design
    from fedredis.inference.stages import Frame


@dataclass(frozen=True)
class Weighted:
    """The rows of a regression: its columns, labels, offsets and weights."""

    design: Design
    label: str
    offset: str = ""
    weights: str = ""
    #: The category of the label that counts as 1, others as 0; None where labels are numbers.
    positive: float | None = None

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """The columns of which no cell may be missing."""
        return tuple(dict.fromkeys((*self.design.columns, *self._others)))

    @property
    def beside(self) -> int:
        """How many of the names are of no column of the model."""
        return len(self._others)

    @property
    def _others(self) -> list[str]:
        return [name for name in (self.label, self.offset, self.weights) if name]

    def names(self, known: Named) -> tuple[str, ...]:
        """Return the names of the columns, then of label, offset and weights."""
        return (*self.design.names(known), *self._others)

    def matrix(self, known: Named, frame: Frame) -> NDArray[np.float64]:
        """Return the columns, label, offset and weights of all complete rows."""
        there = frame.complete(self.needed)
        x, others = self.design.matrix(known, there), [self.labels(there)]
        others += [there.columns[name] for name in self._others[1:]]
        return np.column_stack([x, *others])

    def labels(self, frame: Frame) -> NDArray[np.float64]:
        """Return the labels as numbers (n,)."""
        cells = frame.columns[self.label]
        return bits(cells if self.positive is None else cells == self.positive)
