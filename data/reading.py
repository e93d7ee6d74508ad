"""How a table is to be read: what its owner says of it, in one value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from fedredis.arguments import argument, check_ranges
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What to do about missing cells: refuse them, drop their rows, or leave them to be filled.
MISSING = ("error", "drop", "mean")

#: What to make of labels: classes, numbers to predict, or what they look like.
TASKS = ("auto", "classify", "regress")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read a CSV or Parquet file, or a frame; see `columns.choose` and `labels.target`.

    Without `label`, a column ``decade`` holds it; "" is none. `missing` is ``error``; ``drop``,
    which drops rows; or ``mean``, which leaves cells NaN. A row without a label is an error or
    dropped.

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "categories", self.categories or ())
        object.__setattr__(self, "label", None if self.label is None else str(self.label))
        for name in ("columns", "categories"):
            given = getattr(self, name)
            # Names of a frame's columns need not be text.
            if isinstance(given, str) or not isinstance(given, Iterable | None):
                raise UsageError(f"must be a list of names, not {given!r}", field=name)
            if given is not None:
                object.__setattr__(self, name, tuple(map(str, given)))
        check_ranges(self)

    @property
    def said(self) -> bool:
        """Whether anything is said at all."""
        return self.reading != Reading()

    @property
    def reading(self) -> Reading:
        """What is said of reading alone, without what a class that is derived adds to it."""
        return Reading(**{field.name: getattr(self, field.name) for field in fields(Reading)})
