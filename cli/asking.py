"""What commands that ask something have in common: options, the run, the answer printed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fedredis.cli import options, output
from fedredis.cli.answers import show
from fedredis.cli.grouping import GroupedCommand
from fedredis.cli.progress import waiting
from fedredis.cli.training import how_to_resume
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fedredis.api.inference.asking import Question
    from fedredis.api.training import Training

__all__ = ["GroupedCommand", "ask", "confidence", "listed", "numbers", "print_answer", "where"]

Function = TypeVar("Function", bound=Callable[..., Any])


def pairs(_ctx: click.Context, _param: click.Parameter, given: Iterable[str]) -> dict[str, Any]:
    """Read ``column=…`` pairs.

    Raises
    ------
    UsageError
        If one is none.
    """
    found = {}
    for pair in given:
        column, equals, value = pair.partition("=")
        if not (column and equals and value):
            raise UsageError(f"'{pair}' is not COLUMN=…")
        found[column] = value
    return found


def listed(_ctx: click.Context, _param: click.Parameter, value: str | None) -> list[str] | None:
    """Read names between commas."""
    return options.split(value) if value else None


def numbers(_ctx: click.Context, _param: click.Parameter, value: str) -> list[float]:
    """Read numbers between commas.

    Raises
    ------
    UsageError
        If one is none.
    """
    try:
        return [float(one) for one in value.split(",")]
    except ValueError:
        raise UsageError(f"'{value}' is no list of numbers") from None


confidence = click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Of confidence intervals.",
)

#: Whose rows are asked: fields of `Where`.
OPTIONS = (
    options.data,
    click.option(
        "--slaves",
        type=click.IntRange(min=1),
        help="Number of slaves; 10, or as many as the data was cut for.",
    ),
    click.option(
        "--cut",
        metavar="CUT",
        default="iid",
        show_default=True,
        help="How rows of a file are dealt to slaves; see `fedredis partition`.",
    ),
    options.names,
    options.dataset,
    click.option(
        "--categories",
        metavar="A,B,…",
        callback=lambda ctx, param, value: listed(ctx, param, value) or (),
        help="Columns of a file that hold categories, even if they look like numbers.",
    ),
    click.option(
        "--levels",
        metavar="COLUMN=A,B,…",
        multiple=True,
        callback=lambda ctx, param, given: {
            column: options.split(names) for column, names in pairs(ctx, param, given).items()
        },
        help="What the categories of a column are called, where slaves are elsewhere; may be "
        "repeated.",
    ),
    click.option(
        "--least-cell",
        type=click.IntRange(min=0),
        metavar="ROWS",
        help="Withhold what tells of fewer rows; 5 where slaves have names, else none.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=0),
        help="Worker processes to start; with a given Redis none, else one a core.",
    ),
    options.wait_timeout,
    options.redis,
    options.as_json,
)


def where(function: Function) -> Function:
    """Add the options that say whose rows are asked."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def ask(question: Question, said: Mapping[str, Any], *, as_json: bool) -> None:
    """Ask a question, and print its answer."""
    from fedredis.api.inference.asking import Where, asked

    there = Where(**said)
    notes = output.notes()
    with ExitStack() as stack:
        with waiting(notes) as say:
            resume = how_to_resume(there.redis_url, said["home"])
            training = stack.enter_context(asked(question, there, say=say, how_to_resume=resume))
        print_answer(training, as_json=as_json)


def print_answer(training: Training, *, as_json: bool) -> None:
    """Drive a run that asks something to its end, and print its answer."""
    try:
        with waiting(output.notes()) as say:
            training.wait(say)
        answer = training.answer(output.say)
    except KeyboardInterrupt:
        output.say(f"stopped; go on with: {training.resume}")
        raise
    if as_json:
        output.print_json(answer.plain())
    else:
        show(answer)
