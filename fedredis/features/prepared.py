"""Categories and missing cells, made into numbers in front of another feature map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.codec import Field, Schema
from fedredis.errors import DataError
from fedredis.features import union

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.codec import Arrays
    from fedredis.features.protocol import Column, Features, Known

#: The category of a cell that is missing; no digest of a text is 0.
NO_CATEGORY = 0.0


@dataclass(frozen=True)
class Prepared:
    """Give numbers to an inner map, missing ones filled, and categories an input each.

    A number that is missing becomes the mean, over all slaves, of those that are there. A
    category that is missing is a category of its own. The inputs of a row are those that the
    inner map makes of its numbers, then one for each category of each column, 1 where the row
    has it and else 0. A category that no slave has rows of to learn from gives zeros.

    Passes, and what is known after each:

    1. ``categories``, only if a column has such: ``categories`` (k,), the digests of all of
       them, column after column, in ascending order within each, and ``category_counts``, how
       many of them are of each such column;
    2. ``means``, only if cells may be missing: also ``fill`` (numbers,);
    3. those of the inner map, with what it knows beside this.

    Parameters
    ----------
    inner
        The map of those columns that are numbers.
    columns
        All of them.
    missing
        ``mean`` if cells may be missing.
    """

    inner: Features
    columns: tuple[Column, ...]
    missing: str

    @property
    def _numbers(self) -> list[int]:
        return [i for i, column in enumerate(self.columns) if column.kind == "number"]

    @property
    def _categories(self) -> list[int]:
        return [i for i, column in enumerate(self.columns) if column.kind == "category"]

    def width(self, known: Known) -> int:
        """Count the inputs: those of the inner map, and one a category."""
        inner = self.inner.width(known) if self._numbers else 0
        return inner + (len(known["categories"]) if self._categories else 0)

    def next_pass(self, known: Known) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""
        if self._categories and "categories" not in known:
            return "categories"
        if not self._numbers:
            return None
        if self.missing == "mean" and "fill" not in known:
            return "means"
        return self.inner.next_pass(known)

    def schema(self, name: str) -> Schema:
        """Describe the sums of a pass."""
        if name == "categories":
            return union.schema(len(self._categories))
        if name == "means":
            d = len(self._numbers)
            return Schema((Field("counts", "<i8", (d,)), Field("sums", "<f8", (d,))))
        return self.inner.schema(name)

    def sums(self, name: str, known: Known, X: NDArray[Any]) -> Arrays:
        """Add up the sums of a pass over rows X (n, columns), n may be 0."""
        if name == "categories":
            return [np.stack([union.table(x) for x in self._digests(X).T])]
        if name == "means":
            numbers = X.take(self._numbers, axis=1)
            there = ~np.isnan(numbers)
            return [there.sum(axis=0, dtype="<i8"), numbers.sum(axis=0, where=there, dtype="<f8")]
        return self.inner.sums(name, known, self._filled(known, X))

    def learn(self, name: str, known: Known, total: Arrays) -> Known:
        """Return what is known after a pass, given the sums of all slaves.

        Raises
        ------
        DataError
            If the sums are of no rows at all, a column has too many categories, or there is not
            one number in it.
        """
        if name == "categories":
            names = [self.columns[i].name for i in self._categories]
            found = [union.entries(t, n)[0] for t, n in zip(total[0], names, strict=True)]
            counts = np.array([len(digests) for digests in found], "<i8")
            if not counts.all():
                raise DataError("no slave has any rows to learn features from")
            return {"categories": np.concatenate(found).astype("<f8"), "category_counts": counts}
        if name == "means":
            counts, sums = total
            for i, count in zip(self._numbers, counts, strict=True):
                if count <= 0:
                    raise DataError(
                        "no slave has a number in it: leave it out with --columns",
                        column=self.columns[i].name,
                    )
            return {**known, "fill": sums / counts}
        own = ("categories", "category_counts", "fill")
        kept = {key: known[key] for key in own if key in known}
        return {**kept, **self.inner.learn(name, known, total)}

    def transform(self, known: Known, X: NDArray[Any]) -> NDArray[Any]:
        """Map rows X (n, columns) to inputs (n, width)."""
        inputs = [self.inner.transform(known, self._filled(known, X))] if self._numbers else []
        if self._categories:
            each = zip(self._digests(X).T, self._categories_of(known), strict=True)
            inputs += [x[:, np.newaxis] == c for x, c in each]
        return np.concatenate(inputs, axis=1, dtype=np.float64)

    def unseen(self, known: Known, X: NDArray[Any]) -> dict[str, NDArray[np.bool_]]:
        """Mark the rows (n,) of X that have a category nobody had, by column; others are left out.

        A missing cell is one, where no row to learn from lacked a cell.
        """
        if not self._categories:
            return {}
        names = [self.columns[i].name for i in self._categories]
        each = zip(self._digests(X).T, self._categories_of(known), strict=True)
        marks = [~np.isin(x, c) for x, c in each]
        return {name: mark for name, mark in zip(names, marks, strict=True) if mark.any()}

    def _filled(self, known: Known, X: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers of rows X, without gaps if they are known to be there."""
        numbers = X.take(self._numbers, axis=1)
        return np.where(np.isnan(numbers), known["fill"], numbers) if "fill" in known else numbers

    def _categories_of(self, known: Known) -> list[NDArray[Any]]:
        """Return the digests of each column's categories."""
        return np.split(known["categories"], np.cumsum(known["category_counts"])[:-1])

    def _digests(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the categories of rows X, one for what is missing among them."""
        digests = X.take(self._categories, axis=1)
        return np.where(np.isnan(digests), NO_CATEGORY, digests)
