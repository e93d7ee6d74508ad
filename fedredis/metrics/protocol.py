"""What a measure must offer: sums over slaves' rows, and what follows from their total."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Quantity
    from fedredis.arrays.figures import Facts


@dataclass(frozen=True)
class Figure:
    """A number that says how good predictions are: what it is called, and how it is written."""

    name: str
    title: str
    #: As of `format`.
    format: str
    better: Literal["more", "less"]

    def write(self, value: Any) -> str:
        """Write a value; a dash if there is none, a question mark if it is no number."""
        if value is None:
            return "-"
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):  # a slave may say anything
            return "?"
        return format(number, self.format) if math.isfinite(number) else "?"

    def titled(self, value: Any) -> str:
        """Write a value behind the title."""
        return f"{self.title} {self.write(value)}"

    def alone(self, value: Any) -> str:
        """Write a value that has no heading: with the title, where no percent sign tells it."""
        clear = value is None or self.format.endswith("%")
        return self.write(value) if clear else self.titled(value)


class Measure(Protocol):
    """How good predictions are. It alone sums them, and says what its figures are called."""

    @property
    def primary(self) -> str:
        """Name of the figure that says it in one number."""

    @property
    def loss(self) -> str:
        """Name of the figure that training brings down."""

    @property
    def told(self) -> tuple[str, ...]:
        """Names of the figures that are told of each round, those two among them."""

    @property
    def figures(self) -> Mapping[str, Figure]:
        """The figures by name, in the order in which they are shown."""

    def quantities(self) -> tuple[Quantity, ...]:
        """Describe what is summed in a test."""

    def losses(self, predictions: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
        """Return what each row adds to the sum behind `loss` (k, n), given the same."""

    def sums(self, predictions: NDArray[Any], y: NDArray[Any]) -> Arrays:
        """Sum up k tests of n rows each: predictions (k, n, outputs), labels y (k, n); n may be 0.

        Labels that are numbers, and predictions of them, are standardised.
        """

    def facts(self, arrays: Arrays, rows: NDArray[np.int64], known: Named) -> Facts:
        """Compute what each of k slaves tells, given its sums (k, …) and rows (k,).

        That is the primary figure and the loss, NaN for a slave that has no rows.
        """

    def summary(self, total: Arrays, known: Named) -> dict[str, Any]:
        """Compute ``rows`` and all figures of sums over any number of slaves.

        With no rows at all every figure is None.
        """
