"""Reading one file, CSV or Parquet, or a frame, into a `Table`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data import cells as csv
from fedredis.data import columns as choice
from fedredis.data import parquet, records
from fedredis.data.cells import Cells
from fedredis.data.labels import target
from fedredis.data.meaning import digest, once_each
from fedredis.data.reading import Reading
from fedredis.data.records import SIZE_CAP, check_file
from fedredis.data.songs import LABEL
from fedredis.data.table import Table
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

#: Columns that may hold what a row is called; the first one found does.
NAMES = ("track_name", "track", "name")

#: The column that identifies a row; a value that occurs again is dropped.
IDENTITY = "uri"

#: What is said of a missing cell.
EMPTY = "the cell is empty: `missing=drop` leaves such rows out, `missing=mean` fills cells"

#: What errors call a frame in a file's stead, and where its rows come from.
FRAME = Path("frame")

#: How a file is read of which nothing is said.
UNSAID = Reading()


def read_file(
    path: Path,
    reading: Reading = UNSAID,
    *,
    fewest_classes: int = 2,
    by: str | None = None,
    cap: int = SIZE_CAP,
) -> Table:
    """Read and check a CSV file (UTF-8, commas, a header), or a Parquet file.

    In errors a row of a CSV file is the number of the line that it starts on, as an editor shows
    it: the header is line 1. The first row of a Parquet file is row 1. A file with all the song
    features gives those, with their ranges, which are not enforced.

    Parameters
    ----------
    fewest_classes
        1 if other rows, elsewhere, may have other labels, else 2.
    by
        Any column, whose cells are the rows' groups.
    cap
        Bytes above which the file is refused unread.

    Raises
    ------
    DataError
        If the file, a column, a row or a cell is not as it must be.
    """
    check_file(path, cap)
    is_parquet = path.suffix.lower() in parquet.SUFFIXES
    header = (parquet if is_parquet else records).read_header(path)
    read_cells = parquet.read_cells if is_parquet else csv.read_cells
    return _table(path, header, partial(read_cells, path, header), reading, fewest_classes, by)


def read_frame(
    frame: pd.DataFrame,
    reading: Reading = UNSAID,
    *,
    fewest_classes: int = 2,
    by: str | None = None,
) -> Table:
    """Do with a frame what `read_file` does with a file; its first row is row 0, as in Python.

    Raises
    ------
    DataError
        If a column, a row or a cell is not as it must be.
    """
    header = records.column_names([str(name) for name in frame.columns])
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise DataError("two columns have this name", file=FRAME, column=twice)
    if frame.empty:
        raise DataError("the frame has no rows", file=FRAME)
    cells = Cells(FRAME, frame.set_axis(header, axis=1), line=lambda _path, index: index)
    return _table(FRAME, header, lambda text: cells, reading, fewest_classes, by)


def _table(
    path: Path,
    header: list[str],
    read_cells: Callable[..., Cells],
    reading: Reading,
    fewest_classes: int,
    by: str | None,
) -> Table:
    """Make a table of the cells that are read once it is known which are to stay text."""
    label = _label(path, header, reading.label)
    for name in (*(reading.columns or ()), *reading.categories, *(() if by is None else (by,))):
        _require(path, header, name)
    names = next((name for name in NAMES if name in header and name != label), None)
    apart = {label, IDENTITY, *([names] if names else [])} - {""}
    cells = read_cells(text={*apart, *reading.categories})
    chosen = choice.choose(cells, label, reading, apart)
    X = np.column_stack([choice.values(cells, column) for column in chosen])
    unlabelled = cells.words(label).isna() if label else np.zeros(len(X), np.bool_)
    gaps = np.column_stack([np.isnan(X), unlabelled])
    learnt = [*(column.name for column in chosen), label]
    rows = _complete(cells, gaps, learnt, reading.missing)
    if label:
        classes, y = target(cells, label, rows, reading.task, fewest_classes)
    else:
        classes, y = (), np.zeros(len(rows))
    if IDENTITY in header:
        once = first_of_each(pd.Series(cells.texts(IDENTITY))[rows].tolist())
        rows, y = rows[once], y[once]
    X = X[rows]
    X[np.isnan(X)] = np.nan  # the same bytes, whatever the file's were: they are digested
    return Table(
        X,
        y,
        chosen,
        classes,
        label,
        path.name,
        names=pd.Series(cells.texts(names))[rows].tolist() if names else None,
        groups=None if by is None else cells.spellings(by)[rows].tolist(),
        missing="mean" if reading.missing == "mean" else "error",
        texts={}
        if label
        else {c.name: _texts(cells, c.name) for c in chosen if c.kind != "number"},
    )


def _texts(cells: Cells, name: str) -> dict[str, str]:
    """Return how the categories of a column are written, by their digests."""
    spelt = once_each({*cells.spellings(name)} - {""})
    return {str(int(digest(text))): text for text in spelt}


def _complete(
    cells: Cells, gaps: NDArray[np.bool_], names: Sequence[str], missing: str
) -> NDArray[np.intp]:
    """Choose the rows to keep, given what cells are missing (n, columns), the label last."""
    if missing == "error":
        for name, gap in zip(names, gaps.T, strict=True):
            if gap.any():
                raise cells.error(EMPTY, int(gap.argmax()), name)
    kept = ~(gaps[:, -1] if missing == "mean" else gaps.any(axis=1))
    if not kept.any():
        raise DataError("every row has a missing cell", file=cells.path)
    return np.flatnonzero(kept)


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
    """Decide which column holds the class, '' being none."""
    if label == "":
        return label
    if label is None and LABEL not in header:
        raise DataError(
            f"no column '{LABEL}': name the one that holds the class with `label`",
            file=path,
        )
    label = LABEL if label is None else label
    _require(path, header, label)
    return label
