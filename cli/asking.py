"""What commands that ask something have in common: options, the run, the answer printed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fedredis.api.inference.asking import Asking, question_of
from fedredis.api.starting import begun
from fedredis.cli import options, output
from fedredis.cli.answers import show
from fedredis.cli.grouping import GroupedCommand
from fedredis.cli.masking import secure
from fedredis.cli.resuming import how_to_resume
from fedredis.config import RunConfig
from fedredis.data.cuts.spec import FORMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.api.driver import Driver

__all__ = ["GroupedCommand", "ask", "picture", "print_answer", "where"]

Function = TypeVar("Function", bound=Callable[..., Any])


def listed(_ctx: click.Context, _param: click.Parameter, text: str | None) -> list[str] | None:
    """Read names between commas."""
    return options.split(text) if text else None


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
        callback=lambda _ctx, _param, given: {
            column: options.split(names)
            for column, names in (options.pairs("levels", "COLUMN=A,B,…", given) or {}).items()
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


def ask(kind: str, asked: Mapping[str, Any]) -> None:
    """Ask an analysis what a command was told, print its answer, and draw it, if it is said."""
    given = dict(asked)
    data, as_json, plot = given.pop("data"), given.pop("as_json"), given.pop("plot", None)
    if plot is not None:
        from fedredis.api.study.plotting import picture as picture_at

        picture_at(plot)
    question, where = question_of(kind, given)
    redis_url, home = where.pop("redis_url"), where.pop("home")
    asking = Asking.to(question, data, redis_url, home, where)
    with ExitStack() as stack:
        with output.waiting() as say:
            driver = stack.enter_context(
                begun(asking, say, how_to_resume(redis_url, home, asking.workers))
            )
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
