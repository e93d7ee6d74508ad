"""What rules over single updates share: they hold against slaves that send what they like.

Byzantine slaves, as the field calls them, may send any point that `max_norm` lets through, and
may know the others'. A rule takes the place of the mean, which a single one of them moves
anywhere. **Slaves count equally**, not by their rows: a number of rows is a claim, and an attacker
could outweigh all others by it. Where slaves have very different numbers of rows, or different
kinds of them, that costs accuracy, and an honest slave unlike the others counts for little.

The master holds all points of a round, three to six times over at the peak: memory grows with
slaves times model, not with the model alone. Sums run in the order of the slaves, and ties go to
the first of them. No product of BLAS is taken: its threads could change a sum's order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fedredis import shares
from fedredis.errors import FedredisError, UsageError
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.flat import flat, split
from fedredis.strategies.local import LocalResults
from fedredis.strategies.options import require
from fedredis.strategies.protocol import Global

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fedredis.arrays import Updates
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.local import LocalWork
    from fedredis.strategies.protocol import Returned

#: Columns of points that are worked on at a time, where there are many.
CHUNK = 1 << 14


@dataclass(frozen=True)
class Robust(FedAvg, ABC):
    """Local training as in federated averaging, and a rule over the slaves' points."""

    single: ClassVar[bool] = True

    def local(self, work: LocalWork) -> LocalResults:
        """Train as federated averaging does; points keep the precision of the parameters."""
        dtypes = [field.dtype for field in work.model.schema().fields]
        points = zip(super().local(work).arrays, dtypes, strict=True)
        return LocalResults([array.astype(dtype, copy=False) for array, dtype in points])

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Return what the rule makes of the points.

        Raises
        ------
        UsageError
            If too few slaves were counted for the rule.
        """
        if returned.each is None:
            raise FedredisError("a rule over single updates needs them, and was given their sum")
        combined = self.combine(_points(returned.each), flat(current.parameters))
        return Global(split(combined, current.parameters), current.state)

    @abstractmethod
    def combine(self, points: NDArray[Any], current: NDArray[Any]) -> NDArray[Any]:
        """Make one point (p,) of the slaves' points (k, p), which may be overwritten, k >= 1.

        `current` (p,) is the point that the slaves started from.
        """


@dataclass(frozen=True)
class Bounded(Robust, ABC):
    """A rule that must be told how many attackers to expect: ``f = floor(byzantine k)``."""

    #: Largest share of the slaves that may be attackers, at least 0 and below 0.5.
    byzantine: float = 0.2

    def __post_init__(self) -> None:
        ok = 0 <= self.byzantine < 0.5
        require(ok, "byzantine", self.byzantine, "at least 0 and below 0.5")

    def attackers(self, k: int) -> int:
        """Return f, from the share as it was written: 0.29 of 100 is 29, not 28.999…."""
        return floor(shares.of(self.byzantine, k))

    def least(self, f: int) -> int:
        """Return how many slaves the rule needs, f attackers among them."""
        return 1

    def check(self, slaves: int) -> None:
        """See that so many slaves are enough."""
        f = self.attackers(slaves)
        if slaves < self.least(f):
            raise UsageError(
                f"{slaves} slaves in a round, with byzantine={self.byzantine} {f} attackers among "
                f"them: this strategy needs {self.least(f)}; set byzantine lower, ask more "
                "slaves, or choose another strategy"
            )


def square_norms(points: NDArray[Any], centre: NDArray[Any]) -> NDArray[Any]:
    """Return how far points (k, p) are from a centre (p,), as squares (k,)."""
    squares = np.zeros(len(points))
    for columns in _columns(points):
        away = points[:, columns] - centre[columns]
        squares += np.einsum("ij,ij->i", away, away)
    return squares


def square_distances(points: NDArray[Any]) -> NDArray[Any]:
    """Return how far points (k, p) are from each other, as squares (k, k)."""
    k = len(points)
    squares = np.zeros((k, k))
    for columns in _columns(points):
        block = points[:, columns]
        for i in range(k - 1):
            away = block[i + 1 :] - block[i]
            squares[i, i + 1 :] += np.einsum("ij,ij->i", away, away)
    return squares + squares.T


def _columns(points: NDArray[Any]) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, points.shape[1], CHUNK))


def _points(updates: Updates) -> NDArray[Any]:
    """Turn updates, which are points times rows, into points (k, p)."""
    k, stacks = len(updates.samples), updates.stacks
    ends = np.cumsum([stack[0].size for stack in stacks])
    points = np.empty((k, int(ends[-1])))
    rows = updates.samples[:, np.newaxis]
    for stack, part in zip(stacks, np.split(points, ends[:-1], axis=1), strict=True):
        np.divide(stack.reshape(k, -1), rows, out=part)
    return points
