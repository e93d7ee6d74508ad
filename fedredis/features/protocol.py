"""What a feature map must offer: sums to gather over the slaves, then a map from rows to inputs.

A map learns what it must know of all the rows (means, quantiles, …) in **passes**. In each pass
every slave adds up some sums over its own training rows; the master adds those of all slaves and
lets the map learn from the total. Sums are all that leaves a slave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

if TYPE_CHECKING:
    from fedredis.codec import Arrays, Schema

#: What a feature map has learned so far: named arrays, empty before the first pass.
Known = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Column:
    """A column of the data: its name and, where it has one, the range that it must lie in.

    Cells of a category are digests of its text (see `fedredis.data.categories`): whole numbers
    below 2^53, which a float holds exactly.
    """

    name: str
    low: float | None = None
    high: float | None = None
    #: ``number`` or ``category``.
    kind: str = "number"


class Features(Protocol):
    """A map from rows (n, columns) to model inputs (n, width). It never changes its own state."""

    @property
    def width(self) -> int:
        """Number of inputs that `transform` makes of a row."""

    def next_pass(self, known: Known) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""

    def schema(self, name: str) -> Schema:
        """Describe the sums of a pass."""

    def sums(self, name: str, known: Known, X: NDArray[Any]) -> Arrays:
        """Add up the sums of a pass over rows X (n, columns), n may be 0."""

    def learn(self, name: str, known: Known, total: Arrays) -> Known:
        """Return what is known after a pass, given the sums of all slaves.

        Raises
        ------
        DataError
            If the sums are of no rows at all.
        """

    def transform(self, known: Known, X: NDArray[Any]) -> NDArray[Any]:
        """Map rows X (n, columns) to inputs (n, width)."""
