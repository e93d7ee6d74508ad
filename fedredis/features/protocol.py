"""What a feature map must offer: sums to gather over the slaves, then a map from rows to inputs.

A map learns what it must know of all the rows (means, quantiles, …) in **passes**. In each pass
every slave adds up some quantities over its own training rows; the master adds those of all slaves
and lets the map learn from the total. Sums are all that leaves a slave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fedredis.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Quantity

#: What a column can be.
KINDS = ("number", "category")

#: A column with more categories than this, over all slaves, can't be learned from.
MOST_CATEGORIES = 1_000


@dataclass(frozen=True)
class Column:
    """A column of the data: its name and, where it has one, the range that it should lie in.

    Cells of a category are digests of its text (see `fedredis.data.meaning`): whole numbers
    from 1 to 2^53 - 1, which a float holds exactly. A missing cell, of either kind, is NaN.

    Raises
    ------
    DataError
        If it is of no known kind.
    """

    name: str
    low: float | None = None
    high: float | None = None
    #: One of `KINDS`.
    kind: str = "number"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DataError(f"'{self.kind}' is neither {' nor '.join(KINDS)}", column=self.name)


class Features(Protocol):
    """A map from rows (n, columns) to model inputs (n, width). It never changes its own state.

    What it has learned are named arrays, `known`, empty before the first pass.
    """

    def width(self, known: Named) -> int:
        """Count the inputs that `transform` makes of a row, once no pass is missing."""

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in a pass."""

    def sums(
        self,
        name: str,
        known: Named,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
    ) -> Arrays:
        """Add up the quantities of a pass over rows X (n, columns), labels y (n,); n may be 0.

        w (n,) are weights of the rows, if they have such: `Weights` alone looks at them.
        """

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass, given the sums over all slaves.

        Raises
        ------
        DataError
            If nothing can be learned of such sums.
        """

    def transform(self, known: Named, X: NDArray[Any]) -> NDArray[Any]:
        """Map rows X (n, columns) to inputs (n, width)."""

    def bounds(self, known: Named) -> NDArray[Any]:
        """Bound the absolute inputs of rows that were learned from (width,)."""

    def warnings(self, known: Named) -> tuple[str, ...]:
        """Say what is likely to be a mistake, and what to do about it."""
