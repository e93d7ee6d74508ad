"""The columns themselves, standardised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.features import moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.codec import Arrays, Schema
    from fedredis.features.protocol import Column, Known


@dataclass(frozen=True)
class Plain:
    """Map each column x to ``(x - mean) / standard deviation``.

    One pass, ``moments``. Known afterwards: ``mean`` and ``scale``, both (columns,).
    """

    columns: tuple[Column, ...]

    def width(self, known: Known) -> int:
        """Count the inputs: one a column."""
        return len(self.columns)

    def next_pass(self, known: Known) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        return None if "mean" in known else "moments"

    def schema(self, name: str) -> Schema:
        """Describe the sums of the pass."""
        return moments.schema(len(self.columns))

    def sums(self, name: str, known: Known, X: NDArray[Any]) -> Arrays:
        """Add up the sums of the pass over rows X (n, columns), n may be 0."""
        return moments.sums(X)

    def learn(self, name: str, known: Known, total: Arrays) -> Known:
        """Return what is known after the pass, given the sums of all slaves.

        Raises
        ------
        DataError
            If the sums are of no rows at all.
        """
        mean, scale = moments.mean_and_scale(total)
        return {"mean": mean, "scale": scale}

    def transform(self, known: Known, X: NDArray[Any]) -> NDArray[Any]:
        """Map rows X (n, columns) to inputs (n, columns)."""
        inputs: NDArray[Any] = (X - known["mean"]) / known["scale"]
        return inputs
