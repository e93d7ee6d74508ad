"""Rows that a program has in memory, made into cells as a partition holds them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fedredis.data.cells import Cells
from fedredis.data.dates import expand
from fedredis.data.reading import dates_among, parts
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.features.protocol import Column

#: What errors call the rows in a file's stead.
ROWS = Path("rows")


def to_cells(rows: Any, columns: Sequence[Column], missing: str) -> NDArray[np.float64]:
    """Turn n rows into cells (n, d): numbers, digests of categories, NaN where one is missing.

    In errors the first row is row 0, as in Python.

    Parameters
    ----------
    rows
        A pandas DataFrame or a list of dicts, with the columns by name, and others that are left
        alone; or an array (n, d) in the order of the columns. A cell is a number or its text, a
        category's text, or None.
    missing
        ``mean`` if cells may be missing, and whole columns.
    """
    frame = _frame(rows, [column.name for column in columns])
    return of_cells(Cells(ROWS, frame, line=lambda _path, index: index), columns, missing)


def of_cells(
    cells: Cells,
    columns: Sequence[Column],
    missing: str,
    formats: Mapping[str, str | None] | None = None,
) -> NDArray[np.float64]:
    """Do the same with the cells of a file; dates may be written in `formats`, by column."""
    fills, frame = missing == "mean", cells.frame
    days = [name for name in dates_among([c.name for c in columns]) if name in frame]
    if days := [name for name in days if not {*parts(name)} & {*frame.columns}]:
        known = {name: (formats or {}).get(name) for name in days}
        cells = expand(cells, known, list(frame.columns))
        frame = cells.frame
    if lacking := [column.name for column in columns if column.name not in frame]:
        if not fills:
            raise UsageError(f"the rows have no column {', '.join(lacking)}")
        cells = replace(cells, frame=frame.assign(**dict.fromkeys(lacking, np.nan)))
    return np.column_stack([_column(cells, column, fills) for column in columns])


def _frame(rows: Any, names: list[str]) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        return rows
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        return pd.DataFrame(rows)
    try:
        array = np.asarray(rows, None if isinstance(rows, np.ndarray) else object)
    except ValueError:  # lists of different lengths
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1] != len(names):
        raise UsageError(
            "rows must be a DataFrame, a list of dicts, or an array with a column each for "
            f"{', '.join(names)}"
        )
    return pd.DataFrame(array, columns=names).infer_objects()


def _column(cells: Cells, column: Column, fills: bool) -> NDArray[np.float64]:
    """Return the cells (n,) of a column."""
    if column.kind == "number":
        return cells.numbers(column.name, gaps=fills)
    found = cells.digests(column.name)
    if not fills and np.isnan(found).any():
        raise cells.error("the cell is empty", int(np.isnan(found).argmax()), column.name)
    return found
