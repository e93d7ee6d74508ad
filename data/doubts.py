"""What is odd about columns, though they can be read: said as warnings, to be mended or not."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data.header import NAMELESS
from fedredis.data.meaning import NUMBER, namesakes, spelling, text
from fedredis.errors import DataWarning
from fedredis.features.protocol import MOST_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from fedredis.data.cells import Cells
    from fedredis.features.protocol import Column

#: Text that is no number for what there is beside its digits, or is a date; each with a remedy,
#: and the field of `Reading` that mends it, if one does.
FORMS = (
    (
        re.compile(
            r"(\d{1,4}([-/.])\d{1,2}\2\d{1,4}|\d{1,2}[-. ]{0,2}[^\W\d_]{3,9}[- ]?(\d\d){1,2}|"
            r"[^\W\d_]{3,9} \d{1,2}, \d{4})([ T]\d.*)?"
        ),
        "dates",
        "`dates` makes numbers of them",
        "dates",
    ),
    (
        re.compile(r"[-+]?[€$£]? ?\d[\d.,'\s]*[%€$£]?"),
        "numbers with commas, spaces or signs",
        "write them as 1234.5, or say `decimal` and `thousands`",
        "",
    ),
    (
        re.compile(r"[-+]?\d[\d.,]* ?(?P<unit>[A-Za-zµ°][A-Za-zµ°²³/]{1,7})"),
        "numbers with a unit",
        "write the numbers alone",
        "",
    ),
)

#: A day as a number: 20210105.
DAY = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")

#: A number with zeros in front, and the name of a column of ids: id, patient_no, orderId.
CODED = re.compile(r"0\d+")
IDENTIFIER = re.compile(r"(^|[\W_])(?i:id|no|nr|key|code|index|number)$|[a-z]I[dD]$")

#: Numbers that stand for none if they are far from all others: 99, -999, 88, -1, -8.
NINES = re.compile(r"-?(9{2,}|8{2,}|7{2,})|-[1-9]")

#: What stands in a row that sums up others.
TOTAL = re.compile(
    r"(?i:total|totals|sum|summe|gesamt|insgesamt|somme|totaal|totale|suma|average|mean|mittelwert|"
    r"moyenne)\b.*"
)

#: Rows below which nothing is concluded from values that are all different.
FEW_ROWS = 20

#: Share of the rows below which a class is rare, so that accuracy is no measure.
RARE = 0.02

#: How many names a line gives.
NAMED = 5


@dataclass(frozen=True)
class Finding:
    """What is odd, and what mends it: the field of `Reading` that is to be set, and to what."""

    file: object
    column: str | None
    what: str
    field: str = ""
    value: str = ""

    def __str__(self) -> str:
        where = "" if self.column is None else f", column '{self.column}'"
        return f"{self.file}{where}: {self.what}"


def doubts(
    cells: Cells,
    chosen: Sequence[Column],
    left_out: Sequence[str],
    named: Collection[str],
    label: str,
) -> Iterator[Finding]:
    """Say what is odd about columns.

    Parameters
    ----------
    chosen
        Those that are learnt from.
    left_out
        Those that nobody has named, and that hold too many words.
    named
        Those that somebody has named as categories.
    """
    learnt = {column.name for column in chosen}
    for place, name in enumerate(map(str, cells.frame.columns), 1):
        if NAMELESS.fullmatch(name) and name not in learnt and not _counts_rows(cells, name):
            what = f"column {place} has no name, and is left out: give it one"
            yield Finding(cells.path, None, what)
    yield from _total(cells)
    for name in left_out:
        yield from _form(cells, name, "is left out")
    for column in chosen:
        name = column.name
        if column.kind == "category" and name not in named:
            yield from _form(cells, name, "is taken for categories")
            yield from _single(cells, name)
        if column.kind == "category":
            yield from _merged(cells, name)
            yield from _alike(cells, name, {*map(spelling, cells.sample(name))})
        if column.kind == "number":
            yield from _identifier(cells, name)
            yield from _sentinels(cells, name)
        if label in cells.frame:
            yield from _leak(cells, name, label)


def label_doubts(cells: Cells, label: str, counts: Mapping[str, int]) -> Iterator[Finding]:
    """Say what is odd about the classes that a column has, given the rows of each."""
    if len(counts) > FEW_ROWS:
        yield from _form(cells, label, "is taken for classes")
    yield from _merged(cells, label)
    yield from _alike(cells, label, counts)
    rows = sum(counts.values())
    rare, fewest = min(counts.items(), key=lambda item: item[1])
    if len(counts) <= FEW_ROWS and 0 < fewest <= RARE * rows:
        yield _of(
            cells,
            label,
            f"{fewest / rows:.1%} of the rows are {rare!r}: accuracy is no measure then, look at "
            "macro F1 and at the confusions",
        )


def warn(findings: Iterable[Finding]) -> None:
    """Issue warnings, each of one line."""
    for finding in findings:
        warnings.warn(FindingWarning(finding), stacklevel=3)


class FindingWarning(DataWarning):
    """A finding, as a warning."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def _of(cells: Cells, name: str, what: str, field: str = "", value: str = "") -> Finding:
    return Finding(cells.path, name, what, field, value)


def _form(cells: Cells, name: str, becomes: str) -> Iterator[Finding]:
    """Tell a column most of whose cells are dates or numbers of another country."""
    texts = cells.sample(name)
    for form, what, remedy, field in FORMS:
        numbers = [text for text in texts if NUMBER.fullmatch(text)]
        odd = [t for t in texts if form.fullmatch(t) and not NUMBER.fullmatch(t)]
        if "unit" in form.groupindex and len({form.fullmatch(t)["unit"] for t in odd}) != 1:  # type: ignore[index]
            continue
        if odd and 2 * len(numbers + odd) >= len(texts):
            yield _of(
                cells,
                name,
                f"it holds {what} ({odd[0]!r}), which are text, and {becomes}: {remedy}",
                field,
                name if field else "",
            )
            return


def _total(cells: Cells) -> Iterator[Finding]:
    """Tell a last row that sums up the others."""
    for name in map(str, cells.frame.columns):
        last = text(cells.frame[name].iloc[-1])
        if TOTAL.fullmatch(last) and cells.counts(name).get(last) == 1:
            yield _of(cells, name, f"the last row says {last!r}, as a total does: take it out")
            return


def _alike(cells: Cells, name: str, texts: Iterable[str]) -> Iterator[Finding]:
    """Tell names that are meant to be the same one."""
    for group in namesakes(texts):
        quoted = ", ".join(map(repr, group))
        yield _of(cells, name, f"{quoted} differ by case, spaces or signs alone: write them alike")


def _single(cells: Cells, name: str) -> Iterator[Finding]:
    """Tell categories that are nearly one a row."""
    count, rows = len(counts := cells.counts(name)), int(counts.sum())
    if rows >= FEW_ROWS and rows <= 2 * count <= 2 * MOST_CATEGORIES:
        few = f"{count:,} categories in {rows:,} rows tell next to nothing"
        yield _of(cells, name, f"{few}: leave it out with `ignore`", "ignore", name)


def _counts_rows(cells: Cells, name: str) -> bool:
    """Say whether a column numbers the rows, as pandas' first one does, or is empty."""
    texts = cells.sample(name)
    first = texts[0] if texts else "0"
    return first in ("0", "1") and texts == [*map(str, range(int(first), int(first) + len(texts)))]


def _merged(cells: Cells, name: str) -> Iterator[Finding]:
    """Tell codes that are different texts and the same number."""
    codes: dict[str, str] = {}
    for word in cells.sample(name):
        code, number = re.sub(r"\.0*$", "", word), spelling(word)
        if codes.setdefault(number, code) != code and code[-1:].isdigit():
            yield _of(cells, name, f"{codes[number]!r} and {code!r} are taken for the same number")
            return


def _identifier(cells: Cells, name: str) -> Iterator[Finding]:
    """Tell numbers that number things."""
    texts = cells.sample(name)
    if len({*texts}) >= FEW_ROWS // 2 and all(map(DAY.fullmatch, texts)):
        what = f"its numbers look like dates ({texts[0]!r}): `dates` makes numbers of them"
        yield _of(cells, name, what, "dates", name)
        return
    coded = next((text for text in texts if CODED.fullmatch(text)), None)
    if coded is None and IDENTIFIER.search(name) and len({*texts}) == len(texts) >= FEW_ROWS:
        coded = texts[0] if all(spelling(text).isdigit() for text in texts) else None
    if coded is not None:
        remedy = "leave it out with `ignore`, or name it in `categories`"
        what = f"its numbers look like ids ({coded!r}): {remedy}"
        yield _of(cells, name, what, "ignore", name)


def _sentinels(cells: Cells, name: str) -> Iterator[Finding]:
    """Tell numbers such as -999 and 999999999, several and far from all others."""
    if not cells.are_numbers(name) or len(cells.frame) < FEW_ROWS:
        return
    column = cells.frame[name]
    if not any(NINES.fullmatch(f"{end:.10g}") for end in (column.min(), column.max())):
        return
    counts = cells.counts(name)
    values = counts.index.to_numpy(np.float64)
    odd = np.array([NINES.fullmatch(f"{v:.10g}") is not None for v in values])
    if odd.all():
        return
    low, high = values[~odd].min(), values[~odd].max()
    for code, count in sorted(zip(values[odd].tolist(), counts[odd].tolist(), strict=True)):
        if count > 1 and max(low - code, code - high) > max(high - low, 1.0):
            what = f"{code:.10g} stands in {count:,} cells, far from {low:g} to {high:g}"
            remedy = "`na` says that it stands for a missing cell"
            yield _of(cells, name, f"{what}: {remedy}", "na", f"{name}={code:.10g}")


def _leak(cells: Cells, name: str, label: str) -> Iterator[Finding]:
    """Tell a column that says what the label says."""
    for rows in (FEW_ROWS, 50 * FEW_ROWS, len(cells.frame)):
        first, second = cells.frame[name].iloc[:rows], cells.frame[label].iloc[:rows]
        if rows == FEW_ROWS and first.nunique() > second.nunique():
            return  # at once: each column is looked at
        both = pd.DataFrame({name: first, label: second}).dropna()
        pairs = len(both.drop_duplicates())
        if not 2 <= pairs == both[name].nunique() == both[label].nunique():
            return
    if len(both) >= FEW_ROWS and 2 * pairs <= len(both):
        what = f"it tells the label '{label}' of every row: leave it out with `ignore`"
        yield _of(cells, name, what, "ignore", name)
