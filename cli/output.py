"""Where output goes: results to standard output, everything else to standard error.

All that is printed goes through these consoles, or `write`, which take text as it is: classes,
columns, paths and what slaves say are never markup, and never a terminal's commands. Consoles are
imported when one is asked for, since that takes longer than many a command.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from fedredis import logs
from fedredis.cli.wording import as_options
from fedredis.printable import NARROWEST, fit, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.text import Text

    from fedredis.cli.door import Door

logger = logging.getLogger("fedredis.cli")


def results() -> Door:
    """Return the console for what a command was asked for."""
    from fedredis.cli.door import Door

    return Door()


def notes() -> Door:
    """Return the console for what goes on meanwhile."""
    from fedredis.cli.door import Door

    return Door(stderr=True)


def styled(text: str, style: str) -> Text:
    """Give text a style; it is filtered first, so that its width is known."""
    from rich.text import Text

    return Text(fit(text, results().encoding), style)


def encoding() -> str:
    """Return how results are written."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower()


def room() -> int:
    """Return how many letters a line of results has: those of the terminal, or `COLUMNS`."""
    for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        with suppress(AttributeError, ValueError, OSError):
            if found := os.get_terminal_size(stream.fileno()).columns:  # type: ignore[union-attr]
                return max(NARROWEST, int(os.environ.get("COLUMNS") or found))
    return max(NARROWEST, shutil.get_terminal_size().columns)


def write(lines: Iterable[tuple[str, str]]) -> None:
    """Print lines of results, each with its style: `bold`, `italic`, or none."""
    for line, style in lines:
        click.echo(click.style(line, **{style: True}) if style else line)


def say(line: str, **fields: Any) -> None:
    """Tell in a line, of whatever length, what was done or goes on.

    Where logs are JSON it is one of them, with `fields`.
    """
    if logs.started():
        logger.info("%s", printable(line), extra=fields)
    else:
        notes().print(line, soft_wrap=True)


@contextmanager
def waiting() -> Iterator[Callable[[str], None]]:
    """Lend a function that says what is waited for.

    On a terminal the line is replaced in place; elsewhere it is printed when it changes.
    """
    said = ""
    with ExitStack() as stack:
        status: Any = None

        def tell(line: str) -> None:
            nonlocal said, status
            if line == said:
                return
            said, first = line, not said
            if first and not logs.started() and (console := notes()).is_terminal:
                status = stack.enter_context(console.status(""))
            if status:
                status.update(styled(line, ""))
            else:
                say(line)

        yield tell


def warn(line: str, **fields: Any) -> None:
    """Warn in a line; fields in it are written as options."""
    told = printable(as_options(" ".join(map(str.strip, line.splitlines()))))
    if logs.started():
        logger.warning("%s", told, extra=fields)
    else:
        note(f"warning: {told}")


def note(line: str) -> None:
    """Write a line to standard error, if somebody reads that."""
    with suppress(BrokenPipeError):
        click.echo(line, err=True)


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
