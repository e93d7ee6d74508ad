"""The cells of a file or frame, parsed by pandas, taken out a column at a time and checked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data.meaning import MISSING, digest, spelling
from fedredis.data.records import line_of, ragged, readable
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray


#: Rows whose text is looked at for what is odd about a column.
SAMPLE = 1_000


@dataclass(frozen=True, eq=False)
class Cells:
    """The rows of one file; `meaning.text` says which cells are missing."""

    path: Path
    frame: pd.DataFrame
    #: The first rows before pandas made numbers of them, if there was such a time.
    head: pd.DataFrame | None = None
    #: Tells the number that a file's data row, counted from 0, has for its readers.
    line: Callable[[Path, int], int | None] = line_of

    def error(self, problem: str, row: int, column: str) -> DataError:
        """Build the error for a bad cell; `row` counts the data rows from 0."""
        return DataError(problem, file=self.path, row=self.line(self.path, row), column=column)

    def mostly_numbers(self, name: str) -> bool:
        """Say whether at least half of a column's filled cells are numbers, and no categories."""
        if isinstance(self.frame[name].dtype, pd.CategoricalDtype):
            return False
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
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            return column
        text = column.astype(str).str.strip()
        return text.mask(column.isna() | (text == "") | text.isin(MISSING))

    def spellings(self, name: str) -> NDArray[np.object_]:
        """Return a column (n,) as it is written in names of classes, '' where one is missing."""
        return self._each(name, spelling, "", object)

    def digests(self, name: str) -> NDArray[np.float64]:
        """Return a column's categories (n,), NaN where one is missing."""
        return self._each(name, digest, np.nan, np.float64)

    def texts(self, name: str) -> list[str]:
        """Return a column as text as it stands, n entries, those missing as ''."""
        return list(self.frame[name].astype(object).where(self.frame[name].notna(), "").map(str))

    def sample(self, name: str) -> list[str]:
        """Return the first texts of a column, those that are missing left out."""
        frame = self.frame.head(SAMPLE) if self.head is None else self.head
        filled = frame[name].dropna().astype(str).str.strip()
        return list(filled[filled != ""])

    def _each(
        self, name: str, function: Callable[[object], object], gap: object, dtype: Any
    ) -> NDArray[Any]:
        """Apply a function to each different cell of a column."""
        codes, different = pd.factorize(self.frame[name])  # -1 is a missing one
        return np.array([*map(function, different), gap], dtype)[codes]


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
    how: dict[str, Any] = {
        "header": 0,
        "names": header,
        "index_col": False,
        "encoding": "utf-8",
        "na_values": ["", *MISSING],
        "keep_default_na": False,
        "low_memory": False,  # one type a column, not one a chunk
    }
    try:
        # A first row with too many fields is a mere warning to pandas, and a loss of cells.
        with readable(path), warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(path, dtype={name: str for name in header if name in text}, **how)
            head = pd.read_csv(path, dtype=str, nrows=SAMPLE, **how)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise ragged(path, len(header), str(error)) from None
    if frame.empty:
        raise DataError("the file has a header and no rows", file=path)
    return Cells(path, frame, head)
