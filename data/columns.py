"""Which columns of a file to learn from, and what each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedredis.data.doubts import doubts, warn
from fedredis.data.header import NAMELESS
from fedredis.data.songs import FEATURE_NAMES, FEATURES
from fedredis.errors import DataError
from fedredis.features.protocol import MOST_CATEGORIES, Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fedredis.data.cells import Cells
    from fedredis.data.reading import Reading

#: Text with at most so many different values, and fewer than half as many as there are rows, is
#: taken for categories; other text only when it is asked for.
FEW = 50


@dataclass(frozen=True)
class Choice:
    """The columns to learn from, and why the others are left out."""

    columns: tuple[Column, ...]
    left: Mapping[str, str]


def choose(cells: Cells, label: str, reading: Reading, apart: Mapping[str, str]) -> Choice:
    """Decide on the columns; warn of what is odd about them.

    Without `Reading.columns` they are the song features when all are there, or all that hold
    numbers or few different words, and what is named as categories. Columns hold categories if
    they are in `Reading.categories`, or fewer than half of their cells are numbers.

    Parameters
    ----------
    apart
        Columns that are never taken by themselves, beside those without a name, and why.
    """
    header = [str(name) for name in cells.frame.columns]
    wanted, categories = reading.columns, reading.categories
    left_out: list[str] = []
    # Only beside the others is a column called 'key' or 'energy' the one of a song.
    songs = {column.name: column for column in FEATURES} if set(FEATURE_NAMES) <= {*header} else {}
    if wanted is None:
        found = [name for name in songs if name != label and name not in reading.ignore]
        if not found:
            free = [
                name
                for name in header
                if not (name in apart or name in reading.ignore or NAMELESS.fullmatch(name))
            ]
            found = [name for name in free if _speaks(cells, name)]
            left_out = [name for name in free if name not in {*found, *categories}]
        named = {*categories, *found}
        wanted = found if named == {*found} else [name for name in header if name in named]
    for name in categories:
        if name not in wanted:
            raise DataError(
                "it is named as a category and not as a column to learn from",
                file=cells.path,
                column=name,
            )
    for name in filter(None, (label, reading.weights)):
        if name in wanted:
            what = "the label" if name == label else "a column of weights"
            raise DataError(f"{what} can't be learned from", file=cells.path, column=name)
    if len(set(wanted)) < len(wanted):
        raise DataError("a column to learn from is named twice", file=cells.path)
    chosen = tuple(
        Column(name, kind="category")
        if name in categories or (name not in songs and _kind(cells, name) == "category")
        else songs.get(name, Column(name))
        for name in wanted
    )
    unknown = [column for column in chosen if column.name not in songs]
    warn(doubts(cells, unknown, left_out, categories, label))
    if not wanted:  # what is odd about those that there are says why
        problem = "no column holds numbers or categories: name some with `columns`"
        raise DataError(problem, file=cells.path)
    why = dict.fromkeys(reading.ignore, "ignored") | dict(apart)
    left = {
        name: why.get(name) or _why(cells, name, reading.columns is not None)
        for name in header
        if name not in wanted and name != label
    }
    return Choice(chosen, left)


def _why(cells: Cells, name: str, named: bool) -> str:
    """Say why a column is left out that nobody has named."""
    if NAMELESS.fullmatch(name):
        return "no name"
    if named:
        return "not named"
    return "text" if len(cells.counts(name)) else "no cell"


def values(cells: Cells, column: Column) -> NDArray[np.float64]:
    """Return a column's cells (n,): numbers or digests, NaN where they are missing."""
    if column.kind == "number":
        return cells.numbers(column.name, gaps=True)
    found = cells.digests(column.name)
    count = len(np.unique(found[~np.isnan(found)]))
    if count > MOST_CATEGORIES:
        raise DataError(
            f"{count:,} different values are too many to be categories "
            f"({MOST_CATEGORIES:,} at most): leave it out with `columns`",
            file=cells.path,
            column=column.name,
        )
    return found


def _kind(cells: Cells, name: str) -> str:
    """Tell what a column holds; one with no cell at all could hold numbers."""
    return "number" if cells.mostly_numbers(name) or cells.counts(name).empty else "category"


def _speaks(cells: Cells, name: str) -> bool:
    """Say whether to learn from a column that nobody has named."""
    if cells.mostly_numbers(name):
        return True
    count = len(cells.counts(name))
    return 0 < count <= FEW and 2 * count < len(cells.frame)
