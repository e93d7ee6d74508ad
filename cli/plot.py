"""``fedredis plot``: a picture of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedredis.api.study.plotting import plot
from fedredis.cli import options, output

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(name="plot")
@click.argument("run", nargs=-1, required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Picture to write, .png, .svg or .pdf (needs fedredis[plot]).",
)
@click.option("--nodes", is_flag=True, help="Draw what the processes of the runs have used.")
@options.force
@options.redis
def command(
    run: Sequence[str], out: Path, nodes: bool, force: bool, redis_url: str | None, home: Path
) -> None:
    """Draw runs: figures by round, slaves, confusion matrix.

    Several runs are drawn over each other; with --nodes, beside each other: cores by time, of all
    processes together and of each.
    """
    plot(run, out, nodes=nodes, force=force, redis_url=redis_url, home=home)
    output.say(f"{', '.join(dict.fromkeys(run))} drawn in {out}")
