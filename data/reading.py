"""How a table is to be read: what its owner says of it, in one value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from fedredis.arguments import MANY, argument, check_ranges, converted
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from fedredis.features.protocol import Column

#: What to do about missing cells: refuse them, drop their rows, or leave them to be filled.
MISSING = ("error", "drop", "mean")

#: What to make of labels: classes, numbers to predict, or what they look like.
TASKS = ("auto", "classify", "regress")

#: How a file is written, and what else is each site's own and may differ from slave to slave.
OF_FILE = ("na", "separator", "encoding", "decimal", "thousands", "header", "sheet")
OF_SITE = (*OF_FILE, "sql", "query")

#: What is made of a date, each a column of its own: ``admitted`` gives ``admitted.year``, ….
PARTS = ("year", "month", "weekday", "days")

#: What may stand between groups of three digits.
THOUSANDS = (",", ".", "'", "space")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read a file, a query's answer, or a frame.

    What is None, or empty, is found out. A `label` of "" is none at all. What a table has been
    read as is a reading as well (`agreed`): manifests and runs have such a one, beside their
    columns. How a file is written (`OF_SITE`) is each site's own, and no part of it.

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
    header: int | None = argument(
        "The line, or the row of a sheet, that names the columns; the first, if not given.",
        metavar="LINE",
        least=1,
        most=MANY,
    )
    sheet: str | None = argument("The sheet of a workbook, if several have cells.", metavar="NAME")
    sql: str | None = argument(
        "A database to read instead of a file, as SQLAlchemy writes it; its password stands in "
        "FEDREDIS_SQL_PASSWORD.",
        metavar="URL",
    )
    query: str | None = argument("The query whose answer is the table.", metavar="SELECT…")

    def __post_init__(self) -> None:
        for each in fields(Reading):
            name, given = each.name, getattr(self, each.name)
            if str(each.type).startswith("str"):
                given = None if given is None else str(given)
            elif not str(each.type).startswith("Sequence"):
                given = converted(Reading, {name: given})[name]
            # Names of a frame's columns need not be text.
            elif isinstance(given, str) or not isinstance(given, Iterable | None):
                raise UsageError(f"must be a list of names, not {given!r}", field=name)
            elif given is not None or name != "columns":
                given = tuple(map(str, () if given is None else given))
            object.__setattr__(self, name, given)
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
                "".encode(self.encoding)
            except (LookupError, ValueError):  # base64 is a codec, and none of text
                raise UsageError(
                    f"{self.encoding!r} is none; utf-8, cp1252, utf-16 are some", field="encoding"
                ) from None

    @property
    def agreed(self) -> Reading:
        """What all slaves of a run, and predictions, have in common, which columns left out.

        How a file is written is each site's own, and so is the format of its dates.
        """
        own = (*OF_SITE, "columns", "categories", "ignore")
        return replace(
            Reading(
                **{f.name: getattr(self, f.name) for f in fields(Reading) if f.name not in own}
            ),
            dates=[*self.days],
            missing="mean" if self.missing == "mean" else "error",
        )

    def of(self, columns: Iterable[Column]) -> Reading:
        """Say which columns are learnt from, parts of dates perhaps, and what they hold."""
        kinds = {column.name: column.kind for column in columns}
        made = {part for name in self.days for part in parts(name)}
        return replace(
            self,
            columns=[*(name for name in kinds if name not in made), *self.days],
            categories=[name for name, kind in kinds.items() if kind == "category"],
        )

    @property
    def as_dict(self) -> dict[str, Any]:
        """What is said, a field a name."""
        each = {f.name: (getattr(self, f.name), f.default) for f in fields(Reading)}
        return {name: value for name, (value, default) in each.items() if value != default}

    @property
    def days(self) -> dict[str, str | None]:
        """The columns of dates, each with its format, None where that is found."""
        split = (each.partition("=") for each in self.dates)
        return {name: form or None for name, _, form in split}

    def missing_codes(self, header: Collection[str]) -> dict[str, list[str]]:
        """Return, for each column, what stands for a missing cell there."""
        codes: dict[str, list[str]] = {name: [] for name in header}
        for item in self.na:
            name, _, code = item.rpartition("=")
            if name and name not in codes:
                raise UsageError(f"there is no column '{name}'", field="na")
            for each in [name] if name else codes:
                codes[each].append(code if name else item)
        return codes


#: How a table is read of which nothing is said.
UNSAID = Reading()


def parts(name: str) -> list[str]:
    """Name the columns that are made of one with dates."""
    return [f"{name}.{part}" for part in PARTS]


def dates_among(columns: Collection[str]) -> list[str]:
    """Name the columns with dates that some were made of."""
    names = dict.fromkeys(name.rpartition(".")[0] for name in columns)
    return [name for name in names if name and {*parts(name)} <= {*columns}]
