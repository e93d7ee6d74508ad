"""How a CSV file is written: encoding, separator and decimal sign, found in it or said."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from fedredis.data import numerals
from fedredis.data.header import ROWS, check_first, completed, titled
from fedredis.data.meaning import MISSING
from fedredis.data.numerals import Numerals
from fedredis.data.packed import SIZE_CAP, unpacked
from fedredis.data.pages import page_of
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fedredis.data.reading import Reading

#: Bytes at the start of a file, and records in them, that are looked at.
HEAD = 2**20
RECORDS = 300

#: Characters, in whole lines, that tell the separator; lines that are looked at in any case.
SAMPLE = 6_000
LINES = 5

#: What may separate cells without being named.
SEPARATORS = ",;\t|"

#: Marks at a text's start, the longer ones first.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

#: Excel's own first line, that says what separates cells.
SEP = re.compile(r'"?sep=(.)\1*"?\r?\n', re.IGNORECASE)

#: Blank lines at a text's start.
BLANK = re.compile(r"\A\s*[\r\n]")

#: How texts begin that are no CSV, and what to do about them.
NO_CSV = {
    re.compile(r'\s*(\{\s*"|\[\s*[\[{])'): "JSON: let its name end in .json, or .jsonl",
    re.compile(r"(?i)\s*<(!doctype|\?xml|html|table)"): "a web page, or XML: export it as CSV",
}

#: Numbers as programs write them.
PLAIN = Numerals()


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    separator: str = ","
    encoding: str = "utf-8"
    numerals: Numerals = PLAIN
    #: Lines above the header.
    skip: int = 0

    def __str__(self) -> str:
        sign = {"\t": "a tab", ",": "a comma", ";": "a semicolon"}.get(self.separator)
        parts = [f"{sign or repr(self.separator)} between cells", self.encoding]
        return ", ".join([*parts, *filter(None, [str(self.numerals)])])


def find(path: Path, reading: Reading, *, whole: bool = False, cap: int = SIZE_CAP) -> Dialect:
    """Find out how a file is written, as far as `reading` does not say it.

    Parameters
    ----------
    whole
        Whether the file's start has misled before: its encoding is then that of all bytes.
    """
    with unpacked(path, cap) as file:
        start = file.read(HEAD)
        rest = [line for line in file if not line.isascii()][:RECORDS] if whole else []
    if not start.strip():
        raise DataError("the file is empty", file=path)
    encoding = reading.encoding or _encoding(start, b"".join(rest), path)
    try:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(start)
    except UnicodeError:  # UTF-16 without a mark
        raise DataError(
            f"the text is not {encoding.upper()}: `encoding` says what it is", file=path
        ) from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DataError("the file is empty", file=path)
    for begin, what in NO_CSV.items():
        if begin.match(text):
            raise DataError(f"this is no CSV file but {what}", file=path)
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        problem = "the file holds no text: it has bytes that are zero"
        if encoding == "utf-8":
            problem += "; `encoding` says if it is utf-16-le or utf-16-be"
        raise DataError(problem, file=path, row=row)
    cut = len(start) == HEAD
    said = SEP.match(text)
    skip = reading.header - 1 if reading.header else int(said is not None)
    text = "".join(islice(io.StringIO(text, newline=""), skip, None))
    if not text.strip():
        raise DataError(f"there is nothing in line {skip + 1} and below", file=path)
    separator = reading.separator or (said[1] if said else _separator(text, path, skip))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    numbered = [(skip + reader.line_num, record) for record in islice(reader, RECORDS) if record]
    numbered = numbered[: -1 if cut else None] or [(1, [])]
    if reading.header is None:
        check_first(numbered[:ROWS], path)
    header, *rows = (record for _, record in numbered)
    header = completed(header, rows[:ROWS])
    columns = (
        (name, [c for c in map(str.strip, cells) if c and c not in MISSING])
        for name, *cells in zip(
            header, *(row for row in rows if len(row) == len(header)), strict=True
        )
    )
    how = numerals.find(columns, separator, path, reading.decimal, reading.thousands)
    return Dialect(separator, encoding, how, skip)


def _encoding(start: bytes, rest: bytes, path: Path) -> str:
    """Tell the encoding of a text that begins with `start`; `rest` are later lines."""
    for mark, name in MARKS:
        if start.startswith(mark):
            return name
    if b"\0" in start:
        for name, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[0::2])):
            if 2 * zeros.count(0) > len(zeros):
                return name
        return "utf-8"  # which it is not, and is told by
    tail = start.rfind(b"\n") + 1 if len(start) == HEAD else len(start)
    try:
        (start[:tail] + rest).decode()
    except UnicodeDecodeError:
        return page_of(start[:tail], rest, path)
    return "utf-8"


def _names_below(lines: Sequence[str], sign: str) -> tuple[int, int] | None:
    """Find the row that names columns below a title without the sign that separates cells.

    Return its number, counted from 1, and how many cells it has, if there is such a row: words
    that don't occur below it, in rows that have as many cells.
    """
    reader = csv.reader(lines, delimiter=sign)
    records = [(reader.line_num, record) for record in reader if "".join(record).strip()]
    for at, (row, names) in enumerate(records):
        if len(names) == 1:
            continue
        below = [record for _, record in records[at + 1 :]]
        alike = sum(len(record) == len(names) for record in below)
        words = [name.strip() for name in names]
        told = all(any(map(str.isalpha, word)) for word in words)
        told &= all(word not in map(str.strip, record) for record in below for word in words)
        return (row, len(names)) if at and told and 2 * alike > len(below) else None
    return None


def _separator(text: str, path: Path, skip: int) -> str:
    """Tell what separates cells, below `skip` lines."""
    # It imports much, and not everybody reads CSV.
    from clevercsv import Detector

    lines, taken = BLANK.sub("", text).splitlines(keepends=True), 0
    for count, line in enumerate(lines):
        taken += len(line)
        if taken > SAMPLE and count >= LINES:
            lines = lines[:count]
            break
    header = lines[0].strip("\r\n") if lines else ""
    found = Detector().detect("".join(lines))
    sign = "?" if found is None else found.delimiter or ""
    others = [other for other in SEPARATORS if other in header and other != sign]
    if (sign and sign in SEPARATORS and sign in header) or not (sign or others):
        return sign or ","
    if not others and not any(sign in line for line in lines[1:]):
        return ","
    if found is None and len(others) == 1:
        return others[0]
    # Below a title, of which more is said where the names of columns are looked for.
    rows = sum(line.count(sign) > 1 for line in lines) if sign and sign in SEPARATORS else 0
    if 2 * rows > len(lines):
        return sign
    blank = len(text.splitlines()) - len(BLANK.sub("", text).splitlines())
    for other in dict.fromkeys([sign, *SEPARATORS]):
        if other in SEPARATORS and (row := _names_below(lines, other)):
            raise titled(1, row[1], skip + blank + row[0], path, skip + blank + 1)
    raise DataError(
        "what separates its cells is not clear: `separator` says it (',', ';', '|', tab or space)",
        file=path,
    )
