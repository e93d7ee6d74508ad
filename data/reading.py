"""How a table is to be read: what its owner says of it, in one value."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from fedredis.arguments import argument, arguments_of, check_ranges
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

#: What to do about missing cells: refuse them, drop their rows, or leave them to be filled.
MISSING = ("error", "drop", "mean")

#: What to make of labels: classes, numbers to predict, or what they look like.
TASKS = ("auto", "classify", "regress")

#: What may stand between groups of three digits.
THOUSANDS = (",", ".", "'", "space")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read a file, a query's answer, or a frame.

    What is None, or empty, is found out. Columns, kinds and what is missing must be alike at all
    slaves of a run; how a file is written (`OF_FILE`) is each site's own.
    A `label` of "" is none at all.

    Raises
    ------
    UsageError
        If one of them can't be what it is.
    """

    label: str | None = argument("The column that holds the label.", metavar="COLUMN")
    columns: Sequence[str] | None = argument(
        "The columns to learn from; a name with a comma stands in quotes.", metavar="A,B,…"
    )
    categories: Sequence[str] = argument(
        "Columns to learn from that hold categories, even if they look like numbers.",
        (),
        metavar="A,B,…",
        shows=False,
    )
    dates: Sequence[str] = argument(
        "Columns of dates, or COLUMN=FORMAT, such as admitted=%d.%m.%Y: year, month, weekday and "
        "days since 2000 are learnt from.",
        (),
        metavar="A,B,…",
        shows=False,
    )
    ignore: Sequence[str] = argument("Columns to leave out.", (), metavar="A,B,…", shows=False)
    weights: str | None = argument(
        "A column that says what each row weighs in training; it is not learnt from.",
        metavar="COLUMN",
        shows=False,
    )
    missing: str = argument(
        "A missing cell is an error, drops its row, or is filled with the mean over all slaves.",
        MISSING[0],
        choices=MISSING,
    )
    task: str = argument(
        "Tell classes, or predict numbers; auto goes by what the labels look like.",
        TASKS[0],
        choices=TASKS,
    )
    na: Sequence[str] = argument(
        "What stands for a missing cell, beside NA and the like; COLUMN=CODE in one column only.",
        (),
        metavar="CODE,…",
        shows=False,
    )
    separator: str | None = argument(
        "What stands between cells, 'tab' for a tab; found, if not given.", metavar="SIGN"
    )
    encoding: str | None = argument(
        "The text's encoding, such as cp1252; found, if not given.", metavar="NAME"
    )
    decimal: str | None = argument("The decimal sign; found, if not given.", choices=(".", ","))
    thousands: str | None = argument(
        "What groups digits by three; found, if not given.", choices=THOUSANDS
    )
    sheet: str | None = argument("The sheet of a workbook, if several have cells.", metavar="NAME")
    sql: str | None = argument(
        "A database to read instead of a file, as SQLAlchemy writes it; its password stands in "
        "FEDREDIS_SQL_PASSWORD.",
        metavar="URL",
    )
    query: str | None = argument("The query whose answer is the table.", metavar="SELECT…")

    def __post_init__(self) -> None:
        for name, told in arguments_of(Reading).items():
            given = getattr(self, name)
            if not told.metavar.endswith(",…"):
                object.__setattr__(self, name, None if given is None else str(given))
                continue
            # Names of a frame's columns need not be text.
            if isinstance(given, str) or not isinstance(given, Iterable | None):
                raise UsageError(f"must be a list of names, not {given!r}", field=name)
            if given is not None or name != "columns":
                object.__setattr__(self, name, tuple(map(str, given or ())))
        check_ranges(self)
        self._check_signs()
        if (self.sql is None) != (self.query is None):
            raise UsageError("says which database, and `query` what of it: give both", field="sql")

    def _check_signs(self) -> None:
        if self.separator is not None:
            sign = {"tab": "\t", "\\t": "\t", "space": " "}.get(self.separator, self.separator)
            if len(sign) != 1:
                raise UsageError(
                    f"must be one sign, or tab, not {self.separator!r}", field="separator"
                )
            object.__setattr__(self, "separator", sign)
        if self.decimal is not None and self.decimal == self.thousands:
            raise UsageError(f"and `thousands` can't both be {self.decimal!r}", field="decimal")
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise UsageError(
                    f"{self.encoding!r} is none; utf-8, cp1252, utf-16 are some", field="encoding"
                ) from None

    @property
    def said(self) -> bool:
        """Whether anything is said at all."""
        return self.reading != Reading()

    @property
    def reading(self) -> Reading:
        """What is said of reading alone, without what a class that is derived adds to it."""
        return Reading(**{field.name: getattr(self, field.name) for field in fields(Reading)})

    def missing_codes(self, header: Collection[str]) -> dict[str, list[str]]:
        """Return, for each column, what stands for a missing cell there.

        Raises
        ------
        UsageError
            If a code is for a column that there is not.
        """
        codes: dict[str, list[str]] = {name: [] for name in header}
        for item in self.na:
            name, _, code = item.rpartition("=")
            if name and name not in codes:
                raise UsageError(f"there is no column '{name}'", field="na")
            for each in [name] if name else codes:
                codes[each].append(code if name else item)
        return codes


#: How a file is written, which is each site's own and may differ from slave to slave.
OF_FILE = ("na", "separator", "encoding", "decimal", "thousands", "sheet")
