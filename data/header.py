"""The names of columns: where they stand, and what they are."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from fedredis.data.meaning import NUMBER, composed
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

#: What a column without a name is called, by pandas, too.
NAMELESS = re.compile(r"Unnamed(: [0-9.]+)?(_level_[0-9]+)?")

#: Rows that are looked at for how many cells a row has.
ROWS = 100


def in_one_line(name: str) -> str:
    """Return a column's name without spaces around it, and with one for each break in it."""
    return " ".join(composed(name).split())


def completed(fields: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the cells of a header, '' for each column that it says nothing of.

    There are such columns behind the others where rows end with separators; and one before them
    where R has named rows, which it numbers or calls by different words. Other rows that are
    longer are a fault, such as decimal commas between commas.

    Parameters
    ----------
    rows
        The first rows below it.
    """
    width = len(fields)
    behind = rows[0][width:] if rows else []
    if not "".join(behind).strip():
        return [*fields, *[""] * len(behind)]
    names = [row[0] for row in rows]
    counted = names == [*map(str, range(1, len(rows) + 1))]
    worded = len({*names}) == len(names) > 1 and not any(map(NUMBER.fullmatch, names))
    before = {len(row) for row in rows} == {width + 1} and (counted or worded)
    return ["", *fields] if before else [*fields]


def column_names(header: Sequence[str], path: Path, row: int | None = None) -> list[str]:
    """Return the names of columns, each on one line; one that has none is called by its place."""
    names = [in_one_line(name) or f"Unnamed: {i}" for i, name in enumerate(header)]
    names = [
        f"Unnamed: {i}" if NAMELESS.fullmatch(name) and names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]
    for name, count in Counter(names).items():
        if count > 1:
            remedy = "rename one" + ", or say with `header` which line has the names" * bool(row)
            problem = f"two columns have this name: {remedy}"
            raise DataError(problem, file=path, row=row, column=name)
    return names


def check_first(rows: Iterable[tuple[int, Sequence[object]]], path: Path) -> None:
    """See that the first row names columns, and is no title above them.

    Parameters
    ----------
    rows
        The first rows of a table, each with its number.
    """
    filled = [(n, sum(str(cell).strip() != "" for cell in cells)) for n, cells in rows]
    usual = Counter(count for _, count in filled[1:]).most_common(1)
    if usual and 2 * filled[0][1] < usual[0][0]:
        row = next(n for n, count in filled if count >= usual[0][0])
        raise titled(filled[0][1], usual[0][0], row, path, filled[0][0])


def titled(named: int, columns: int, names: int, path: Path, row: int) -> DataError:
    """Say that a row is a title, and which row `names` columns below it."""
    return DataError(
        f"it names {named} of {columns} columns, as a title does: `header={names}` says that row "
        f"{names} names them",
        file=path,
        row=row,
    )
