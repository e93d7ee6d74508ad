"""How many rows there are of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import count
from fedredis.features.no_input import NoInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Quantity


@dataclass(frozen=True)
class Classes(NoInput):
    """Count the classes, in a pass as of a feature map that makes no input.

    Known afterwards: ``class_counts`` (classes,).
    """

    classes: int

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        return None if "class_counts" in known else "classes"

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in a pass."""
        must = "its counts have to come to the number of rows"
        return (count("classes", (self.classes,), cells=True, plausible=_complete, must=must),)

    def sums(
        self,
        name: str,
        known: Named,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
    ) -> Arrays:
        """Count the labels y (n,), n may be 0."""
        return [np.bincount(y.astype(np.intp), minlength=self.classes)]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after the pass, given the counts over all slaves."""
        return {**known, "class_counts": total[0]}


def _complete(counts: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = counts.sum(axis=1) == rows
    return same
