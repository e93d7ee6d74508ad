"""Several feature maps side by side, each of some of the columns, learning in the same passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays.rows import rows_said
from fedredis.errors import DataError
from fedredis.features.categories import Categories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Quantity
    from fedredis.features.protocol import Features


@dataclass(frozen=True)
class Prepared:
    """Let several maps learn at once, and put their inputs side by side.

    A pass is called by the passes that its parts make in it, such as ``magnitudes+categories``.
    Each also counts the rows: ``rows`` (1,) is known beside what the parts know.

    Parameters
    ----------
    parts
        The maps, each with the places of its columns.
    """

    parts: tuple[tuple[tuple[int, ...], Features], ...]

    def width(self, known: Named) -> int:
        """Count the inputs of all parts."""
        return sum(part.width(known) for _, part in self.parts)

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        return "+".join(dict.fromkeys(name for _, _, name in self._pending(known))) or None

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in a pass."""
        rows = rows_said()
        own = (part.quantities(its, known) for _, part, its in self._pending(known))
        return (rows, *(quantity for quantities in own for quantity in quantities))

    def sums(
        self,
        name: str,
        known: Named,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
    ) -> Arrays:
        """Add up the quantities of a pass over rows X (n, columns), y (n,), w (n,); n may be 0."""
        arrays = [np.array([len(X)], np.int64)]
        for places, part, its in self._pending(known):
            arrays += part.sums(its, known, X.take(places, axis=1), y, w)
        return arrays

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass, given the sums over all slaves.

        Raises
        ------
        DataError
            If they are of no rows at all, or a part can't learn from them.
        """
        if total[0][0] <= 0:
            raise DataError("no slave has any rows to learn features from")
        after, place = {**known, "rows": total[0]}, 1
        for _, part, its in self._pending(known):
            end = place + len(part.quantities(its, known))
            after = part.learn(its, after, total[place:end])
            place = end
        return after

    def transform(self, known: Named, X: NDArray[Any]) -> NDArray[Any]:
        """Map rows X (n, columns) to inputs (n, width)."""
        inputs = [part.transform(known, X.take(at, axis=1)) for at, part in self.parts if at]
        return np.concatenate(inputs, axis=1) if len(inputs) > 1 else inputs[0]

    def unseen(
        self, known: Named, X: NDArray[Any], *, missing: bool
    ) -> dict[str, NDArray[np.bool_]]:
        """Mark the rows (n,) of X that have a category nobody had, by column, if any has.

        With `missing` those that lack one, where no row to learn from does.
        """
        found = (part.unseen(known, its, missing=missing) for part, its in self._of_categories(X))
        return {name: mark for marks in found for name, mark in marks.items()}

    def alone(self, known: Named, X: NDArray[Any]) -> dict[str, list[float]]:
        """List the digests in rows X (n, columns) that no other slave has, by column."""
        found = (part.alone(known, its) for part, its in self._of_categories(X))
        return {name: digests for each in found for name, digests in each.items()}

    def _of_categories(self, X: NDArray[Any]) -> Iterator[tuple[Categories, NDArray[Any]]]:
        for at, part in self.parts:
            if isinstance(part, Categories):
                yield part, X.take(at, axis=1)

    def bounds(self, known: Named) -> NDArray[Any]:
        """Bound the inputs of rows that were learned from (width,)."""
        return np.concatenate([part.bounds(known) for _, part in self.parts])

    def warnings(self, known: Named) -> tuple[str, ...]:
        """Say what the parts have to say."""
        return tuple(line for _, part in self.parts for line in part.warnings(known))

    def _pending(self, known: Named) -> Iterator[tuple[tuple[int, ...], Features, str]]:
        for at, part in self.parts:
            name = part.next_pass(known)
            if name is not None:
                yield at, part, name
