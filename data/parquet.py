"""Reading a Parquet file, with pyarrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.data.packed import SIZE_CAP
from fedredis.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

#: How the names of such files end.
SUFFIXES = (".parquet", ".pq")

#: Cells above which a file is refused: compressed, they may take next to no room.
MOST_CELLS = SIZE_CAP // 8

#: Columns that pandas makes of a frame's row labels, if they have no name.
ROW_LABEL = "__index_level_"


def read(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read the columns of a file that hold a value a row, and name the others.

    Whole numbers keep all their digits.
    """
    try:
        import pyarrow as arrow
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise DataError(
            "to read Parquet, install pyarrow: pip install 'fedredis[parquet]'", file=path
        ) from None
    types = arrow.types
    try:
        with ParquetFile(path) as file:
            fields = [f for f in file.schema_arrow if not f.name.startswith(ROW_LABEL)]
            nested = [field.name for field in fields if types.is_nested(field.type)]
            flat = [field.name for field in fields if not types.is_nested(field.type)]
            cells = file.metadata.num_rows * len(flat)
            if cells > MOST_CELLS:
                raise DataError(
                    f"the file has {cells:,} cells, the limit is {MOST_CELLS:,}", file=path
                )
            table = file.read(columns=flat).replace_schema_metadata(None)
        for place, column in enumerate(table.columns):
            kind = column.type
            if types.is_decimal(kind):
                column = column.cast(arrow.float64(), safe=False)
            elif types.is_duration(kind):
                pass  # whose unit a frame knows
            elif not (types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind)):
                column = column.cast(arrow.string(), safe=False)
            column.validate(full=True)  # is it UTF-8?
            table = table.set_column(place, table.field(place).name, column)
        frame: pd.DataFrame = table.to_pandas(integer_object_nulls=True)
    except (arrow.ArrowException, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"not Parquet: {' '.join(str(error).split())}", file=path) from None
    return frame, nested
