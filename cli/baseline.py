"""``fedredis baseline``: what federating brought, and what it cost."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.progress import Progress
from rich.table import Table

from fedredis.api.baseline import baseline
from fedredis.cli import options, output
from fedredis.cli.figures import called, written

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedredis.api.comparison import Baseline

#: How many slaves the table lists at most.
SLAVES_LISTED = 20

#: How local and pooled models are fitted.
FITTED = {
    "newton": "local and pooled models exactly, by Newton's method",
    "sgd": "local and pooled models by SGD, as many epochs as the run's model",
}


@click.command(name="baseline")
@click.argument("run")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIRECTORY",
    help="The partition folder; if not given, the one that the run has cut or was given.",
)
@options.allow_models
@options.redis
@options.as_json
def command(
    run: str,
    data: Path | None,
    allow_models: frozenset[str],
    redis_url: str | None,
    home: Path,
    as_json: bool,
) -> None:
    """Compare a run's model with local ones and a pooled one.

    That is what federating brought, over each slave's own model, and what it cost, under one
    model of all rows in one place. The rows of all slaves must be on this machine.
    """
    notes = output.notes()
    with Progress(console=notes, transient=True, disable=not notes.is_terminal) as progress:
        task = progress.add_task("fitting", total=None)
        found = baseline(
            run,
            data=data,
            redis_url=redis_url,
            home=home,
            allow_models=allow_models,
            report=lambda fitted, models: progress.update(task, completed=fitted, total=models),
        )
    if as_json:
        output.print_json(asdict(found))
    else:
        output.results().print(render(found))


def render(found: Baseline) -> RenderableType:
    """Draw a comparison as tables."""
    return Group(_overall(found), _in_words(found), _slaves(found))


def _overall(found: Baseline) -> Table:
    table = Table(title=f"held-out rows of all {len(found.slaves)} slaves", title_justify="left")
    table.add_column("model")
    names = list(found.federated)
    for name in names:
        table.add_column(called(name), justify="right")
    for title, figures in (
        ("local, each on its own slave's rows", found.local),
        ("local, each on everyone's rows (mean)", found.local_everywhere),
        (f"federated, run {found.run}, round {found.round}", found.federated),
        ("pooled", found.pooled),
    ):
        table.add_row(title, *(written(name, figures[name]) for name in names))
    return table


def _in_words(found: Baseline) -> Table:
    name, federated = found.primary, found.federated[found.primary]
    everyone, own = federated - found.local_everywhere[name], federated - found.local[name]
    cost = found.pooled[name] - federated
    size = _points(name, abs(cost)).removeprefix("+")
    words = Table.grid(padding=(0, 2))
    for title, text in (
        (
            "brought",
            f"{_points(name, everyone)} of {called(name)} on everyone's rows and "
            f"{_points(name, own)} on a slave's own, over local models",
        ),
        ("cost", f"{size} of {called(name)} {'under' if cost >= 0 else 'above'} the pooled model"),
        ("fitted", FITTED[found.solver]),
    ):
        words.add_row(f"[dim]{title}[/]", text)
    return words


def _points(name: str, difference: float) -> str:
    """Write how far a figure is above another."""
    return f"{100 * difference:+.2f} points" if name == "accuracy" else f"{difference:+.4f}"


def _slaves(found: Baseline) -> Table:
    name, rest = found.primary, len(found.slaves) - SLAVES_LISTED
    table = Table(
        title=f"{called(name)} on each slave's held-out rows, and of its own model on everyone's",
        title_justify="left",
        caption=f"and {rest} more" if rest > 0 else None,
        caption_justify="left",
    )
    for heading in (
        "slave",
        "rows",
        "held out",
        "local",
        "federated",
        "pooled",
        "local, everyone",
    ):
        table.add_column(heading, justify="right")
    for slave, of_slave in islice(found.slaves.items(), SLAVES_LISTED):
        figures = (of_slave.local, of_slave.federated, of_slave.pooled, of_slave.local_everywhere)
        table.add_row(
            slave,
            str(of_slave.rows),
            str(of_slave.held_out),
            *(written(name, each.get(name)) for each in figures),
        )
    return table
