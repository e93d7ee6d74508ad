"""``fedredis baseline``: what federating brought, and what it cost."""

from __future__ import annotations

import math
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from fedredis.api.study.baseline import baseline
from fedredis.cli import options, output
from fedredis.cli.tables import Fitting
from fedredis.metrics import FIGURES

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedredis.api.study.comparison import Baseline

#: Letters of a model's title that tell it from the others.
MODEL = 22

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
    return Group(_slaves(found), _overall(found), _in_words(found))


def _overall(found: Baseline) -> Fitting:
    models = {
        "local, each on its own slave's rows": found.local,
        "local, each on everyone's rows (mean)": found.local_everywhere,
        f"federated, run {found.run}, round {found.round}": found.federated,
        "pooled": found.pooled,
    }
    names = list(found.federated) or [found.primary]
    rows = [
        {
            "model": title,
            **{FIGURES[name].title: FIGURES[name].write(figures.get(name)) for name in names},
        }
        for title, figures in models.items()
    ]
    rest = tuple(FIGURES[name].title for name in reversed(names) if name != found.primary)
    title = f"held-out rows of all {len(found.slaves)} slaves"
    return Fitting(
        rows,
        title,
        words=("model",),
        shrinks=("model",),
        gives_way=rest,
        least=MODEL,
    )


def _in_words(found: Baseline) -> Table:
    name = found.primary
    models = (found.federated, found.local_everywhere, found.local, found.pooled)
    # No rows, no figure; what is compared with it is none either.
    federated, everywhere, alone, pooled = (_number(figures.get(name)) for figures in models)
    everyone, own, cost = federated - everywhere, federated - alone, pooled - federated
    size = _points(name, abs(cost)).removeprefix("+")
    words, title = Table.grid(padding=(0, 2)), FIGURES[name].title
    for heading, text in (
        (
            "brought",
            f"{_points(name, everyone)} of {title} on everyone's rows and "
            f"{_points(name, own)} on a slave's own, over local models",
        ),
        (
            "cost",
            f"{size} of {title} {'under' if cost >= 0 else 'above'} the pooled model",
        ),
        ("fitted", FITTED[found.solver]),
    ):
        words.add_row(Text(heading, "dim"), text)
    return words


def _number(figure: float | None) -> float:
    return math.nan if figure is None else figure


def _points(name: str, difference: float) -> str:
    """Write how far a figure is above another; a dash if one of them is not there."""
    if math.isnan(difference):
        return "-"
    return (
        f"{100 * difference:+.2f} points"
        if FIGURES[name].format.endswith("%")
        else f"{difference:+.4f}"
    )


def _slaves(found: Baseline) -> Fitting:
    name = found.primary
    rows = []
    for slave, of_slave in islice(found.slaves.items(), SLAVES_LISTED):
        figures = {
            "local": of_slave.local,
            "federated": of_slave.federated,
            "pooled": of_slave.pooled,
            "local, everyone": of_slave.local_everywhere,
        }
        rows.append(
            {
                "slave": slave,
                "rows": str(of_slave.rows),
                "held out": str(of_slave.held_out),
                **{title: FIGURES[name].write(each.get(name)) for title, each in figures.items()},
            }
        )
    return Fitting(
        rows,
        f"{FIGURES[name].title} on each slave's held-out rows, and of its own model on everyone's",
        rest=len(found.slaves) - SLAVES_LISTED,
        shrinks=("slave",),
        gives_way=("held out", "local, everyone", "rows"),
    )
