"""Categories, an input each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import count
from fedredis.features import union

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Quantity
    from fedredis.features.protocol import Column

#: The category of a cell that is missing; no digest of a text is 0.
NO_CATEGORY = 0.0
#: What is known so that slaves can be told of their own categories: nothing is predicted with it,
#: and in a model's file it would tell anybody which categories are one slave's.
ALONE = "category_alone"


@dataclass(frozen=True)
class Categories:
    """Make an input for each category of each column: 1 where the row has it, and else 0.

    A category that is missing is a category of its own; one that no slave has rows of to learn
    from gives zeros.

    One pass, ``categories``. Known afterwards: ``categories`` (k,), the digests of all of them,
    column after column, in ascending order within each; ``category_counts`` (columns,), how many
    of them are of each column; and ``category_alone`` (k,), 1 for one that a single slave has.
    """

    columns: tuple[Column, ...]

    def width(self, known: Named) -> int:
        """Count the inputs: one a category."""
        return len(known["categories"])

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        return None if "categories" in known else "categories"

    def quantities(self, name: str, known: Named) -> tuple[Quantity, ...]:
        """Describe what is summed in a pass."""
        return union.quantity(len(self.columns)), count(
            "holders", (len(self.columns), union.CELLS)
        )

    def sums(
        self,
        name: str,
        known: Named,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
    ) -> Arrays:
        """Make the tables of rows X (n, columns), n may be 0."""
        each = _digests(X)
        return [np.stack([of(x) for x in each]) for of in (union.table, union.holding)]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after the pass, given the sum of all slaves' tables."""
        found = [
            union.entries(table, column.name)[0]
            for table, column in zip(total[0], self.columns, strict=True)
        ]
        counts = np.array([len(digests) for digests in found], np.int64)
        categories = np.concatenate(found).astype(np.float64)
        holders = [union.holders(line, its) for line, its in zip(total[1], found, strict=True)]
        alone = (np.concatenate(holders) == 1).astype(np.int64)
        of_all = {"categories": categories, "category_counts": counts, ALONE: alone}
        return {**known, **of_all}

    def alone(self, known: Named, X: NDArray[Any]) -> dict[str, list[float]]:
        """List the digests in rows X (n, columns) that no other slave has, by column."""
        marks = np.split(known[ALONE], np.cumsum(known["category_counts"])[:-1])
        each = zip(self.columns, _of_each(known), marks, X.T, strict=True)
        found = {c.name: its[(mark == 1) & np.isin(its, x)] for c, its, mark, x in each}
        return {name: digests.tolist() for name, digests in found.items() if len(digests)}

    def transform(self, known: Named, X: NDArray[Any]) -> NDArray[Any]:
        """Map rows X (n, columns) to inputs (n, width)."""
        inputs = [x[:, np.newaxis] == c for x, c in zip(_digests(X), _of_each(known), strict=True)]
        return np.concatenate(inputs, axis=1, dtype=np.float64)

    def unseen(
        self, known: Named, X: NDArray[Any], *, missing: bool
    ) -> dict[str, NDArray[np.bool_]]:
        """Mark the rows (n,) of X that have a category nobody had, by column, if any has.

        With `missing` those that lack one, where no row to learn from does.
        """
        each = zip(self.columns, _digests(X), _of_each(known), X.T, strict=True)
        marks = {
            column.name: ~np.isin(x, c) & (np.isnan(cells) == missing)
            for column, x, c, cells in each
        }
        return {name: mark for name, mark in marks.items() if mark.any()}

    def bounds(self, known: Named) -> NDArray[Any]:
        """Bound the inputs (width,): 1."""
        return np.ones(self.width(known))

    def warnings(self, known: Named) -> tuple[str, ...]:
        """Name the columns that have one category, or almost one a row."""
        rows = int(known["rows"][0])
        said = []
        for column, found in zip(self.columns, known["category_counts"].tolist(), strict=True):
            if found == 1:
                said.append(f"column '{column.name}' is the same in all rows")
            elif 2 * found > rows:
                said.append(f"column '{column.name}' has {found} categories in {rows} rows")
        return tuple(f"{what}: leave it out of the columns" for what in said)


def _of_each(known: Named) -> list[NDArray[Any]]:
    """Return the digests of each column's categories."""
    return np.split(known["categories"], np.cumsum(known["category_counts"])[:-1])


def _digests(X: NDArray[Any]) -> NDArray[Any]:
    """Return the categories of rows X, column by column, one for what is missing among them."""
    return np.where(np.isnan(X), NO_CATEGORY, X).T
