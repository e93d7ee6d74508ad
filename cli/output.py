"""Where output goes: results to standard output, everything else to standard error.

All that is printed goes through these consoles, which take text as it is: classes, columns, paths
and what slaves say are never markup, and never a terminal's commands.
"""

from __future__ import annotations

import json
import logging
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from fedredis import logs
from fedredis.cli.wording import as_options
from fedredis.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import ConsoleOptions, RenderableType


logger = logging.getLogger("fedredis.cli")


class Door(Console):
    """A console that prints text as it is; what is to have a style is `styled`."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """Make a `Text` of a string."""
        return super().render_str(self._fit(text), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render anything; what there is to see in it is filtered."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(self._fit(text), style)

    @property
    def unicode(self) -> bool:
        """Whether all letters can be written."""
        return self.encoding.startswith("utf")

    def _fit(self, text: str) -> str:
        return fit(text, self.encoding)


def fit(text: str, encoding: str) -> str:
    """Write what a terminal would obey, or the encoding lacks, in another way."""
    text = printable(text)
    if text.isascii():
        return text
    if not encoding.startswith("utf"):
        text = text.replace("…", ".")
    return text.encode(encoding, "backslashreplace").decode(encoding)


def results() -> Door:
    """Return the console for what a command was asked for."""
    return Door()


def notes() -> Door:
    """Return the console for what goes on meanwhile."""
    return Door(stderr=True)


def styled(text: str, style: str) -> Text:
    """Give text a style; it is filtered first, so that its width is known."""
    return Text(fit(text, results().encoding), style)


def say(line: str, **fields: Any) -> None:
    """Tell in a line, of whatever length, what was done or goes on.

    Where logs are JSON it is one of them, with `fields`.
    """
    if logs.started():
        logger.info("%s", printable(line), extra=fields)
    else:
        notes().print(line, soft_wrap=True)


@contextmanager
def waiting(console: Door) -> Iterator[Callable[[str], None]]:
    """Lend a function that says what is waited for.

    On a terminal the line is replaced in place; elsewhere it is printed when it changes.
    """
    if console.is_terminal and not logs.started():
        status = console.status("")

        def replace(line: str) -> None:
            status.update(Text(line))
            status.start()

        try:
            yield replace
        finally:
            status.stop()
        return
    said = ""

    def once(line: str) -> None:
        nonlocal said
        if line != said:
            say(line)
        said = line

    yield once


def warn(line: str, **fields: Any) -> None:
    """Warn in a line; fields in it are written as options."""
    told = printable(as_options(" ".join(line.split())))
    if logs.started():
        logger.warning("%s", told, extra=fields)
    else:
        click.echo(f"warning: {told}", err=True)


def print_json(value: Any) -> None:
    """Print one JSON value, and nothing else, on standard output.

    Numbers that JSON does not have, NaN and the infinities, are null.
    """
    click.echo(json.dumps(_plain(value), allow_nan=False))


def _plain(value: Any) -> Any:
    """Make of a value what JSON has; arrays and numbers of NumPy are lists and numbers."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
