"""What a row weighs in training: by a column of weights, by its class, or by both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Quantity
from fedredis.errors import BoundError, DataError
from fedredis.features import cells
from fedredis.features.moments import magnitudes
from fedredis.features.no_input import NoInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named

#: What is said of weights that can't be learned from.
TOO_LARGE = f"no weight may be beyond {cells.MAGNITUDES[-1]:.0e}"

#: Bits of a weight, and of the sum of all.
WEIGHT_BITS, SUM_BITS = 52, 61


@dataclass(frozen=True)
class Weights(NoInput):
    """Learn what weights are multiplied by, in passes as of a feature map that makes no input.

    With W_k the sum of the weights w_i of class k, K' the classes that have rows, and n all rows,
    row i of class k weighs::

        w_i n / (K' W_k)    balanced: each class as much as any other, as in scikit-learn
        w_i n / sum W_k     otherwise

    so that weights are 1 on average, and a mean over n rows is a weighted mean. Without a column
    of weights all w_i are 1, and the W_k are counts. Weights are added up as integers, rounded row
    by row, so that what is known has the same bits however rows are divided.

    Passes: ``weights``, counts by power of two, where there is a column; ``weight_sums``. Known
    afterwards: ``row_weights`` (max(classes, 1),), the factor of each class's w_i;
    ``class_weights``, as many, what each class's rows weigh together; and ``weight_bound`` (),
    above the weight of any row that was learnt from.

    Parameters
    ----------
    classes
        Their number; 0 where labels are numbers.
    rows
        How many rows of all slaves sums must have room for.
    """

    classes: int
    balanced: bool
    column: bool
    rows: int

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        if "row_weights" in known:
            return None
        return "weights" if self.column and "largest_weight" not in known else "weight_sums"

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in a pass."""
        if name == "weights":
            return (magnitudes(name, 1, gaps=False, least=0.0),)
        bound = float(np.ldexp(1.0, self._bits))
        return (Quantity(name, (max(self.classes, 1),), bound, whole=True, nonnegative=True),)

    def sums(
        self,
        name: str,
        known: Named,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
    ) -> Arrays:
        """Add up the weights w (n,) of rows with labels y (n,), n may be 0; None are all 1."""
        w = np.ones(len(y)) if w is None else w
        if name == "weights":
            counts = cells.magnitudes(w)
            if counts[-1]:
                raise BoundError(TOO_LARGE)
            return [counts[np.newaxis]]
        whole = np.rint(np.ldexp(w, self._scale(known))).astype(np.int64)
        summed = np.zeros(max(self.classes, 1), np.int64)
        np.add.at(summed, y.astype(np.intp) if self.classes else np.zeros(len(y), np.intp), whole)
        return [summed]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass, given the sums over all slaves.

        Raises
        ------
        DataError
            If no weight is above 0, or one is not below 2^512.
        """
        if name == "weights":
            edges, counts = cells.MAGNITUDES, total[0][0]
            last = int(np.flatnonzero(counts)[-1])
            if counts[-1]:
                raise DataError(TOO_LARGE)
            if edges[last - 1] <= 0:
                problem = "no row to learn from has a weight above 0"
                raise DataError(problem)
            return {**known, "largest_weight": np.array(edges[last])}
        of_classes = np.ldexp(total[0].astype(np.float64), -self._scale(known))
        there, rows = of_classes > 0, int(known["rows"][0])
        if not there.any():
            raise DataError("no weight is above 0")
        factors = np.full(len(of_classes), rows / of_classes.sum())
        if self.balanced:
            factors = np.divide(
                rows, there.sum() * of_classes, np.zeros_like(factors), where=there
            )
        bound = factors.max() * (known["largest_weight"] if self.column else 1.0)
        kept = {key: array for key, array in known.items() if key != "largest_weight"}
        learnt = {"row_weights": factors, "class_weights": factors * of_classes}
        return {**kept, **learnt, "weight_bound": np.array(bound)}

    def _exponent(self, known: Named) -> int:
        """Return the power of two that all weights are below, or 0 if they are 1."""
        return int(np.frexp(known["largest_weight"])[1]) - 1 if self.column else 0

    @property
    def _bits(self) -> int:
        """How many bits a weight has as an integer."""
        return min(WEIGHT_BITS, SUM_BITS - self.rows.bit_length()) if self.column else 0

    def _scale(self, known: Named) -> int:
        return self._bits - self._exponent(known)

    def of(self, known: Named, y: NDArray[Any], w: NDArray[Any] | None) -> NDArray[np.float64]:
        """Return what rows weigh (n,), with labels y (n,), and w (n,) in their column."""
        factors = known["row_weights"]
        each = factors[y.astype(np.intp)] if self.classes else np.full(len(y), factors[0])
        return np.asarray(each if w is None else each * w)
