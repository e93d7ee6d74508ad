"""Reading a Parquet file, with pyarrow, into the same cells as a CSV file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd

from fedredis.data.cells import Cells
from fedredis.data.packed import SIZE_CAP
from fedredis.data.records import column_names
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

#: How the names of such files end.
SUFFIXES = (".parquet", ".pq")

#: Cells above which a file is refused: compressed, they may take next to no room.
MOST_CELLS = SIZE_CAP // 8

#: Columns that pandas makes of a frame's row labels, if they have no name.
ROW_LABEL = "__index_level_"


def read_header(path: Path) -> list[str]:
    """Read the names of a file's columns, but for those that hold lists or structures.

    Raises
    ------
    DataError
        If it is no Parquet file, or names a column twice.
    """
    with _opened(path) as (file, arrow):
        names = column_names(_flat(file, arrow))
    for name in names:
        if names.count(name) > 1:
            raise DataError("two columns have this name", file=path, column=name)
    return names


def read_cells(path: Path, header: list[str], *, text: Collection[str] = ()) -> Cells:
    """Read the cells of a file; a row's number is its place, counted from 1.

    Parameters
    ----------
    header
        The names of the columns to read.
    text
        Columns to turn into text, whatever they hold.

    Raises
    ------
    DataError
        If it is damaged, there is no row at all, or there are too many.
    """
    with _opened(path) as (file, arrow):
        rows = file.metadata.num_rows
        if rows * len(header) > MOST_CELLS:
            raise DataError(
                f"the file has {rows * len(header):,} cells, the limit is {MOST_CELLS:,}",
                file=path,
            )
        flat = _flat(file, arrow)
        called = dict(zip(column_names(flat), flat, strict=True))
        table = file.read(columns=[called[name] for name in header])
        columns = [_series(arrow, table[called[name]], name in text) for name in header]
        frame = pd.DataFrame(dict(zip(header, columns, strict=True)))
    if frame.empty:
        raise DataError("the file has a header and no rows", file=path)
    return Cells(path, frame, line=lambda _path, index: index + 1)


def _flat(file: Any, arrow: Any) -> list[str]:
    """Return the names, as they stand, of columns that hold a value a row."""
    return [
        field.name
        for field in file.schema_arrow
        if not (arrow.types.is_nested(field.type) or field.name.startswith(ROW_LABEL))
    ]


def _series(arrow: Any, column: Any, as_text: bool) -> pd.Series:
    """Turn a column into 64-bit floats or text; truth values stay what they are."""
    types, kind = arrow.types, column.type
    if not types.is_boolean(kind):
        number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
        wanted = arrow.float64() if number and not as_text else arrow.string()
        column = column.cast(wanted, safe=False)  # an integer may lose digits, as in a CSV file
        column.validate(full=True)  # is it UTF-8?
    return column.to_pandas()  # type: ignore[no-any-return]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a file, lend it with pyarrow, and turn what can go wrong into a `DataError`."""
    try:
        import pyarrow as arrow
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise DataError(
            "to read Parquet, install pyarrow: pip install 'fedredis[parquet]'", file=path
        ) from None
    try:
        with ParquetFile(path) as file:
            yield file, arrow
    except (arrow.ArrowException, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"not Parquet: {' '.join(str(error).split())}", file=path) from None
