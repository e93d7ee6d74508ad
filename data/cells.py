"""The cells of a CSV file, parsed by pandas, taken out a column at a time and checked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data.records import line_of, ragged, readable
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Cells:
    """The rows of one file; a cell that is empty or spells NaN, NA or null is missing."""

    path: Path
    frame: pd.DataFrame

    def error(self, problem: str, row: int, column: str) -> DataError:
        """Build the error for a bad cell; `row` counts the data rows from 0."""
        return DataError(problem, file=self.path, row=line_of(self.path, row), column=column)

    def mostly_numbers(self, name: str) -> bool:
        """Say whether at least half of a column's filled cells are numbers."""
        filled = self.frame[name].dropna()
        return len(filled) > 0 and 2 * int(_numeric(filled).notna().sum()) >= len(filled)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, shape (n,).

        Raises
        ------
        DataError
            If a cell is missing, is text or is infinite.
        """
        column = self.frame[name]
        self._refuse_missing(column)
        numbers = _numeric(column)
        text = numbers.isna().to_numpy()
        if text.any():
            row = int(text.argmax())
            raise self.error(f"{str(column.iloc[row])!r} is not a number", row, name)
        values = np.asarray(numbers, dtype=np.float64)
        infinite = np.isinf(values)
        if infinite.any():
            raise self.error("the number is infinite", int(infinite.argmax()), name)
        return values

    def labels(self, name: str) -> pd.Series[str]:
        """Return a column as text, n entries, without the spaces around them.

        Raises
        ------
        DataError
            If a cell is missing or blank.
        """
        column = self.frame[name]
        self._refuse_missing(column)
        stripped = column.astype(str).str.strip()
        blank = (stripped == "").to_numpy()
        if blank.any():
            raise self.error("the cell is empty", int(blank.argmax()), name)
        return stripped

    def texts(self, name: str) -> list[str]:
        """Return a column as text as it stands, n entries, those missing as ''."""
        return list(self.frame[name].fillna("").astype(str))

    def _refuse_missing(self, column: pd.Series) -> None:
        missing = column.isna().to_numpy()
        if missing.any():
            raise self.error("the cell is empty", int(missing.argmax()), str(column.name))


def _numeric(column: pd.Series) -> pd.Series[float]:
    """Turn cells into numbers, NaN for those that are none."""
    if column.dtype == bool:  # True is a word here, though pandas would count it as 1
        return pd.Series(np.nan, index=column.index)
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
