"""What a measure must offer: sums over a slave's rows, and what follows from their total."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.codec import Arrays, Schema


class Measure(Protocol):
    """How good predictions are."""

    @property
    def primary(self) -> str:
        """Name of the figure that says it in one number; more is better."""

    @property
    def loss(self) -> str:
        """Name of the figure that training brings down; less is better."""

    def schema(self) -> Schema:
        """Describe the sums of a test."""

    def sums(self, predictions: NDArray[Any], y: NDArray[Any]) -> Arrays:
        """Sum up a test: predictions for n rows, as the model makes them, labels y (n,)."""

    def score(self, total: Arrays, rows: int) -> float:
        """Compute the primary figure alone, of sums over so many rows: which is quick."""

    def mean_loss(self, total: Arrays, rows: int) -> float:
        """Compute the loss alone, likewise."""

    def figures(self, total: Arrays) -> dict[str, Any]:
        """Compute the figures of what `sums` counted, added up over any number of slaves.

        One of them is ``rows``; with no rows at all every figure is 0.
        """
