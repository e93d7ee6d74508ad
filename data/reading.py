"""Reading one file, CSV or Parquet, into a `Table`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data import cells as csv
from fedredis.data import columns as choice
from fedredis.data import parquet, records
from fedredis.data.labels import target
from fedredis.data.records import SIZE_CAP, check_file
from fedredis.data.songs import LABEL
from fedredis.data.table import MISSING, TASKS, Table
from fedredis.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fedredis.data.cells import Cells

#: Columns that may hold what a row is called; the first one found does.
NAMES = ("track_name", "track", "name")

#: The column that identifies a row; a value that occurs again is dropped.
IDENTITY = "uri"

#: What is said of a missing cell.
EMPTY = "the cell is empty: --missing drop leaves such rows out, --missing mean fills cells"


def read_file(
    path: Path,
    *,
    label: str | None = None,
    columns: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    missing: str = "error",
    task: str = "auto",
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
    label
        Column that holds the label; ``decade`` when there is one and none is named.
    columns
        Columns to learn from; see `columns.choose`.
    categories
        Columns to learn from that hold categories, even if they look like numbers.
    missing
        What to do about missing cells: ``error``; ``drop`` their rows; or ``mean``, which leaves
        them NaN. A row without a label is an error or dropped.
    task
        ``auto``, ``classify`` or ``regress``; see `labels.target`.
    fewest_classes
        1 if other rows, elsewhere, may have other labels, else 2.
    by
        Any column, whose cells are the rows' groups.
    cap
        Bytes above which the file is refused unread.

    Raises
    ------
    UsageError
        If `missing` or `task` is none of these.
    DataError
        If the file, a column, a row or a cell is not as it must be.
    """
    for name, value, known in (("missing", missing, MISSING), ("task", task, TASKS)):
        if value not in known:
            raise UsageError(f"--{name} must be one of {', '.join(known)}, not {value!r}")
    check_file(path, cap)
    is_parquet = path.suffix.lower() in parquet.SUFFIXES
    header = (parquet if is_parquet else records).read_header(path)
    label = _label(path, header, label)
    categories = categories or ()
    for name in (*(columns or ()), *categories, *(() if by is None else (by,))):
        _require(path, header, name)
    names = next((name for name in NAMES if name in header and name != label), None)
    apart = {label, IDENTITY, *([names] if names else [])}
    read_cells = parquet.read_cells if is_parquet else csv.read_cells
    cells = read_cells(path, header, text={*apart, *categories})
    chosen = choice.choose(cells, label, columns, categories, apart)
    X = np.column_stack([choice.values(cells, column) for column in chosen])
    labels = cells.words(label)
    gaps = np.column_stack([np.isnan(X), labels.isna()])
    rows = _complete(cells, gaps, [*(column.name for column in chosen), label], missing)
    classes, y = target(cells, label, labels.iloc[rows], task, fewest_classes)
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
        groups=None if by is None else groups_of(cells, by)[rows].tolist(),
        missing="mean" if missing == "mean" else "error",
    )


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


def groups_of(cells: Cells, name: str) -> pd.Series[str]:
    """Return a column as text to group rows by, n entries, those missing as ''.

    A whole number is the same text in a column that also holds others, and one that does not.
    """
    column = cells.frame[name]
    texts = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    return texts.str.removesuffix(".0") if pd.api.types.is_float_dtype(column) else texts


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
