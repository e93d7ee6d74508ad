"""The cells of a file, parsed by pandas, taken out a column at a time and checked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data.records import line_of, ragged, readable
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Cells:
    """The rows of one file; a cell that is empty, blank or spells NaN, NA or null is missing."""

    path: Path
    frame: pd.DataFrame
    #: Tells the number that a file's data row, counted from 0, has for its readers.
    line: Callable[[Path, int], int | None] = line_of

    def error(self, problem: str, row: int, column: str) -> DataError:
        """Build the error for a bad cell; `row` counts the data rows from 0."""
        return DataError(problem, file=self.path, row=self.line(self.path, row), column=column)

    def mostly_numbers(self, name: str) -> bool:
        """Say whether at least half of a column's filled cells are numbers."""
        filled = self.words(name).dropna()
        return len(filled) > 0 and 2 * int(_numeric(filled).notna().sum()) >= len(filled)

    def numbers(self, name: str, *, gaps: bool = False) -> NDArray[np.float64]:
        """Return a column as numbers, shape (n,).

        Parameters
        ----------
        gaps
            Whether cells may be missing: they are NaN.

        Raises
        ------
        DataError
            If a cell is missing, is text or is infinite.
        """
        column = self.words(name)
        missing = column.isna().to_numpy()
        if missing.any() and not gaps:
            raise self.error("the cell is empty", int(missing.argmax()), name)
        numbers = _numeric(column)
        text = numbers.isna().to_numpy() & ~missing
        if text.any():
            row = int(text.argmax())
            raise self.error(f"{str(self.frame[name].iloc[row])!r} is not a number", row, name)
        values = np.asarray(numbers, dtype=np.float64)
        infinite = np.isinf(values)
        if infinite.any():
            raise self.error("the number is infinite", int(infinite.argmax()), name)
        return values

    def words(self, name: str) -> pd.Series:
        """Return a column, n entries, its text without the spaces around it.

        Numbers that pandas has parsed stay numbers, and truth values are text.
        """
        column = self.frame[name]
        if pd.api.types.is_numeric_dtype(column) and column.dtype != bool:
            return column
        text = column.astype(str).str.strip()
        return text.where(column.notna() & (text != ""))

    def texts(self, name: str) -> list[str]:
        """Return a column as text as it stands, n entries, those missing as ''."""
        return list(self.frame[name].fillna("").astype(str))


def _numeric(column: pd.Series) -> pd.Series[float]:
    """Turn cells into numbers, NaN for those that are none."""
    return pd.to_numeric(column, errors="coerce").astype(np.float64)


def read_cells(path: Path, header: list[str], *, text: Collection[str] = ()) -> Cells:
    """Parse a file.

    Parameters
    ----------
    header
        The names of its columns.
    text
        Columns to leave as text, whatever they look like.

    Raises
    ------
    DataError
        If the bytes are not UTF-8, a row has too many fields, or there is no row at all.
    """
    try:
        # A first row with too many fields is a mere warning to pandas, and a loss of cells.
        with readable(path), warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                header=0,
                names=header,
                index_col=False,
                dtype={name: str for name in header if name in text},
                encoding="utf-8",
                low_memory=False,  # one type a column, not one a chunk
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise ragged(path, len(header), str(error)) from None
    if frame.empty:
        raise DataError("the file has a header and no rows", file=path)
    return Cells(path, frame)
