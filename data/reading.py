"""How a table is to be read: what its owner says of it, in one value."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

#: What to do about missing cells: refuse them, drop their rows, or leave them to be filled.
MISSING = ("error", "drop", "mean")

#: What to make of labels: classes, numbers to predict, or what they look like.
TASKS = ("auto", "classify", "regress")

#: What may stand between groups of three digits.
THOUSANDS = (",", ".", "'", "space")


def _field(default: Any, help: str, metavar: str = "", choices: Sequence[str] = ()) -> Any:  # noqa: A002
    """Describe a field for the command line: a default of () or None with "," is a list."""
    return field(
        default=default, metadata={"help": help, "metavar": metavar, "choices": tuple(choices)}
    )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read a file, a query's answer, or a frame.

    What is None, or empty, is found out. Columns, kinds and what is missing must be alike at all
    slaves of a run; how a file is written (`OF_SITE`) is each site's own.

    Raises
    ------
    UsageError
        If one of them can't be what it is.
    """

    label: str | None = _field(
        None, "The column that holds the label; 'decade' if there is one.", "COLUMN"
    )
    columns: Sequence[str] | None = _field(
        None, "The columns to learn from; a name with a comma stands in quotes.", "A,B,…"
    )
    categories: Sequence[str] = _field(
        (), "Columns to learn from that hold categories, even if they look like numbers.", "A,B,…"
    )
    dates: Sequence[str] = _field(
        (),
        "Columns that hold dates, or COLUMN=FORMAT, such as admitted=%d.%m.%Y: year, month, "
        "weekday and days since 2000 are learnt from.",
        "A,B,…",
    )
    ignore: Sequence[str] = _field((), "Columns to leave out.", "A,B,…")
    missing: str = _field(
        MISSING[0],
        "A missing cell is an error, drops its row, or is filled with the mean over all slaves.",
        choices=MISSING,
    )
    task: str = _field(
        TASKS[0],
        "Tell classes, or predict numbers; auto goes by what the labels look like.",
        choices=TASKS,
    )
    na: Sequence[str] = _field(
        (),
        "What stands for a missing cell, beside NA and the like; COLUMN=CODE in one column only.",
        "CODE,…",
    )
    separator: str | None = _field(
        None, "What stands between cells, 'tab' for a tab; found, if not given.", "SIGN"
    )
    encoding: str | None = _field(
        None, "The text's encoding, such as cp1252; found, if not given.", "NAME"
    )
    decimal: str | None = _field(
        None, "The decimal sign; found, if not given.", choices=(".", ",")
    )
    thousands: str | None = _field(
        None, "What groups digits by three; found, if not given.", choices=THOUSANDS
    )
    sheet: str | None = _field(
        None, "The sheet of an Excel or ODS workbook, if several have cells.", "NAME"
    )
    sql: str | None = _field(
        None,
        "A database to read instead of a file, as SQLAlchemy writes it; its password stands in "
        "FEDREDIS_SQL_PASSWORD.",
        "URL",
    )
    query: str | None = _field(None, "The query whose answer is the table.", "SELECT…")

    def __post_init__(self) -> None:
        for each in fields(Reading):
            given = getattr(self, each.name)
            if not each.metadata["metavar"].endswith(",…"):
                if given is not None:
                    object.__setattr__(self, each.name, str(given))
            elif isinstance(given, str):
                raise UsageError(f"`{each.name}` must be a list of names, not {given!r}")
            elif given is not None or each.default is not None:
                object.__setattr__(self, each.name, tuple(map(str, given or ())))
            known = each.metadata["choices"]
            if known and given is not None and given not in known:
                raise UsageError(f"`{each.name}` must be one of {', '.join(known)}, not {given!r}")
        self._check_signs()
        if (self.sql is None) != (self.query is None):
            raise UsageError("`sql` says which database, and `query` what of it: give both")

    def _check_signs(self) -> None:
        if self.separator is not None:
            sign = {"tab": "\t", "\\t": "\t", "space": " "}.get(self.separator, self.separator)
            if len(sign) != 1:
                raise UsageError(f"`separator` must be one sign, or tab, not {self.separator!r}")
            object.__setattr__(self, "separator", sign)
        if self.decimal is not None and self.decimal == self.thousands:
            raise UsageError(f"`decimal` and `thousands` can't both be {self.decimal!r}")
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise UsageError(
                    f"`encoding`: {self.encoding!r} is none; utf-8, cp1252, utf-16 are some"
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
                raise UsageError(f"`na`: there is no column '{name}'")
            for each in [name] if name else codes:
                codes[each].append(code if name else item)
        return codes

    @classmethod
    def taken_from(cls, given: Mapping[str, Any]) -> tuple[Reading, dict[str, Any]]:
        """Take what is said of reading out of a call's arguments; return the others, too."""
        names = {field.name for field in fields(cls)}
        said = {name: value for name, value in given.items() if name in names}
        return cls(**said), {name: given[name] for name in given if name not in names}


#: What is a file's own: how it is written, which may differ from slave to slave.
OF_SITE = ("na", "separator", "encoding", "decimal", "thousands", "sheet", "sql", "query")
