"""Reading one CSV file into a `Table`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data.cells import Cells, read_cells
from fedredis.data.records import SIZE_CAP, check_file, read_header
from fedredis.data.songs import ERAS, FEATURE_NAMES, FEATURES, LABEL
from fedredis.data.table import Table
from fedredis.errors import DataError
from fedredis.features.protocol import Column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

#: Columns that may hold what a row is called; the first one found does.
NAMES = ("track_name", "track", "name")

#: The column that identifies a row; a value that occurs again is dropped.
IDENTITY = "uri"


def read_csv(
    path: Path,
    *,
    label: str | None = None,
    columns: Sequence[str] | None = None,
    cap: int = SIZE_CAP,
) -> Table:
    """Read and check a CSV file (UTF-8, commas, a header).

    In errors a row is the number of the line that it starts on, as an editor shows it: the
    header is line 1. A file with all the song features gives those, with their ranges, which
    are not enforced. Labels that are eras give all three eras as classes; other labels give
    themselves, sorted.

    Parameters
    ----------
    label
        Column that holds the class; ``decade`` when there is one and none is named.
    columns
        Columns to learn from; otherwise the song features when all are there, else every column
        that holds numbers.
    cap
        Bytes above which the file is refused unread.

    Raises
    ------
    DataError
        If the file, a column, a row or a cell is not as it must be; the first such is named.
    """
    check_file(path, cap)
    header = read_header(path)
    label = _label(path, header, label)
    for name in columns or ():
        _require(path, header, name)
    names = next((name for name in NAMES if name in header and name != label), None)
    text = {label, IDENTITY, *([names] if names else [])}
    cells = read_cells(path, header, text=text)
    chosen = _columns(cells, label, columns, text)
    X = np.column_stack([cells.numbers(column.name) for column in chosen])
    classes, y = _classes(cells, label)
    keep = first_of_each(cells.texts(IDENTITY)) if IDENTITY in header else slice(None)
    called = pd.Series(cells.texts(names))[keep].tolist() if names else None
    return Table(X[keep], y[keep], chosen, classes, label, path.name, called)


def first_of_each(identities: Sequence[str]) -> NDArray[np.bool_]:
    """Mark, shape (n,), the first row of each identity, and every row that has none ('')."""
    series = pd.Series(identities, dtype=str)
    return (~series.duplicated() | (series == "")).to_numpy(np.bool_)


def _require(path: Path, header: list[str], name: str) -> None:
    if name not in header:
        raise DataError(
            f"there is no such column; there are {', '.join(header)}", file=path, column=name
        )


def _label(path: Path, header: list[str], label: str | None) -> str:
    """Decide which column holds the class."""
    if label is None and LABEL not in header:
        raise DataError(
            f"no column '{LABEL}': name the one that holds the class with --label COLUMN",
            file=path,
        )
    label = LABEL if label is None else label
    _require(path, header, label)
    return label


def _columns(
    cells: Cells, label: str, wanted: Sequence[str] | None, text: set[str]
) -> tuple[Column, ...]:
    """Decide which columns to learn from; none of `text`, nor one without a name, by itself."""
    header = [str(name) for name in cells.frame.columns]
    # Only beside the others is a column called 'key' or 'energy' the one of a song.
    songs = {column.name: column for column in FEATURES} if set(FEATURE_NAMES) <= {*header} else {}
    if wanted is None:
        wanted = [name for name in songs if name != label] or [
            name for name in header if name not in {"", *text} and cells.mostly_numbers(name)
        ]
    if label in wanted:
        raise DataError("the label can't be learned from", file=cells.path, column=label)
    if not wanted or len(set(wanted)) < len(wanted):
        problem = "a column to learn from is named twice" if wanted else "no column holds numbers"
        raise DataError(problem, file=cells.path)
    return tuple(songs.get(name, Column(name)) for name in wanted)


def _classes(cells: Cells, label: str) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Decide on the classes, and give each row (n,) the index of its own."""
    labels = cells.labels(label)
    found = sorted(labels.unique())
    classes = ERAS if set(found) & set(ERAS) else tuple(found)
    if len(classes) < 2:
        raise DataError(
            f"every row has the label {found[0]!r}, there must be two",
            file=cells.path,
            column=label,
        )
    y = pd.Index(classes).get_indexer(pd.Index(labels)).astype(np.int64)
    if (y < 0).any():
        row = int((y < 0).argmax())
        problem = f"{labels.iloc[row]!r} is none of {', '.join(ERAS)}"
        raise cells.error(problem, row, label)
    return classes, y
