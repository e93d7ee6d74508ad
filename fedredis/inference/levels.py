"""The categories that the rows of all slaves hold, found by adding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fedredis.errors import DataError
from fedredis.features import union
from fedredis.inference.exact import Count, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.inference.stages import Frame


@dataclass(frozen=True)
class Levels:
    """Learn the categories of some columns: ``levels:<column>`` (k,), in the order of their names.

    Without any such column there is no pass.

    Parameters
    ----------
    texts
        What categories are called, by column and digest, as far as that is known.
    """

    columns: tuple[str, ...]
    texts: Mapping[str, Mapping[str, str]]
    #: Columns of which no cell may be missing, or else the row does not count.
    needed: tuple[str, ...] = ()
    #: A category with fewer rows than this is refused.
    least: int = 0
    blanks: ClassVar[bool] = False

    def next_pass(self, known: Named) -> str | None:
        """``levels``, if there are such columns."""
        there = all(f"levels:{name}" in known for name in self.columns)
        return None if there else "levels"

    def parts(self, name: str, known: Named) -> tuple[Part, ...]:
        """Describe a table of each column, and count the rows."""
        return (Count(union.quantity(len(self.columns))), Count.of("rows"))

    def sums(self, name: str, known: Named, frame: Frame) -> Arrays:
        """Make the tables; missing cells count as 0."""
        gaps = frame.gaps(self.needed)
        # What is left out stands for the missing category: every row is in each table.
        cells = [np.nan_to_num(np.where(gaps, 0, frame.columns[c])) for c in self.columns]
        return [np.stack([union.table(x) for x in cells]), np.array(frame.rows - gaps.sum())]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """List the categories."""
        after = dict(known)
        for table, column in zip(total[0], self.columns, strict=True):
            digests, rows = union.entries(table, column)
            there = digests != 0
            digests, rows = digests[there], rows[there]
            if self.least and len(rows) and rows.min() < self.least:
                raise DataError(
                    f"a category of it has fewer than {self.least} rows: put it together with "
                    "another, or leave it out",
                    column=column,
                )
            names = [text_of(self.texts, column, digest) for digest in digests]
            order = sorted(range(len(names)), key=names.__getitem__)
            after[f"levels:{column}"] = digests[order].astype(np.float64)
        return after


def text_of(texts: Mapping[str, Mapping[str, str]], column: str, digest: float) -> str:
    """Return what a category is called: its text, or else its digest."""
    return texts.get(column, {}).get(str(int(digest))) or f"#{int(digest):014x}"


def places(levels: NDArray[np.float64], cells: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of cells (n,) among levels (k,), each of which has to be one of them.

    Where there is no level, no cell is there, and any place will do.
    """
    if not len(levels):
        return np.zeros(len(cells), np.int64)
    order = np.argsort(levels)
    found = np.searchsorted(levels[order], cells)
    return np.asarray(order[np.minimum(found, len(levels) - 1)], np.int64)
