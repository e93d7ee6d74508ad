"""The cells of a file or frame, parsed by pandas, taken out a column at a time and checked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data.meaning import MISSING, digest, spelling
from fedredis.data.packed import unpacked
from fedredis.data.records import PLAIN, decodable, line_of, ragged
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from fedredis.data.dialect import Dialect


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
    #: Columns' different cells, found once.
    _known: dict[str, tuple[NDArray[np.intp], Any]] = field(
        default_factory=dict, init=False, repr=False
    )

    def error(self, problem: str, row: int, column: str) -> DataError:
        """Build the error for a bad cell; `row` counts the data rows from 0."""
        return DataError(problem, file=self.path, row=self.line(self.path, row), column=column)

    def mostly_numbers(self, name: str) -> bool:
        """Say whether at least half of a column's filled cells are numbers, and no categories."""
        if isinstance(self.frame[name].dtype, pd.CategoricalDtype):
            return False
        words = self.words(name)
        if words.dtype not in (object, "str"):
            return bool(words.iloc[:SAMPLE].notna().any() or words.notna().any())
        filled = int(words.notna().sum())
        return filled > 0 and 2 * int(_numeric(words).notna().sum()) >= filled

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
            cell = str(self.frame[name].iloc[row])
            raise self.error(
                f"{cell!r} is not a number: if it stands for a missing cell, `na` says so",
                row,
                name,
            )
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
        codes, different = self._factors(name)
        text = pd.Series(different).astype(str).str.strip()
        text = text.mask((text == "") | text.isin(MISSING))
        return pd.Series(text.array.take(codes, allow_fill=True), column.index)

    def spellings(self, name: str) -> NDArray[np.object_]:
        """Return a column (n,) as it is written in names of classes, '' where one is missing."""
        return self._each(name, spelling, "", object)

    def digests(self, name: str) -> NDArray[np.float64]:
        """Return a column's categories (n,), NaN where one is missing."""
        return self._each(name, digest, np.nan, np.float64)

    def texts(self, name: str) -> list[str]:
        """Return a column as text as it stands, n entries, those missing as ''."""
        return list(self.frame[name].astype(object).where(self.frame[name].notna(), "").map(str))

    def oddities(self, name: str) -> dict[str, int]:
        """Count the texts in a column that are no numbers, though they should be."""
        column = self.words(name)
        return dict(column[_numeric(column).isna() & column.notna()].astype(str).value_counts())

    def sample(self, name: str) -> list[str]:
        """Return the first texts of a column, those that are missing left out."""
        if self.head is None or name not in self.head:
            column = self.frame[name].head(SAMPLE).dropna().astype(str)
        else:
            column = self.head[name]
        texts = column.tolist()
        return [text for cell in texts if isinstance(cell, str) and (text := cell.strip())]

    def _factors(self, name: str) -> tuple[NDArray[np.intp], Any]:
        """Return a column as places (n,) in its different cells, -1 for one that is missing."""
        if name not in self._known:
            self._known[name] = pd.factorize(self.frame[name])
        return self._known[name]

    def _each(
        self, name: str, function: Callable[[object], object], gap: object, dtype: Any
    ) -> NDArray[Any]:
        """Apply a function to each different cell of a column."""
        codes, different = self._factors(name)
        return np.array([*map(function, different), gap], dtype)[codes]


def _numeric(column: pd.Series) -> pd.Series[float]:
    """Turn cells into numbers, NaN for those that are none."""
    if column.dtype not in (object, "str"):
        return column.astype(np.float64)
    codes, different = pd.factorize(column)  # -1 is a missing one
    numbers = pd.to_numeric(pd.Series(different), errors="coerce").to_numpy(np.float64)
    return pd.Series(np.append(numbers, np.nan)[codes], column.index)


def read_cells(
    path: Path,
    header: list[str],
    *,
    text: Collection[str] = (),
    dialect: Dialect = PLAIN,
    codes: Mapping[str, Sequence[str]] | None = None,
) -> Cells:
    """Parse a file.

    Parameters
    ----------
    header
        The names of its columns.
    text
        Columns to leave as text, whatever they look like.
    codes
        What stands for a missing cell in each column, beside `MISSING`.

    Raises
    ------
    DataError
        If the bytes can't be decoded, a row has too many fields, or there is no row at all.
    """
    dtypes = {name: str for name in header if name in text}
    try:
        frame = _parse(path, header, dialect, codes, dtype=dtypes)
        head = _parse(path, header, dialect, codes, dtype=str, nrows=SAMPLE)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise ragged(path, len(header), str(error), dialect) from None
    if frame.empty:
        raise DataError("the file has a header and no rows", file=path)
    for part in (frame, head):
        for name in part.columns:
            if part[name].dtype in (object, "str"):
                part[name] = dialect.numerals.plain(part[name])
    return Cells(path, frame, head, line=partial(line_of, dialect=dialect))


def _parse(
    path: Path,
    header: list[str],
    dialect: Dialect,
    codes: Mapping[str, Sequence[str]] | None,
    **how: Any,
) -> pd.DataFrame:
    """Let pandas parse a file.

    In pieces, which takes half of the memory; where they differ in what a column holds, as one.
    """
    missing = {name: ["", *MISSING, *(codes or {}).get(name, ())] for name in header}
    for pieces in (True, False):
        # A first row with too many fields is a mere warning to pandas, and a loss of cells.
        with decodable(path, dialect), unpacked(path) as file, warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            warnings.simplefilter("error", pd.errors.DtypeWarning)
            try:
                return pd.read_csv(  # type: ignore[no-any-return]
                    file,
                    header=0,
                    names=header,
                    index_col=False,
                    sep=dialect.separator,
                    encoding=dialect.encoding,
                    decimal=dialect.numerals.decimal,
                    skiprows=dialect.skip,
                    na_values=missing,
                    keep_default_na=False,
                    low_memory=pieces,
                    **how,
                )
            except pd.errors.DtypeWarning:
                continue
    raise AssertionError("read as one, a column is of one kind")
