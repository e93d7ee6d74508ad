"""What is mistaken for what: a table of all classes where it fits, else the worst mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from fedredis.api.study.confusions import most_frequent
from fedredis.cli.tables import Fitting, fits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

#: How many mistakes are listed where a table does not fit.
LISTED = 10
#: Letters that a column takes at least, with its line and the room beside it.
SLIMMEST = 4
#: Letters of a class' name that a column has room for at least, and has at most.
NARROW, WIDE = 8, 24


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix (classes, classes): true class by predicted class, counts of rows."""

    classes: Sequence[str]
    counts: Sequence[Sequence[int]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it in the width that there is."""
        # A table that has no chance is not even made: of 1,000 classes that takes a minute.
        few = len(self.classes) * SLIMMEST < options.max_width
        if not few or not fits(console, table := self._table(), options.max_width):
            yield self._list()
            return
        # Not the table's own title, which would be folded to the width of a few short names.
        yield Text("held-out rows: true class by predicted class", "table.title")
        yield table

    def _table(self) -> Table:
        digits = max(len(str(n)) for row in self.counts for n in row)
        table = Table()
        least = min(max(map(len, self.classes)), NARROW)
        table.add_column("", overflow="ellipsis", no_wrap=True, min_width=least, max_width=WIDE)
        for name in self.classes:
            room = max(digits, min(len(name), NARROW))
            table.add_column(name, justify="right", overflow="fold", min_width=room)
        for i, (name, counts) in enumerate(zip(self.classes, self.counts, strict=True)):
            marked = [Text(str(n), "bold" if i == j else "") for j, n in enumerate(counts)]
            table.add_row(name, *marked)
        return table

    def _list(self) -> Fitting:
        mistakes = most_frequent(self.counts)
        rows = [
            {
                "true class": self.classes[mistake.true],
                "told as": self.classes[mistake.predicted],
                "rows": f"{mistake.rows:,}",
                "of class": f"{mistake.share:.0%}",
            }
            for mistake in mistakes[:LISTED]
        ]
        return Fitting(
            rows or [{"true class": "all are told right"}],
            "held-out rows told wrong, the most frequent first",
            rest=len(mistakes) - LISTED,
            words=("true class", "told as"),
            shrinks=("true class", "told as"),
            gives_way=("of class",) if rows else (),
        )


def confusions(classes: Sequence[str], counts: Sequence[Sequence[int]] | None) -> list[Confusion]:
    """List the matrix there is; none of numbers, or where no rows are held out."""
    return [Confusion(classes, counts)] if counts and any(map(any, counts)) else []
