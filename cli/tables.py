"""Tables that can be read at any width: where columns don't fit, the least needed are left out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from fedredis.printable import fit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table
    from rich.text import Text

#: Letters that a column which can be cut short has at least, unless a table says otherwise.
SHORTEST = 8


@dataclass(frozen=True)
class Fitting:
    """A table of text, a mapping from heading to cell for each row.

    To fit, it gives up its lines, then cuts the cells in the columns `shrinks` short, then leaves
    out the columns `gives_way`, the first ones first; those in a tuple leave together. Either may
    name columns that the table has not. At last the first column is cut short.
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
        from rich.table import Table
        from rich.text import Text

        if self.title:
            # Not the table's own title, which would be folded to the width of a narrow table.
            yield Text(self.title, "table.title")
        widths = self._widths(console.encoding)
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

    def written(self, room: int, encoding: str) -> Iterator[tuple[str, str]]:
        """Yield the lines of a table of plain text that has none, each with its style."""
        if self.title:
            yield fit(self.title, encoding), "italic"
        widths = self._widths(encoding)
        self._squeeze(widths, room, encoding)
        heads = {name: name for name in widths}
        for row in (heads, *self.rows):
            cells = [
                _in_width(fit(str(row[name]), encoding), width, name in self.words, encoding)
                for name, width in widths.items()
            ]
            yield " ".join(cells).rstrip(), "bold" if row is heads else ""
        if self.rest > 0:
            yield f"and {self.rest:,} more", "italic"

    def _widths(self, encoding: str) -> dict[str, int]:
        return {n: self._widest(n, encoding) for n in (self.rows[0] if self.rows else ())}

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
        # Of what has no other way, the names of the rows are cut short, and no figures.
        for name in islice(widths, 1):
            widths[name] = max(widths[name] + min(spare(), 0), min(widths[name], SHORTEST))
        # What was cut short for columns that have left since has room again.
        for name in filter(widths.__contains__, self.shrinks):
            widths[name] = min(self._widest(name, encoding), widths[name] + max(spare(), 0))

    def _widest(self, name: str, encoding: str) -> int:
        """Count the letters of a column's longest cell."""
        texts = (name, *(str(row[name]) for row in self.rows))
        return max(width_of(fit(text, encoding)) for text in texts)


def width_of(text: str) -> int:
    """Count the places that a text takes in a line."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # letters may be wide, or none of their own

    return cell_len(text)


def _in_width(text: str, width: int, left: bool, encoding: str) -> str:
    """Fill a cell up with blanks, or cut it short."""
    if width_of(text) > width:
        more = fit("…", encoding)
        while text and width_of(text) + len(more) > width:
            text = text[:-1]
        text += more
    blanks = " " * (width - width_of(text))
    return text + blanks if left else blanks + text


def described(facts: Mapping[str, Any], headline: Mapping[str, str]) -> Table:
    """List facts by name, and below them what counts most, in bold."""
    from rich.table import Table
    from rich.text import Text

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
