"""Tables that can be read at any width: where columns don't fit, the least needed are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from fedredis.cli.output import fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rich.console import Console, ConsoleOptions, RenderResult

#: Letters that a column which can be cut short has at least, unless a table says otherwise.
SHORTEST = 8


@dataclass(frozen=True)
class Fitting:
    """A table of text, a mapping from heading to cell for each row.

    To fit, it gives up its lines, then cuts the cells in the columns `shrinks` short, then leaves
    out the columns `gives_way`, the first ones first; those in a tuple leave together. Either may
    name columns that the table has not.
    """

    rows: Sequence[Mapping[str, str | Text]]
    title: str = ""
    #: How many rows there are that are not shown.
    rest: int = 0
    shrinks: Sequence[str] = ()
    gives_way: Sequence[str | tuple[str, ...]] = ()
    #: Columns of text; the others, of numbers, are flush right.
    words: Sequence[str] = ()
    lines: bool = True
    #: Letters to which `shrinks` are cut before columns are left out.
    least: int = SHORTEST

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it in the width that there is."""
        if self.title:
            # Not the table's own title, which would be folded to the width of a narrow table.
            yield Text(self.title, "table.title")
        widths = {
            name: self._widest(name, console.encoding)
            for name in (self.rows[0] if self.rows else ())
        }
        lines = self.lines and sum(widths.values()) + 3 * len(widths) + 1 <= options.max_width
        if not lines:
            self._squeeze(widths, options.max_width, console.encoding)
        table = Table()
        if not lines:
            table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
        for name, width in widths.items():
            table.add_column(
                name,
                justify="left" if name in self.words else "right",
                overflow="ellipsis",
                no_wrap=True,
                width=width,
            )
        for row in self.rows:
            table.add_row(*(row[name] for name in widths))
        yield table
        if self.rest > 0:
            yield Text(f"and {self.rest:,} more", "table.caption")

    def _squeeze(self, widths: dict[str, int], room: int, encoding: str) -> None:
        """Make columns narrower, and leave some out, until there is room for them."""

        def spare() -> int:
            return room - sum(widths.values()) - len(widths) + 1

        for name in filter(widths.__contains__, self.shrinks):
            least = min(widths[name], self.least)
            widths[name] = max(widths[name] + min(spare(), 0), least)
        for together in self.gives_way:
            if spare() < 0:
                for name in (together,) if isinstance(together, str) else together:
                    widths.pop(name, None)
        # What was cut short for columns that have left since has room again.
        for name in filter(widths.__contains__, self.shrinks):
            widths[name] = min(self._widest(name, encoding), widths[name] + max(spare(), 0))

    def _widest(self, name: str, encoding: str) -> int:
        """Count the letters of a column's longest cell."""
        return max(cell_len(name), *(cell_len(fit(str(row[name]), encoding)) for row in self.rows))


def described(facts: Mapping[str, Any], headline: Mapping[str, str]) -> Table:
    """List facts by name, and below them what counts most, in bold."""
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(Text(name, "dim"), str(value))
    for name, value in headline.items():
        table.add_row(Text(name, "dim"), Text(value, "bold"))
    return table


def fits(console: Console, table: Table, width: int) -> bool:
    """Say whether a table can be drawn in a width with no cell cut short."""
    unbounded = console.options.update(width=10**6)
    return console.measure(table, options=unbounded).minimum <= width
