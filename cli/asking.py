"""What commands that ask something have in common: options, the run, the answer printed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fedredis.api.inference.asking import Asking
from fedredis.api.starting import begun
from fedredis.cli import options, output
from fedredis.cli.answers import show
from fedredis.cli.grouping import GroupedCommand
from fedredis.cli.masking import secure
from fedredis.cli.resuming import how_to_resume
from fedredis.config import RunConfig
from fedredis.data.cuts.spec import FORMS
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fedredis.api.driver import Driver
    from fedredis.api.inference.asking import Question

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


reference = click.option(
    "--reference",
    "bases",
    metavar="COLUMN=CATEGORY",
    multiple=True,
    callback=pairs,
    help="The category that others are compared with; may be repeated.",
)
weights = click.option("--weights", metavar="COLUMN", default="", help="Weights of the rows.")
numbered = click.option(
    "--columns",
    metavar="A,B,…",
    callback=listed,
    help="Columns of numbers; all, if not given.",
)
confidence = click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Of confidence intervals.",
)

#: Whose rows are asked.
OPTIONS = (
    options.data,
    options.made_of(Asking, "slaves", "names", "dataset", "workers", "wait_timeout"),
    click.option(
        "--cut",
        metavar="CUT",
        help=f"How rows of a file are dealt to slaves: {', '.join(FORMS.values())}.",
    ),
    click.option(
        "--categories",
        metavar="A,B,…",
        callback=listed,
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
    options.made_of(Asking, "least_cell"),
    secure,
    options.made_of(RunConfig, "threshold"),
    options.redis,
    options.as_json,
)


def where(function: Function) -> Function:
    """Add the options that say whose rows are asked."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


picture = click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Draw it, too: a new .png, .svg or .pdf (needs fedredis[plot]).",
)


def ask(
    question: Question, said: Mapping[str, Any], *, as_json: bool, plot: Path | None = None
) -> None:
    """Ask a question, print its answer, and draw it, if it is to be drawn."""
    there = dict(said)
    if plot is not None:
        from fedredis.api.study.plotting import picture as picture_at

        picture_at(plot)
    data, redis_url, home = (there.pop(name) for name in ("data", "redis_url", "home"))
    asking = Asking.to(question, data, redis_url, home, there)
    with ExitStack() as stack:
        with output.waiting() as say:
            driver = stack.enter_context(begun(asking, say, how_to_resume(redis_url, home)))
        print_answer(driver, as_json=as_json)
        if plot is not None:
            from fedredis.api.study.plotting import plot as draw

            draw([driver.run], plot, redis_url=redis_url, home=home)


def print_answer(driver: Driver, *, as_json: bool) -> None:
    """Drive a run that asks something to its end, and print its answer."""
    try:
        with output.waiting() as say:
            driver.wait(say)
        answer = driver.answer(output.say)
    except KeyboardInterrupt:
        output.say(f"stopped; go on with: {driver.resume}")
        raise
    if as_json:
        output.print_json(answer.plain())
    else:
        show(answer)
