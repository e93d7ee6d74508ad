"""What a table would be read as, what is odd about it, and what mends that; nothing is sent."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fedredis.data import formats, meaning
from fedredis.data.columns import choose
from fedredis.data.doubts import Finding, FindingWarning
from fedredis.data.file import EMPTY, table_of
from fedredis.errors import DataError
from fedredis.printable import item

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fedredis.data.cells import Cells
    from fedredis.data.formats import Opened
    from fedredis.data.reading import Reading
    from fedredis.data.table import Table

#: What people write where they know nothing.
UNKNOWN = re.compile(
    r"[?*.\-_/]+|(?i:unknown|unk|missing|none|n\.?[ad]\.?|k\.?a\.?|inconnu|unbekannt|not known)"
)

#: How often a table is read, each time with what mends what was found before.
PASSES = 4

#: How many different texts of a column are told.
TOLD = 5


@dataclass(frozen=True)
class ColumnFacts:
    """A column: what it holds, and what becomes of it."""

    name: str
    #: number, category, date, text, empty, or lists, which are not looked at.
    kind: str
    missing: int
    distinct: int
    #: A cell of it.
    example: str
    use: str


@dataclass(frozen=True, eq=False)
class Inspection:
    """A table as it would be read."""

    path: Path
    how: str
    rows: int
    columns: tuple[ColumnFacts, ...]
    findings: tuple[Finding, ...]
    #: How to read it so that what can be mended is, and what it gives then, if it can be read.
    mended: Reading
    table: Table | None


def inspect(path: Path | None, reading: Reading) -> Inspection:
    """Look at a file, or, from None, at a query's answer.

    Raises
    ------
    DataError
        If it can't even be parsed; what else is wrong is a finding.
    """
    found: dict[str, Finding] = {}
    mended, first = reading, None
    for _ in range(PASSES):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            opened = formats.opened(path, mended)
            cells, table, refused, odd = _read(opened, mended)
        new = [w.message.finding for w in said if isinstance(w.message, FindingWarning)] + odd
        if names := _second_names(cells, opened):  # all else follows from it
            new = [names]
        else:
            first = first or cells
        found |= {str(each): each for each in new}
        better = _mend(mended, new)
        if better == mended:
            break
        mended = better
    if refused is not None and not any(str(refused) in line for line in found):
        found[str(refused)] = Finding(refused.file, refused.column, _bare(refused))
    facts = (
        *_facts(first or cells, mended, table),
        *(ColumnFacts(name, "lists", 0, 0, "", "lists or objects") for name in opened.nested),
    )
    findings = tuple(found.values())
    return Inspection(opened.path, opened.how, len(cells.frame), facts, findings, mended, table)


def _read(
    opened: Opened, reading: Reading
) -> tuple[Cells, Table | None, DataError | None, list[Finding]]:
    """Read a table once; return its cells, itself or why it is none, and what else is odd."""
    label = {reading.label} & {*opened.header}
    read = opened.cells({*filter(None, label), *reading.categories, *reading.days})
    table = refused = None
    try:
        table = table_of(replace(opened, cells=lambda text: read), reading, fewest_classes=1)
    except DataError as error:
        refused = error
        if not label:
            with suppress(DataError):
                choose(read, "", reading, {})
    learnt = None if table is None else [column.name for column in table.columns]
    findings = [f for name in opened.header for f in _of_column(read, name, reading, learnt)]
    if refused is not None and EMPTY in str(refused):
        gaps = "cells are missing: `missing=mean` fills them, `missing=drop` drops their rows"
        findings.append(Finding(read.path, refused.column, gaps, "missing", "mean"))
    return read, table, refused, findings


def _second_names(cells: Cells, opened: Opened) -> Finding | None:
    """Tell a first row that names columns, below a line of names that are merged over several."""
    line = cells.line(cells.path, 0)
    if line is None or not opened.how.startswith(formats.HEADED):
        return None
    words = []
    for name in opened.header:
        if not cells.are_numbers(name) and cells.mostly_numbers(name):
            odd, first = cells.oddities(name), meaning.text(cells.frame[name].iloc[0])
            if len(odd) != 1 or odd.iloc[0] != 1 or odd.index[0] != first or first == name:
                return None
            words.append(first)
    if len(words) < 2:
        return None
    what = f"row {line} names columns, too ({', '.join(words[:TOLD])}): `header` says that it does"
    return Finding(cells.path, None, what, "header", str(line))


def _of_column(
    cells: Cells, name: str, reading: Reading, learnt: list[str] | None
) -> Iterator[Finding]:
    """Tell what stands for nothing in a column, and whether it is always the same."""
    if name in (*reading.ignore, *reading.days):
        return
    counts = cells.counts(name)
    odd = counts.iloc[:0]
    if not cells.are_numbers(name):
        if cells.mostly_numbers(name) and name != reading.label:
            odd = cells.oddities(name)
        if odd.empty and 2 * len(counts) <= counts.sum():
            odd = counts[[UNKNOWN.fullmatch(text) is not None for text in counts.index]]
    for text, count in list(zip(map(str, odd.index), odd, strict=True))[:TOLD]:
        blank = text.startswith("#") or not re.search(r"\d", text)  # of Excel: #DIV/0!
        means = "`na` says that it stands for a missing cell" if blank else "correct it"
        yield Finding(
            cells.path,
            name,
            f"{text!r} stands in {count:,} cells: {means}",
            "na" if blank else "",
            f"{name}={text}",
        )
    if learnt is not None and name in learnt and len(counts) == 1 and counts.iloc[0] > 1:
        yield Finding(
            cells.path,
            name,
            "it is the same in all rows: leave it out with `ignore`",
            "ignore",
            name,
        )


def _mend(reading: Reading, findings: list[Finding]) -> Reading:
    """Say what mends findings, beside what is said already."""
    said: dict[str, object] = {}
    for finding in findings:
        if finding.field == "missing":
            said["missing"] = finding.value
        elif finding.field == "header":
            said["header"] = int(finding.value)
        elif finding.field:
            before = said.get(finding.field, getattr(reading, finding.field))
            said[finding.field] = tuple(dict.fromkeys([*before, finding.value]))  # type: ignore[misc]
    mended = replace(reading, **said)  # type: ignore[arg-type]
    # A column that is left out need not be mended, and a code of several columns is one of all.
    out = {*mended.ignore}
    codes = [item.rpartition("=") for item in mended.na]
    codes = [c for c in codes if c[0] not in out]
    often = Counter(code for name, _, code in codes if name and not re.search(r"\d", code))
    na = dict.fromkeys(c if often[c] > 1 or not name else f"{name}={c}" for name, _, c in codes)
    days = [each for each in mended.dates if each.partition("=")[0] not in out]
    return replace(mended, na=tuple(na), dates=tuple(days))


def _facts(cells: Cells, reading: Reading, table: Table | None) -> Iterator[ColumnFacts]:
    """Describe the columns as they stand in the file."""
    account = None if table is None else table.account
    learnt = {} if table is None else {column.name: column.kind for column in table.columns}
    days = reading.days
    for name in map(str, cells.frame.columns):
        counts, first = cells.counts(name), cells.sample(name)[:1]
        kind = "number" if cells.mostly_numbers(name) else "text"
        kind = "date" if name in days else learnt.get(name, kind if len(counts) else "empty")
        use = "?" if account is None else account.left.get(name, "learnt from")
        use = "label" if table is not None and name == table.reading.label else use
        missing = len(cells.frame) - int(counts.sum())
        yield ColumnFacts(name, kind, missing, len(counts), "".join(first), use)


def said_by(reading: Reading) -> dict[str, str]:
    """Return what a reading says that is not said anyway, as text, a field a name."""
    return {
        name: ",".join(map(item, value)) if isinstance(value, tuple) else str(value)
        for name, value in reading.as_dict.items()
    }


def _bare(error: DataError) -> str:
    """Return an error's line without the place that a finding names anyway."""
    place = DataError("", file=error.file, row=error.row, column=error.column)
    row = "" if error.row is None else f"row {error.row}: "
    return row + str(error).removeprefix(str(place))
