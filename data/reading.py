"""How a table is to be read: what its owner says of it, in one value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: What to do about missing cells: refuse them, drop their rows, or leave them to be filled.
MISSING = ("error", "drop", "mean")

#: What to make of labels: classes, numbers to predict, or what they look like.
TASKS = ("auto", "classify", "regress")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read a CSV or Parquet file, or a frame.

    Parameters
    ----------
    label
        Column that holds the label; ``decade`` when there is one and none is named; '' for none.
    columns
        Columns to learn from; see `columns.choose`.
    categories
        Columns to learn from that hold categories, even if they look like numbers.
    missing
        What to do about missing cells: ``error``; ``drop`` their rows; or ``mean``, which leaves
        them NaN. A row without a label is an error or dropped.
    task
        ``auto``, ``classify`` or ``regress``; see `labels.target`.

    Raises
    ------
    UsageError
        If one of them can't be what it is.
    """

    label: str | None = None
    columns: Sequence[str] | None = None
    categories: Sequence[str] = ()
    missing: str = MISSING[0]
    task: str = TASKS[0]

    def __post_init__(self) -> None:
        object.__setattr__(self, "categories", self.categories or ())
        object.__setattr__(self, "label", None if self.label is None else str(self.label))
        for name in ("columns", "categories"):
            given = getattr(self, name)
            if isinstance(given, str):
                raise UsageError(f"`{name}` must be a list of names, not {given!r}")
            if given is not None:
                object.__setattr__(self, name, tuple(map(str, given)))
        for name, known in (("missing", MISSING), ("task", TASKS)):
            if (value := getattr(self, name)) not in known:
                raise UsageError(f"`{name}` must be one of {', '.join(known)}, not {value!r}")

    @property
    def said(self) -> bool:
        """Whether anything is said at all."""
        return self.reading != Reading()

    @property
    def reading(self) -> Reading:
        """What is said of reading alone, without what a class that is derived adds to it."""
        return Reading(**{field.name: getattr(self, field.name) for field in fields(Reading)})

    @classmethod
    def taken_from(cls, given: Mapping[str, Any]) -> tuple[Reading, dict[str, Any]]:
        """Take what is said of reading out of a call's arguments; return the others, too."""
        names = {field.name for field in fields(cls)}
        said = {name: value for name, value in given.items() if name in names}
        return cls(**said), {name: given[name] for name in given if name not in names}
