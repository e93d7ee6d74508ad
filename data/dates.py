"""Columns of dates, made into columns of numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data.doubts import Finding, warn
from fedredis.data.reading import parts
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.data.cells import Cells

#: The day, the same at all slaves, from which days are counted.
DAY_0 = pd.Timestamp("2000-01-01")

#: Ways to write a date, of which one must do for a whole column.
FORMATS = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d"),
    *("%d%b%Y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%d. %B %Y", "%B %d, %Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%y-%m-%d", "%d%b%y", "%d-%b-%y"),
)

#: What may stand behind a date.
TIME = r"[T ]\d{1,2}:\d{2}.*$"


def expand(cells: Cells, dates: Mapping[str, str | None], columns: Sequence[str]) -> Cells:
    """Put the parts of dates in the place of columns with dates.

    Parameters
    ----------
    dates
        The format of each column, None to find it.
    columns
        All columns, in their order.
    """
    series: dict[str, pd.Series] = {}
    for name in columns:
        if name not in dates:
            series[name] = cells.frame[name]
            continue
        days = _days(cells, name, dates[name])
        since = (days - DAY_0) / pd.Timedelta(days=1)
        values = (days.dt.year, days.dt.month, days.dt.day_of_week, np.floor(since))
        series |= {n: v.astype(np.float64) for n, v in zip(parts(name), values, strict=True)}
    head = cells.head if cells.head is None else cells.head.drop(columns=[*dates])
    return replace(cells, frame=pd.DataFrame(series), head=head)


def _days(cells: Cells, name: str, form: str | None) -> pd.Series:
    """Read a column of dates, NaT where one is missing."""
    column: pd.Series = cells.frame[name]
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.Series(column.dt.tz_localize(None))
    words = cells.words(name).astype(object)
    text = words.map(str, na_action="ignore").astype("string")
    text = text if form else text.str.replace(TIME, "", regex=True)
    found: dict[str, pd.Series] = {}
    for each in [form] if form else FORMATS:
        days = pd.to_datetime(text, format=each, errors="coerce")
        if not (wrong := (days.isna() & text.notna()).to_numpy()).any():
            found[each] = days
    if not found and form:
        row = int(wrong.argmax())
        raise cells.error(f"{text.iloc[row]!r} is no date as {form} says", row, name)
    if not found:
        best = pd.to_datetime(text, format="mixed", dayfirst=True, errors="coerce")
        row = int((best.isna() & text.notna()).to_numpy().argmax())
        raise cells.error(
            f"{text.iloc[row]!r} is no date, or is written otherwise than others: "
            f"`dates={name}=FORMAT` says how, such as %d.%m.%Y; `na`, if it stands for none",
            row,
            name,
        )
    first, *others = found.items()
    if "%y" in first[0] and not form:
        years = f"{first[1].dt.year.min():.0f} to {first[1].dt.year.max():.0f}"
        what = f"its years have two digits, and are read as {years}: write four if that is wrong"
        warn([Finding(cells.path, name, what)])
    for form_b, days in others:
        if not days.equals(first[1]):
            row = int((days != first[1]).to_numpy().argmax())
            raise DataError(
                f"{text.iloc[row]!r} may be {first[0]} or {form_b}: `dates={name}=FORMAT` says "
                "which",
                file=cells.path,
                column=name,
            )
    return first[1]
