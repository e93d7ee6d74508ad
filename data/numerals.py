"""How numbers are written: the decimal sign, and what groups digits by three."""

# ruff: noqa: RUF001 - signs that look like others are what this is about.
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

#: Cells of a column that are looked at for signs.
SAMPLE = 1_000

#: Columns that a message names at most.
MOST_NAMED = 5

#: Spaces that group digits: the common one, and those that don't break a line.
SPACES = " \u00a0\u202f\u2009"

#: What looks like a number with signs in it, and what is one in one way of writing only.
LIKE = re.compile(rf"[+-]?\d[\d.,'’{SPACES}]*|[+-]?[.,]\d+")
DECIMAL = {
    "decimal ,": re.compile(
        rf"[+-]?(\d*,(\d{{1,2}}|\d{{4,}})|(0|\d{{4,}})?,\d+|\d{{1,3}}([.'’{SPACES}]\d{{3}})+,\d+)"
    ),
    "decimal .": re.compile(
        rf"[+-]?(\d*\.(\d{{1,2}}|\d{{4,}})|(0|\d{{4,}})?\.\d+|\d{{1,3}}([,'’{SPACES}]\d{{3}})+\.\d+)"
    ),
}
#: An amount of money or per cent; a minus sign that is no hyphen, and a minus behind, as by SAP.
SIGN = r"%|‰|€|\$|£|¥|CHF|Fr\.|EUR|USD|GBP"
AMOUNT = re.compile(
    rf"(?P<minus>[+-]?)(?P<before>{SIGN})?[{SPACES}]?"
    rf"(?P<number>[+-]?\d[\d.,'’{SPACES}]*?)[{SPACES}]?(?P<after>{SIGN})?"
)
MINUS = re.compile(rf"−(?P<number>\d[\d.,'’{SPACES}]*.*)|(?P<other>\d[\d.'’{SPACES}]*[.,]\d+)-")
#: Digits in groups of three, by what stands between them.
GROUPS = {
    ",": re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?"),
    ".": re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?"),
    "'": re.compile(r"[+-]?[1-9]\d{0,2}(['’]\d{3})+([.,]\d*)?"),
    "space": re.compile(rf"[+-]?[1-9]\d{{0,2}}([{SPACES}]\d{{3}})+([.,]\d*)?"),
}


@dataclass(frozen=True)
class Numerals:
    """A way to write numbers."""

    decimal: str = "."
    #: One of `GROUPS`, or '' if digits are not grouped.
    thousands: str = ""

    def plain(self, column: pd.Series) -> pd.Series:
        """Write the numbers in a column (n,) of text as 1234.5, and leave what is none."""
        some = [cell for cell in column.dropna().head(SAMPLE) if isinstance(cell, str)]
        if not some or (self == Numerals() and bare(some) == some):
            return column
        forms = [GROUPS[self.thousands]] if self.thousands else []
        if self.decimal == ",":
            forms.append(re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?"))
        signs = str.maketrans(
            {",": "." if self.decimal == "," else None}
            | ({".": None} if self.decimal == "," else {})
            | dict.fromkeys(f"'’{SPACES}")
        )

        def rewritten(cell: object) -> object:
            text = cell.strip() if isinstance(cell, str) else ""
            found = any(form.fullmatch(text) for form in forms)
            return text.translate(signs) if found else cell

        codes, different = pd.factorize(column)  # -1 is a missing one
        plain = [rewritten(cell) for cell in bare([*different])]
        if plain == list(different):
            return column
        return pd.Series(np.array([*plain, np.nan], object)[codes], column.index).astype(
            column.dtype
        )

    def rewritten(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Do so in all columns of text of a frame, which is changed."""
        for name in frame:
            column = frame[name]
            if column.dtype in (object, "str") and (plain := self.plain(column)) is not column:
                frame[name] = plain
        return frame

    def __str__(self) -> str:
        said = ["decimal comma"] if self.decimal == "," else []
        return ", ".join(said + ([f"thousands by {self.thousands}"] if self.thousands else []))


def bare(cells: Sequence[Any]) -> list[Any]:
    """Take the signs from the amounts in a column; put minus signs in front.

    A sign is only taken where all numbers of the column have it: 5 and 5 % are not the same.
    """
    plain = [_signed(cell) if isinstance(cell, str) else cell for cell in cells]
    found = [AMOUNT.fullmatch(cell.strip()) if isinstance(cell, str) else None for cell in plain]
    marks = {(each["before"], each["after"]) for each in found if each}
    if len(marks) != 1 or marks == {(None, None)} or 2 * sum(map(bool, found)) < len(cells):
        return plain
    return [
        each["minus"] + each["number"] if each else cell
        for each, cell in zip(found, plain, strict=True)
    ]


def _signed(text: str) -> str:
    """Put a number's minus sign in front of it, as a hyphen."""
    found = MINUS.fullmatch(text.strip())
    return f"-{found['number'] or found['other']}" if found else text


def find(
    columns: Iterable[tuple[str, Sequence[str]]],
    separator: str,
    path: Path,
    decimal: str | None,
    thousands: str | None,
) -> Numerals:
    """Find out how a file writes numbers, as far as it is not said.

    Parameters
    ----------
    columns
        The columns' names, and some filled cells of each.
    """
    like = [
        (name, text)
        for name, cells in ((name, bare(cells)) for name, cells in columns)
        if 2 * sum(LIKE.fullmatch(text) is not None for text in cells) >= len(cells)
        for text in cells
        if LIKE.fullmatch(text)
    ]
    like = [(name, text) for name, text in like if not text.isdecimal()]
    #: By sign, what proves it, the first cell of each column.
    proofs: dict[str, dict[str, str]] = {}
    for sign, form in DECIMAL.items():
        for name, text in like:
            if sign[-1] in text and form.fullmatch(text):
                proofs.setdefault(sign[-1], {}).setdefault(name, text)
    groups = {
        sign: next(((n, t) for n, t in like if form.fullmatch(t)), None)
        for sign, form in GROUPS.items()
    }
    # A comma that groups twice in a number is no decimal sign; nor is one beside commas as such.
    several = {s for s in ",." if any(t.count(s) > 1 and GROUPS[s].fullmatch(t) for _, t in like)}
    if decimal is None:
        decimal = _decimal(proofs, groups, several, separator, thousands, path)
    if thousands is None:
        other = "," if decimal == "." else "."
        thousands = next((s for s in (other, "'", "space") if groups[s] is not None), "")
    return Numerals(decimal, thousands)


def _decimal(
    proofs: dict[str, dict[str, str]],
    groups: dict[str, tuple[str, str] | None],
    several: set[str],
    separator: str,
    thousands: str | None,
    path: Path,
) -> str:
    """Choose the decimal sign by what proves it."""
    shown = {s: g for s, g in groups.items() if g and s in ",."}
    if thousands in (",", "."):
        return "." if thousands == "," else ","
    if len(proofs) == 2:
        raise _torn(proofs[","], proofs["."], path)
    if proofs:
        return next(iter(proofs))
    if len(several) == 1:
        return "." if "," in several else ","
    # Where commas separate cells they are no decimal signs, and points are no groups.
    if separator == "," or not shown:
        return "."
    sign, (name, text) = next(iter(shown.items()))
    raise DataError(
        f"{text!r} may be {text.replace(sign, '')} or {text.replace(sign, '.')}: `decimal` says "
        "which sign it has, or `thousands`",
        file=path,
        column=name,
    )


def _torn(commas: dict[str, str], points: dict[str, str], path: Path) -> DataError:
    """Say where there are decimal commas and points, by columns that have a cell with them."""
    torn = [name for name in commas if name in points]
    name = next(iter(torn or commas))
    other = name if torn else next(iter(points))
    where = "" if torn else f" in column '{other}'"
    others = [f"'{one}'" for one in torn[1:MOST_NAMED]] + ["others"] * (len(torn) > MOST_NAMED)
    more = f", as there are in {', '.join(others)}" if others else ""
    return DataError(
        f"both {commas[name]!r} and {points[other]!r}{where} are numbers with decimals{more}: "
        "`decimal` says which sign it is",
        file=path,
        column=name,
    )
