"""Labels that are numbers, standardised: what models of them are trained on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Quantity
from fedredis.errors import BoundError, DataError
from fedredis.features.moments import Moments, most_of
from fedredis.features.no_input import NoInput
from fedredis.features.weights import SUM_BITS, WEIGHT_BITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.features.weights import Weights


@dataclass(frozen=True)
class Labels(NoInput):
    """Learn how to standardise labels, in passes as of a feature map that makes no input.

    Known afterwards, all (): ``label_mean``, ``label_scale``, ``label_constant`` (1 or 0), and
    ``label_bound`` of the absolute standardised labels ``(y - mean) / scale`` that were learned
    from.

    Parameters
    ----------
    grain, least
        See `Moments`.
    """

    grain: float = 0.0
    least: float = -np.inf

    @property
    def _moments(self) -> Moments:
        return Moments(("label",), prefix="label_", grain=self.grain, least=self.least)

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        return self._moments.next_pass(known)

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in a pass."""
        return self._moments.quantities(name, known)

    def sums(
        self,
        name: str,
        known: Named,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
    ) -> Arrays:
        """Add up the quantities of a pass over labels y (n,), n may be 0.

        Raises
        ------
        BoundError
            If one is too large, or below what may be.
        """
        if len(y) and y.min() < self.least:
            raise BoundError(f"a label is below {self.least:g}, and the loss is for none")
        with _called_the_label():
            return self._moments.sums(name, known, np.asarray(y, np.float64)[:, np.newaxis])

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass, given the sums over all slaves.

        Raises
        ------
        DataError
            If labels are too large.
        """
        with _called_the_label():
            after = self._moments.learn(name, known, total)
        if "label_mean" not in after:
            return after
        bound = most_of(after["label_bound"], after["label_scale"], known["rows"])
        own = {**after, "label_bound": bound}
        return {k: np.array(a[0]) if k.startswith("label_") else a for k, a in own.items()}

    def warnings(self, known: Named) -> tuple[str, ...]:
        """Say if there is nothing to predict."""
        if not known["label_constant"]:
            return ()
        return ("the label is the same in all rows: there is nothing to learn",)


@contextmanager
def _called_the_label() -> Iterator[None]:
    """Name what is wrong with labels so, since what their column is called is not known here."""
    try:
        yield
    except (BoundError, DataError) as error:
        raise type(error)(str(error).replace("column 'label'", "the label", 1)) from error


@dataclass(frozen=True)
class WeighedMean(NoInput):
    """Learn the mean of labels by what their rows weigh, in a pass that makes no input.

    It waits until `Labels` and `weights` know all that they must. Known afterwards:
    ``label_start`` (), ``sum w_i z_i / sum w_i`` of standardised labels z_i. Summands are rounded
    to integers row by row, so that it has the same bits however rows are divided.
    """

    weights: Weights

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing, or too much."""
        ready = "label_mean" in known and "row_weights" in known
        return "weighed_labels" if ready and "label_start" not in known else None

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in the pass."""
        return (Quantity(name, (1,), float(np.ldexp(1.0, self._bits)), whole=True),)

    def sums(
        self,
        name: str,
        known: Named,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
    ) -> Arrays:
        """Add up the labels y (n,) of rows that weigh w (n,) in their column; n may be 0."""
        z = (y - known["label_mean"]) / known["label_scale"]
        weighed = z * self.weights.of(known, y, w)
        whole = np.rint(np.ldexp(weighed, self._scale(known))).astype(np.int64)
        return [whole.sum(keepdims=True)]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after the pass, given the sum over all slaves."""
        weighed = np.ldexp(total[0].astype(np.float64), -self._scale(known))
        return {**known, "label_start": np.array(weighed[0] / known["class_weights"].sum())}

    @property
    def _bits(self) -> int:
        """How many bits a summand has as an integer."""
        return min(WEIGHT_BITS, SUM_BITS - self.weights.rows.bit_length())

    def _scale(self, known: Named) -> int:
        most = float(known["label_bound"]) * float(known["weight_bound"])
        return self._bits - int(np.frexp(most)[1])
