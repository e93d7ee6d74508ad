"""The cells of a file or frame, parsed by pandas, taken out a column at a time and checked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data.meaning import MISSING, composed, digest, shown, spelling, text
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
    """The rows of one file; `meaning.text` says which cells are missing.

    What is asked of a column is asked of its different cells, which are few where it is text.
    """

    path: Path
    frame: pd.DataFrame
    #: The first rows before pandas made numbers of them, if there was such a time.
    head: pd.DataFrame | None = None
    #: Tells the number that a file's data row, counted from 0, has for its readers.
    line: Callable[[Path, int], int | None] = line_of
    #: Columns' different cells, and how many there are of each, found once.
    _known: dict[str, tuple[NDArray[np.intp], NDArray[np.object_]]] = field(
        default_factory=dict, init=False, repr=False
    )
    _counted: dict[str, pd.Series[int]] = field(default_factory=dict, init=False, repr=False)

    def error(self, problem: str, row: int, column: str) -> DataError:
        """Build the error for a bad cell; `row` counts the data rows from 0."""
        return DataError(problem, file=self.path, row=self.line(self.path, row), column=column)

    def are_numbers(self, name: str) -> bool:
        """Say whether a column came as numbers, or was parsed into them."""
        dtype = self.frame[name].dtype
        return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)

    def different(self, name: str) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
        """Return a column as places (n,) in its different texts (k,), '' for one that is missing.

        Texts are without spaces around them; a few may be the same.
        """
        if name not in self._known:
            codes, cells = pd.factorize(self.frame[name])  # -1 is a missing one, and so the last
            self._known[name] = codes, np.array([*map(text, cells), ""], object)
        return self._known[name]

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Mark the cells of a column that are missing (n,)."""
        if self.are_numbers(name):
            return self.frame[name].isna().to_numpy(np.bool_)
        codes, texts = self.different(name)
        return np.asarray(texts == "", np.bool_)[codes]

    def counts(self, name: str) -> pd.Series[int]:
        """Count the filled cells of each number, or text, in a column; those with most first."""
        if name not in self._counted:
            self._counted[name] = self._count(name)
        return self._counted[name]

    def _count(self, name: str) -> pd.Series[int]:
        if self.are_numbers(name):
            return pd.Series(self.frame[name].value_counts())
        codes, texts = self.different(name)
        each = pd.Series(np.bincount(codes % len(texts), minlength=len(texts)), texts)
        each = each[texts != ""].groupby(level=0, sort=False).sum()
        return pd.Series(each.sort_values(ascending=False, kind="stable"))

    def oddities(self, name: str) -> pd.Series[int]:
        """Count the texts in a column that are no numbers, as `counts` does."""
        counts = self.counts(name)
        return counts[np.isnan(_numeric(counts.index))]

    def mostly_numbers(self, name: str) -> bool:
        """Say whether at least half of a column's filled cells are numbers, and no categories."""
        column = self.frame[name]
        if self.are_numbers(name):
            return bool(column.iloc[:SAMPLE].notna().any() or column.notna().any())
        if isinstance(column.dtype, pd.CategoricalDtype):
            return False
        filled, odd = int(self.counts(name).sum()), int(self.oddities(name).sum())
        return filled > 0 and 2 * odd <= filled

    def numbers(self, name: str, *, gaps: bool = False) -> NDArray[np.float64]:
        """Return a column as numbers, shape (n,).

        Parameters
        ----------
        gaps
            Whether cells may be missing: they are NaN.
        """
        missing = self.missing(name)
        if missing.any() and not gaps:
            raise self.error("the cell is empty", int(missing.argmax()), name)
        if self.are_numbers(name):
            values = self.frame[name].to_numpy(np.float64, na_value=np.nan)
        else:
            codes, texts = self.different(name)
            values = _numeric(texts)[codes]
            is_text = np.isnan(values) & ~missing
            if is_text.any():
                row = int(is_text.argmax())
                found = composed(str(self.frame[name].iloc[row]))
                remedy = "if it stands for a missing cell, `na` says so"
                if found.strip() == name:
                    remedy = "the names of columns stand here again, take them out"
                raise self.error(f"{shown(found)} is not a number: {remedy}", row, name)
        infinite = np.isinf(values)
        if infinite.any():
            raise self.error("the number is infinite", int(infinite.argmax()), name)
        return values

    def words(self, name: str) -> pd.Series:
        """Return a column as text (n,), None where it is missing."""
        codes, texts = self.different(name)
        return pd.Series(np.array([found or None for found in texts], object)[codes])

    def spellings(self, name: str) -> NDArray[np.object_]:
        """Return a column (n,) as it is written in names of classes, '' where one is missing."""
        codes, texts = self.different(name)
        return np.array([*map(spelling, texts)], object)[codes]

    def digests(self, name: str) -> NDArray[np.float64]:
        """Return a column's categories (n,), NaN where one is missing."""
        codes, texts = self.different(name)
        return np.array([*map(digest, texts)])[codes]

    def texts(self, name: str) -> list[str]:
        """Return a column as text as it stands, n entries, those missing as ''."""
        return list(self.frame[name].astype(object).where(self.frame[name].notna(), "").map(str))

    def sample(self, name: str) -> list[str]:
        """Return the first texts of a column, those that are missing left out."""
        if self.head is None or name not in self.head:
            column = self.frame[name].head(SAMPLE).dropna().map(text)
        else:
            column = self.head[name]
        texts = column.tolist()
        return [bare for cell in texts if isinstance(cell, str) and (bare := cell.strip())]


def _numeric(texts: Any) -> NDArray[np.float64]:
    """Turn texts (k,) into numbers, NaN for those that are none."""
    return pd.to_numeric(pd.Series(np.asarray(texts)), errors="coerce").to_numpy(np.float64)


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
    """
    dtypes = {name: str for name in header if name in text}
    try:
        frame = _parse(path, header, dialect, codes, dtype=dtypes)
        head = _parse(path, header, dialect, codes, dtype=str, nrows=SAMPLE)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise ragged(path, len(header), str(error), dialect) from None
    if frame.empty:
        raise DataError("the file has a header and no rows", file=path)
    frame, head = map(dialect.numerals.rewritten, (frame, head))
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
